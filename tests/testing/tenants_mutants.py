"""Faults that let a tenant see or change what is another one's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import evolve

from clincore.adapters.memory.access_log import MemoryAccessLog
from clincore.adapters.memory.case_store import MemoryCaseStore
from clincore.adapters.memory.idempotency_store import MemoryIdempotencyStore
from clincore.adapters.memory.key_store import MemoryKeyStore
from clincore.adapters.memory.patient_store import MemoryPatientStore
from clincore.adapters.memory.tables import TenantTables
from clincore.adapters.memory.unit_of_work import MemoryUnitOfWork
from clincore.adapters.memory.usage_meter import MemoryUsageMeter
from clincore.domain.access import EVERYTHING, AccessEntry, AccessFilter
from clincore.domain.case import Case, CaseStatus
from clincore.domain.identity import ApiKeyRecord
from clincore.domain.page import Page, PageRequest
from clincore.domain.usage import UsageReport

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.call import Record
    from clincore.domain.idempotency import FirstAnswer
    from clincore.domain.patient import Patient
    from clincore.domain.replay import Replay
    from clincore.ports.pending import Pending

from database_mutants import everyones, found, planted

UNKNOWN: Final = "another_tenants_ids_behave_exactly_as_unknown_ones"
UNTOUCHED: Final = "no_operation_changes_anything_of_another_tenant"


@planted("patients.get without the tenant", UNKNOWN)
class _GetsAnyPatient(MemoryPatientStore):
    def get(self, patient_id: UUID) -> Pending[Patient | None]:
        return self._work.ask(lambda: found(everyones(self._work, "patients"), patient_id))


@planted("patients.list without the tenant", UNKNOWN)
class _ListsAnyPatient(MemoryPatientStore):
    def list(self, name: str | None, page: PageRequest) -> Pending[Page[Patient]]:
        self._rows = {row.id: row for row in everyones(self._work, "patients")}
        return super().list(name, page)


@planted("patients.replace without the tenant", UNTOUCHED)
class _ReplacesAnyPatient(MemoryPatientStore):
    def replace(self, patient: Patient) -> Pending[bool]:
        def step() -> bool:
            for tables in self._work._all.tenants.values():
                stored = tables.patients.get(patient.id)
                if stored is not None and stored.revision == patient.revision - 1:
                    self._work.put(tables.patients, patient.id, patient)
                    return True
            return False

        return self._work.ask(step)


@planted("cases.get without the tenant", UNKNOWN)
class _GetsAnyCase(MemoryCaseStore):
    def get(self, case_id: UUID) -> Pending[Case | None]:
        return self._work.ask(lambda: found(everyones(self._work, "cases"), case_id))


@planted("cases.list without the tenant", UNKNOWN)
class _ListsAnyCase(MemoryCaseStore):
    def list(self, *, patient_id: UUID | None, status: CaseStatus | None, page: PageRequest) -> Pending[Page[Case]]:
        self._rows = {row.id: row for row in everyones(self._work, "cases")}
        return super().list(patient_id=patient_id, status=status, page=page)


@planted("cases.count_since without the tenant", UNKNOWN)
class _CountsAnyCase(MemoryCaseStore):
    def count_since(self, start: datetime) -> Pending[int]:
        return self._work.ask(lambda: sum(row.created_at >= start for row in everyones(self._work, "cases")))


@planted("cases.record_replay without the tenant", UNTOUCHED)
class _RecordsOfAnyCase(MemoryCaseStore):
    def record_replay(self, replay: Replay) -> None:
        def step() -> None:
            for tables in self._work._all.tenants.values():
                stored = tables.cases.get(replay.case_id)
                if stored is not None and stored.status is CaseStatus.FINALIZED:
                    after = evolve(stored, verdict=replay.verdict.value, verified_at=replay.verified_at)
                    self._work.put(tables.cases, replay.case_id, after)

        self._work.ask(step)


@planted("cases.add for any tenant's patient", "a_case_for_an_unknown_or_foreign_patient_is_refused_alike")
class _AddsForAnyPatient(MemoryCaseStore):
    def add(self, case: Case) -> None:
        def step() -> None:
            if found(everyones(self._work, "patients"), case.patient_id) is not None:
                self._work.enter(self._rows, case.id, case)

        self._work.ask(step)


@planted("keys.get without the tenant", UNKNOWN)
class _GetsAnyKey(MemoryKeyStore):
    def get(self, key_id: UUID) -> Pending[ApiKeyRecord | None]:
        return self._work.ask(lambda: found(everyones(self._work, "keys"), key_id))


@planted("keys.revoke without the tenant", UNTOUCHED)
class _RevokesAnyKey(MemoryKeyStore):
    def revoke(self, key_id: UUID, *, at: datetime) -> Pending[bool]:
        def step() -> bool:
            for tables in self._work._all.tenants.values():
                if key_id in tables.keys:
                    self._work.put(tables.keys, key_id, evolve(tables.keys[key_id], revoked_at=at))
            return False

        return self._work.ask(step)


@planted("keys.hold_admins without the tenant", UNKNOWN)
class _HoldsAnyAdmin(MemoryKeyStore):
    def hold_admins(self) -> Pending[tuple[ApiKeyRecord, ...]]:
        self._rows = {row.id: row for row in everyones(self._work, "keys")}
        return super().hold_admins()


@planted("access_log.list without the tenant", UNKNOWN)
class _ListsAnyLine(MemoryAccessLog):
    def list(self, page: PageRequest, wanted: AccessFilter = EVERYTHING) -> Pending[Page[AccessEntry]]:
        self._rows = {row.id: row for row in everyones(self._work, "access_log")}
        return super().list(page, wanted)


@planted("access_log.touched about any tenant's record", UNTOUCHED)
class _LogsAnyRecord(MemoryUnitOfWork):
    def exists(self, record: Record) -> bool:
        return found(everyones(self, "patients") + everyones(self, "cases"), record.id) is not None


@planted("usage.report without the tenant", UNKNOWN)
class _ReportsAnyUsage(MemoryUsageMeter):
    def report(self) -> Pending[UsageReport]:
        self._held = TenantTables()
        for tables in self._work._all.tenants.values():
            self._held.usage_totals.update(tables.usage_totals)
            self._held.usage_days.update(tables.usage_days)
            self._held.usage_minutes.update(tables.usage_minutes)
        return super().report()


@planted("idempotency.find without the tenant", UNKNOWN)
class _FindsAnyAnswer(MemoryIdempotencyStore):
    def find(self, key: str) -> Pending[FirstAnswer | None]:
        for tables in self._work._all.tenants.values():
            self._rows = (
                tables.idempotency_keys if (self._work.call.endpoint, key) in tables.idempotency_keys else self._rows
            )
        return super().find(key)


@planted("another tenant's key is let in", "a_key_that_is_not_valid_is_refused_and_nothing_is_written")
class _LetsAnyKeyIn(MemoryUnitOfWork):
    def _authenticate(self) -> None:
        if self._call is not None:
            known = [key for key in everyones(self, "keys") if key.key_hash == self._call.key_digest]
            self.tables.keys.update({key.id: key for key in known[:1]})
        super()._authenticate()


@planted("a record of another tenant is taken", "a_record_of_another_tenant_cannot_be_handed_over")
class _TakesAnyRecord(MemoryUnitOfWork):
    def require_own(self, tenant_id: UUID) -> None:
        pass
