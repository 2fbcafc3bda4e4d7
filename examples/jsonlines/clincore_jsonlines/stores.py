"""The stores of one unit of work: clincore/ports/ says what each method does."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from attrs import evolve, frozen

from clincore.domain.access import EVERYTHING, AccessEntry, AccessFilter, Action, RecordType
from clincore.domain.case import Case, CaseStatus
from clincore.domain.errors import PatientNotFound, StorageFault
from clincore.domain.idempotency import KEPT_FOR, FirstAnswer
from clincore.domain.identity import ApiKeyRecord, Plan, Role, Tenant
from clincore.domain.patient import Patient
from clincore.domain.usage import UsageReport, day_of, first_reported_day, last_24h_start
from clincore_jsonlines.records import CountedCall
from clincore_jsonlines.transaction import Transaction, page_of

if TYPE_CHECKING:
    from datetime import datetime

    from clincore.domain.call import Record
    from clincore.domain.page import Page, PageRequest
    from clincore.domain.replay import Replay
    from clincore.ports.pending import Pending


def _created(record: Patient | Case | ApiKeyRecord) -> tuple[datetime, UUID]:
    return record.created_at, record.id


def _lowered(text: str) -> str:
    return "".join(letter.lower()[0] for letter in text)


@frozen
class Patients:
    _work: Transaction

    def get(self, patient_id: UUID) -> Pending[Patient | None]:
        return self._work.ask(lambda: self._work.get("patients", patient_id))

    def add(self, patient: Patient) -> None:
        self._work.require_own(patient.tenant_id)
        self._work.ask(lambda: self._work.add("patients", patient.id, patient))

    def replace(self, patient: Patient) -> Pending[bool]:
        self._work.require_own(patient.tenant_id)

        def step() -> bool:
            stored = self._work.get("patients", patient.id)
            if stored is None or stored.revision != patient.revision - 1:
                return False
            self._work.put("patients", patient.id, patient)
            return True

        return self._work.ask(step)

    def list(self, name: str | None, page: PageRequest) -> Pending[Page[Patient]]:
        def step() -> Page[Patient]:
            wanted = _lowered(name or "")
            found = [row for row in self._work.all("patients") if wanted in _lowered(row.details.full_name)]
            return page_of(found, page, _created)

        return self._work.ask(step)


@frozen
class Cases:
    _work: Transaction

    def get(self, case_id: UUID) -> Pending[Case | None]:
        return self._work.ask(lambda: self._work.get("cases", case_id))

    def lock(self, case_id: UUID) -> Pending[Case | None]:
        return self.get(case_id)  # one unit of work runs at a time

    def add(self, case: Case) -> None:
        self._work.require_own(case.tenant_id)

        def step() -> None:
            if self._work.get("patients", case.patient_id) is None:
                raise PatientNotFound(case.patient_id)
            self._work.add("cases", case.id, case)

        self._work.ask(step)

    def replace(self, case: Case) -> Pending[bool]:
        self._work.require_own(case.tenant_id)

        def step() -> bool:
            stored = self._work.get("cases", case.id)
            if stored is None or stored.status is CaseStatus.FINALIZED or stored.revision != case.revision - 1:
                return False
            self._work.put("cases", case.id, case)
            return True

        return self._work.ask(step)

    def record_replay(self, replay: Replay) -> None:
        def step() -> None:
            stored = self._work.get("cases", replay.case_id)
            if stored is not None and stored.status is CaseStatus.FINALIZED:
                judged = evolve(stored, verdict=replay.verdict.value, verified_at=replay.verified_at)
                self._work.put("cases", stored.id, judged)

        self._work.ask(step)

    def list(self, *, patient_id: UUID | None, status: CaseStatus | None, page: PageRequest) -> Pending[Page[Case]]:
        def step() -> Page[Case]:
            fitting = [
                row
                for row in self._work.all("cases")
                if patient_id in (None, row.patient_id) and status in (None, row.status)
            ]
            return page_of(fitting, page, _created)

        return self._work.ask(step)

    def count_since(self, start: datetime) -> Pending[int]:
        return self._work.ask(lambda: sum(row.created_at >= start for row in self._work.all("cases")))


@frozen
class Keys:
    _work: Transaction

    def get(self, key_id: UUID) -> Pending[ApiKeyRecord | None]:
        return self._work.ask(lambda: self._work.get("keys", key_id))

    def add(self, key: ApiKeyRecord) -> None:
        self._work.require_own(key.tenant_id)

        def step() -> None:
            if any(stored.key_hash == key.key_hash for stored in self._work.all("keys")):
                raise StorageFault(None, "the key is taken")
            self._work.add("keys", key.id, key)

        self._work.ask(step)

    def retire(self, key_id: UUID, *, at: datetime, expires_at: datetime) -> Pending[bool]:
        return self._end(key_id, "rotated_at", rotated_at=at, expires_at=expires_at)

    def revoke(self, key_id: UUID, *, at: datetime) -> Pending[bool]:
        return self._end(key_id, "revoked_at", revoked_at=at)

    def hold_admins(self) -> Pending[tuple[ApiKeyRecord, ...]]:
        def step() -> tuple[ApiKeyRecord, ...]:
            found = [key for key in self._work.all("keys") if key.role is Role.ADMIN and key.revoked_at is None]
            return tuple(sorted(found, key=lambda key: key.id))

        return self._work.ask(step)

    def list(self, page: PageRequest) -> Pending[Page[ApiKeyRecord]]:
        return self._work.ask(lambda: page_of(self._work.all("keys"), page, _created))

    def _end(self, key_id: UUID, once: str, **changes: Any) -> Pending[bool]:
        def step() -> bool:
            stored = self._work.get("keys", key_id)
            if stored is None or stored.revoked_at is not None or getattr(stored, once) is not None:
                return False
            self._work.put("keys", key_id, evolve(stored, **changes))
            return True

        return self._work.ask(step)


@frozen
class Tenants:
    _work: Transaction

    def add(self, tenant: Tenant) -> None:
        self._work.require_own(tenant.id)
        self._work.ask(lambda: self._work.add("tenant", tenant.id, tenant))

    def get(self) -> Pending[Tenant | None]:
        return self._work.ask(lambda: self._work.get("tenant", self._work.tenant_id))

    def set_plan(self, plan: Plan) -> Pending[bool]:
        def step() -> bool:
            stored = self._work.get("tenant", self._work.tenant_id)
            if stored is None:
                return False
            self._work.put("tenant", stored.id, evolve(stored, plan=plan))
            return True

        return self._work.ask(step)

    def hold_plan(self) -> Pending[Tenant | None]:
        return self.get()  # one unit of work runs at a time

    def claim_bootstrap(self, at: datetime) -> Pending[bool]:
        def step() -> bool:
            if self._work.get("bootstrap", "at") is not None:
                return False
            self._work.put("bootstrap", "at", at)
            return True

        return self._work.ask(step)


@frozen
class Log:
    _work: Transaction

    def touched(self, action: Action, record: Record) -> None:
        def step() -> None:
            if self._work.exists(record):
                self._enter(action, record.type, record.id, None)

        self._work.ask(step)

    def listed(self, record_type: RecordType, filter_text: str | None) -> None:
        self._work.ask(lambda: self._enter(Action.LIST, record_type, None, filter_text))

    def list(self, page: PageRequest, wanted: AccessFilter = EVERYTHING) -> Pending[Page[AccessEntry]]:
        def step() -> Page[AccessEntry]:
            return page_of(filter(wanted.admits, self._work.all("log")), page, lambda row: (row.at, row.id))

        return self._work.ask(step)

    def _enter(self, action: Action, record_type: RecordType, record_id: UUID | None, filter_text: str | None) -> None:
        call = self._work.call
        entry = AccessEntry(
            tenant_id=self._work.tenant_id,
            id=uuid4(),
            key_id=self._work.principal.key_id,
            action=action,
            record_type=record_type,
            record_id=record_id,
            filter=filter_text,
            request_id=call.request_id,
            at=call.at,
        )
        self._work.add("log", entry.id, entry)


@frozen
class Usage:
    _work: Transaction

    def count(self, about: Record | None = None) -> None:
        def step() -> None:
            if about is None or self._work.exists(about):
                call = self._work.call
                counted = CountedCall(key_id=self._work.principal.key_id, endpoint=call.endpoint, at=call.at)
                self._work.add("usage", uuid4(), counted)

        self._work.ask(step)

    def report(self) -> Pending[UsageReport]:
        def step() -> UsageReport:
            calls: list[CountedCall] = self._work.all("usage")
            first_day, start = first_reported_day(self._work.call.at), last_24h_start(self._work.call.at)
            return UsageReport(
                total_calls=len(calls),
                calls_by_endpoint=dict(Counter(call.endpoint.value for call in calls)),
                calls_by_key=dict(Counter(call.key_id for call in calls)),
                calls_by_day=dict(Counter(day for call in calls if (day := day_of(call.at)) >= first_day)),
                last_24h_count=sum(call.at >= start for call in calls),
            )

        return self._work.ask(step)


@frozen
class Answers:
    """The idempotency keys, each sent to one endpoint."""

    _work: Transaction

    def hold(self, _key: str) -> Pending[bool]:
        return self._work.ask(lambda: True)  # one unit of work runs at a time

    def find(self, key: str) -> Pending[FirstAnswer | None]:
        def step() -> FirstAnswer | None:
            kept = self._work.get("answers", self._place(key))
            return kept if kept is not None and kept.at > self._work.call.at - KEPT_FOR else None

        return self._work.ask(step)

    def keep(self, key: str, answer: FirstAnswer) -> None:
        def step() -> None:
            for place in self._work.keys_of("answers"):
                kept = self._work.get("answers", place)
                if kept is not None and kept.at <= self._work.call.at - KEPT_FOR:
                    self._work.remove("answers", place)
            self._work.put("answers", self._place(key), answer)

        self._work.ask(step)

    def _place(self, key: str) -> str:
        return f"{self._work.call.endpoint} {key}"
