"""Faults planted in copies of the database in memory, each with the law that must catch it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, frozen

from clincore.adapters.memory.access_log import MemoryAccessLog
from clincore.adapters.memory.case_store import MemoryCaseStore
from clincore.adapters.memory.database import MemoryDatabase
from clincore.adapters.memory.idempotency_store import MemoryIdempotencyStore
from clincore.adapters.memory.key_store import MemoryKeyStore
from clincore.adapters.memory.patient_store import MemoryPatientStore
from clincore.adapters.memory.tables import TenantTables
from clincore.adapters.memory.tenant_store import MemoryTenantStore
from clincore.adapters.memory.transaction import MemoryTransaction
from clincore.adapters.memory.unit_of_work import MemoryUnitOfWork
from clincore.adapters.memory.usage_meter import MemoryUsageMeter
from clincore.domain.access import EVERYTHING, AccessEntry, AccessFilter
from clincore.domain.case import Case, CaseStatus
from clincore.domain.errors import DatabaseClosed, Forbidden, StorageFault, Unauthenticated
from clincore.domain.identity import ApiKeyRecord, Plan, Role
from clincore.domain.page import Page, PageRequest, Position
from clincore.domain.usage import Endpoint, UsageReport, day_of, minute_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.call import Call, Record
    from clincore.domain.idempotency import FirstAnswer
    from clincore.domain.patient import Patient
    from clincore.domain.replay import Replay
    from clincore.ports.pending import Pending


@frozen
class Mutant:
    """A fault, the law that catches it, and how a database with it is made."""

    fault: str
    law: str
    make: Callable[[], MemoryDatabase]


class Copy(MemoryDatabase):
    """The database in memory with another unit of work, or without its one lock."""

    work: type[MemoryUnitOfWork] = MemoryUnitOfWork
    takes_turns = True

    @asynccontextmanager
    async def _transaction(self, tenant_id: UUID, call: Call | None) -> AsyncIterator[MemoryUnitOfWork]:
        if not self.takes_turns:
            self._turn = asyncio.Lock()
        self._require_open()
        async with self._turn:
            known = tenant_id in self._tables.tenants
            work = self.work(self._tables, tenant_id, call)
            try:
                yield work
            finally:
                work.end()
                if not known and self._tables.tenants[tenant_id] == TenantTables():
                    del self._tables.tenants[tenant_id]

    def _require_open(self) -> None:
        if self._closed:
            raise DatabaseClosed


MUTANTS: Final[list[Mutant]] = []


def planted(fault: str, law: str) -> Callable[[Any], Any]:
    """Register a fault: of a store (by its base class), of the unit of work, or of the database itself."""

    def register(kind: Any) -> Any:
        MUTANTS.append(Mutant(fault, law, _maker(kind)))
        return kind

    return register


_STORES: Final = {
    MemoryPatientStore: "patients",
    MemoryCaseStore: "cases",
    MemoryKeyStore: "keys",
    MemoryTenantStore: "tenants",
    MemoryAccessLog: "access_log",
    MemoryUsageMeter: "usage",
    MemoryIdempotencyStore: "idempotency",
}


def _maker(kind: Any) -> Callable[[], MemoryDatabase]:
    if issubclass(kind, MemoryDatabase):
        return kind  # type: ignore[no-any-return]
    if issubclass(kind, MemoryUnitOfWork):
        return type("Mutant", (Copy,), {"work": kind})
    (name,) = (name for base, name in _STORES.items() if issubclass(kind, base))
    return _maker(type("Work", (MemoryUnitOfWork,), {name: cached_property(kind)}))


def everyones(work: MemoryTransaction, table: str) -> list[Any]:
    """The records of all tenants: what a statement without a tenant in its predicate reads."""
    tables = (getattr(tenant, table) for tenant in work._all.tenants.values())
    return list(chain.from_iterable(held.values() if isinstance(held, dict) else held for held in tables))


def found(rows: Iterable[Any], id: UUID) -> Any:
    return next((row for row in rows if row.id == id), None)


# --- a tenant left out of one predicate ------------------------------------------------------------------------------

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


# --- what lasts and what does not ------------------------------------------------------------------------------------


@planted("a rollback that is swallowed", "what_was_flushed_and_not_committed_is_rolled_back")
class _SwallowsRollbacks(MemoryUnitOfWork):
    def end(self) -> None:
        self._undo.clear()


@planted("a rollback that forgets what was written over", "nothing_is_left_of_a_unit_of_work_that_was_not_committed")
class _ForgetsUpdates(MemoryUnitOfWork):
    def put(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        if key in table:
            table[key] = value
        else:
            super().put(table, key, value)


@planted("an exception commits", "an_exception_anywhere_rolls_everything_back")
class _CommitsOnTheWayOut(Copy):
    @asynccontextmanager
    async def _transaction(self, tenant_id: UUID, call: Call | None) -> AsyncIterator[MemoryUnitOfWork]:
        async with super()._transaction(tenant_id, call) as work:
            try:
                yield work
            except ZeroDivisionError:
                work._undo.clear()
                raise


@planted("a commit that is visible too early", "nothing_is_seen_before_it_is_committed")
class _ShowsAtOnce(Copy):
    takes_turns = False


@planted("a commit that sends nothing", "what_was_committed_lasts")
class _CommitsNothing(MemoryUnitOfWork):
    async def commit(self) -> None:
        self._queue = [step for step in self._queue if self._call is None]
        await super().commit()


@planted("a refused unit of work that is committed all the same", "a_refused_unit_of_work_cannot_be_committed")
class _GoesOn(MemoryUnitOfWork):
    async def flush(self) -> None:
        try:
            await super().flush()
        finally:
            self._over = False


@planted("a committed unit of work that goes on", "a_committed_unit_of_work_is_over")
class _NeverEnds(MemoryUnitOfWork):
    async def commit(self) -> None:
        await super().commit()
        self._over = False


@planted("statements out of order", "statements_run_in_the_order_they_were_asked")
class _TurnsTheOrderAround(MemoryUnitOfWork):
    async def flush(self) -> None:
        self._queue.reverse()
        await super().flush()


# --- who is let in ---------------------------------------------------------------------------------------------------

REFUSED: Final = "a_key_that_is_not_valid_is_refused_and_nothing_is_written"


class _Admits(MemoryUnitOfWork):
    """Lets keys in by another rule."""

    def _authenticate(self) -> None:
        if self._call is None or self._principal is not None:
            return
        known = (key for key in self.tables.keys.values() if key.key_hash == self._call.key_digest)
        key = next(known, None)
        if key is None or not self._admits(key, self._call):
            raise Unauthenticated
        if self._call.admin_only and key.role is not Role.ADMIN:
            raise Forbidden
        self._principal = key.principal()

    def _admits(self, key: ApiKeyRecord, call: Call) -> bool:
        return key.is_valid(call.at)


@planted("a revoked key that is accepted", REFUSED)
class _AdmitsRevoked(_Admits):
    def _admits(self, key: ApiKeyRecord, call: Call) -> bool:
        return key.expires_at is None or call.at < key.expires_at


@planted("an expired key that is accepted", REFUSED)
class _AdmitsExpired(_Admits):
    def _admits(self, key: ApiKeyRecord, call: Call) -> bool:
        return key.revoked_at is None


@planted("a key that is accepted at the moment it expires", REFUSED)
class _AdmitsAtTheEnd(_Admits):
    def _admits(self, key: ApiKeyRecord, call: Call) -> bool:
        return key.is_valid(call.at) or (key.revoked_at is None and key.expires_at == call.at)


@planted("a key that ends a minute early", "a_key_is_valid_until_the_moment_it_expires")
class _EndsEarly(_Admits):
    def _admits(self, key: ApiKeyRecord, call: Call) -> bool:
        return key.is_valid(call.at + timedelta(minutes=1))


@planted("a user's key that administers", "a_key_without_the_role_is_forbidden_and_nothing_is_written")
class _LetsUsersAdminister(MemoryUnitOfWork):
    def _authenticate(self) -> None:
        call = self._call
        self._call = evolve(call, admin_only=False) if call else None
        super()._authenticate()


@planted("the wrong refusal of a key without the role", "a_key_without_the_role_is_forbidden_and_nothing_is_written")
class _DoesNotKnowUsers(_Admits):
    def _admits(self, key: ApiKeyRecord, call: Call) -> bool:
        return key.is_valid(call.at) and (key.role is Role.ADMIN or not call.admin_only)


@planted("a refused call that is counted", "usage_is_exact")
class _CountsRefused(MemoryUnitOfWork):
    def _authenticate(self) -> None:
        try:
            super()._authenticate()
        except Unauthenticated:
            key = next(iter(self.tables.keys.values()))
            self.tables.usage_totals[key.id, self.call.endpoint] += 1
            self.tables.usage_days[day_of(self.call.at)] += 1
            self.tables.usage_minutes[minute_of(self.call.at)] += 1
            raise


@planted("a last use to the second", "the_last_use_is_kept_to_the_hour")
class _KeepsEverySecond(MemoryUnitOfWork):
    def _keep_last_use(self) -> None:
        super()._keep_last_use()
        if self._call is not None:
            key = self.tables.keys[self.principal.key_id]
            self.tables.keys[key.id] = evolve(key, last_used_at=self._call.at)


# --- patients and cases ----------------------------------------------------------------------------------------------


@planted("a lost update of a patient", "a_patient_is_replaced_by_the_next_revision_only")
class _LosesUpdates(MemoryPatientStore):
    def replace(self, patient: Patient) -> Pending[bool]:
        def step() -> bool:
            if patient.id not in self._rows:
                return False
            self._work.put(self._rows, patient.id, patient)
            return True

        return self._work.ask(step)


@planted("a name searched by its letters' case", "names_are_found_by_a_part_in_any_case_of_letters")
class _MindsCase(MemoryPatientStore):
    def list(self, name: str | None, page: PageRequest) -> Pending[Page[Patient]]:
        self._rows = {id: row for id, row in self._rows.items() if (name or "") in row.details.full_name}
        return super().list(None, page)


@planted("a record that is entered over another", "an_id_that_is_taken_is_refused_and_the_record_stays")
class _EntersOver(MemoryUnitOfWork):
    def enter(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        self.put(table, key, value)


@planted("the wrong class for an unknown patient", "a_case_for_an_unknown_or_foreign_patient_is_refused_alike")
class _SaysForeignKey(MemoryCaseStore):
    def add(self, case: Case) -> None:
        def step() -> None:
            if case.patient_id not in self._work.tables.patients:
                raise StorageFault("23503")
            self._work.enter(self._rows, case.id, case)

        self._work.ask(step)


class _WritesOver(MemoryCaseStore):
    """Replaces whatever is there."""

    def replace(self, case: Case) -> Pending[bool]:
        def step() -> bool:
            self._work.put(self._rows, case.id, case)
            return True

        return self._work.ask(step)


@planted("a finalize that wins twice", "of_several_that_replace_one_draft_at_once_without_a_lock_one_wins")
class _FinalizesTwice(_WritesOver):
    pass


@planted("a finalized case that is written over", "a_finalized_case_never_changes_again")
class _EditsFinalized(MemoryCaseStore):
    def replace(self, case: Case) -> Pending[bool]:
        def step() -> bool:
            before = self._rows.get(case.id)
            if before is None or before.revision != case.revision - 1:
                return False
            self._work.put(self._rows, case.id, case)
            return True

        return self._work.ask(step)


@planted("a lock that does not hold", "of_several_that_finalize_one_case_at_once_one_wins")
class _LocksNothing(Copy):
    takes_turns = False

    class work(MemoryUnitOfWork):  # noqa: N801
        async def flush(self) -> None:
            await super().flush()
            await asyncio.sleep(0)

        @cached_property
        def cases(self) -> MemoryCaseStore:
            return _WritesOver(self)


@planted("a verdict that is kept of a draft", "a_verdict_of_a_draft_or_of_an_unknown_or_foreign_case_is_not_kept")
class _JudgesDrafts(MemoryCaseStore):
    def record_replay(self, replay: Replay) -> None:
        def step() -> None:
            stored = self._rows.get(replay.case_id)
            if stored is not None:
                after = evolve(stored, verdict=replay.verdict.value, verified_at=replay.verified_at)
                self._work.put(self._rows, replay.case_id, after)

        self._work.ask(step)


@planted("a verdict that counts as a revision", "of_a_finalized_case_the_latest_verdict_is_kept")
class _RevisesByVerdict(MemoryCaseStore):
    def record_replay(self, replay: Replay) -> None:
        super().record_replay(replay)

        def step() -> None:
            stored = self._rows.get(replay.case_id)
            if stored is not None:
                self._work.put(self._rows, stored.id, evolve(stored, revision=stored.revision + 1))

        self._work.ask(step)


@planted("a case that is stored by reference", "what_was_read_of_a_case_is_a_copy")
class _LendsItsRows(MemoryCaseStore):
    def get(self, case_id: UUID) -> Pending[Case | None]:
        return self._work.ask(lambda: self._rows.get(case_id))


@planted("weights that lose their zeros", "a_weight_keeps_its_zeros")
class _StoresFloats(MemoryCaseStore):
    def add(self, case: Case) -> None:
        payload: Any = case.input_payload
        rubrics = [{**each, "weight": float(each["weight"])} for each in payload.get("rubrics", ()) if "weight" in each]
        super().add(evolve(case, input_payload={**payload, "rubrics": rubrics}) if rubrics else case)


@planted("a count that leaves its first moment out", "cases_are_counted_from_a_moment_on")
class _CountsAfter(MemoryCaseStore):
    def count_since(self, start: datetime) -> Pending[int]:
        return self._work.ask(lambda: sum(row.created_at > start for row in self._rows.values()))


# --- pages -----------------------------------------------------------------------------------------------------------


class _Pages(MemoryPatientStore):
    """Pages of patients by another rule."""

    def list(self, name: str | None, page: PageRequest) -> Pending[Page[Patient]]:
        def step() -> Page[Patient]:
            rows = sorted(self._rows.values(), key=lambda row: (row.created_at, row.id), reverse=True)
            return self._page(rows, page)

        return self._work.ask(step) if name is None else super().list(name, page)

    def _page(self, rows: Sequence[Patient], page: PageRequest) -> Page[Patient]:
        raise NotImplementedError


PAGES: Final = "pages_of_patients_are_complete_without_repeats_newest_first"


def _behind(row: Patient, after: Position | None, *, inclusive: bool = False) -> bool:
    if after is None:
        return True
    place, limit = (row.created_at, row.id), (after.created_at, after.id)
    return place <= limit if inclusive else place < limit


def _cut(rows: Sequence[Patient], limit: int) -> Page[Patient]:
    items = tuple(rows[:limit])
    last = items[-1] if items else None
    more = last is not None and len(rows) > limit
    return Page(items=items, next=Position(last.created_at, last.id).to_cursor() if more and last else None)


@planted("a page one short", PAGES)
class _LosesTheLast(_Pages):
    def _page(self, rows: Sequence[Patient], page: PageRequest) -> Page[Patient]:
        whole = _cut([row for row in rows if _behind(row, page.after)], page.limit)
        return evolve(whole, items=whole.items[:-1]) if whole.next else whole


@planted("a page one too long", PAGES)
class _GivesOneMore(_Pages):
    def _page(self, rows: Sequence[Patient], page: PageRequest) -> Page[Patient]:
        return _cut([row for row in rows if _behind(row, page.after)], page.limit + 1)


@planted("a cursor that repeats", PAGES)
class _Repeats(_Pages):
    def _page(self, rows: Sequence[Patient], page: PageRequest) -> Page[Patient]:
        first = page.after is None
        whole = [row for row in rows if _behind(row, page.after, inclusive=True)]
        return _cut(whole, page.limit if first else page.limit + 1)


@planted("a cursor of the time alone", PAGES)
class _SkipsTheSameMoment(_Pages):
    def _page(self, rows: Sequence[Patient], page: PageRequest) -> Page[Patient]:
        after = page.after
        return _cut([row for row in rows if after is None or row.created_at < after.created_at], page.limit)


@planted("a full last page that promises another", PAGES)
class _PromisesAnother(_Pages):
    def _page(self, rows: Sequence[Patient], page: PageRequest) -> Page[Patient]:
        whole = [row for row in rows if _behind(row, page.after)]
        if whole and len(whole) < page.limit:
            last = whole[-1]
            return Page(items=tuple(whole), next=Position(last.created_at, last.id).to_cursor())
        return _cut(whole, page.limit)


@planted("an order of ids upwards", PAGES)
class _OrdersUpwards(_Pages):
    def _page(self, rows: Sequence[Patient], page: PageRequest) -> Page[Patient]:
        rows = sorted(sorted(rows, key=lambda row: row.id), key=lambda row: row.created_at, reverse=True)
        places = [row.id for row in rows]
        start = places.index(page.after.id) + 1 if page.after else 0
        return _cut(rows[start:], page.limit)


class _Offsets(_Pages):
    """Cursors that count rows from the newest instead of naming a place."""

    def _page(self, rows: Sequence[Patient], page: PageRequest) -> Page[Patient]:
        start = page.after.id.int if page.after else 0
        items = tuple(rows[start : start + page.limit])
        if len(rows) <= start + page.limit:
            return Page(items=items, next=None)
        place = evolve(Position(items[-1].created_at, items[-1].id), id=type(items[-1].id)(int=start + page.limit))
        return Page(items=items, next=place.to_cursor())


@planted("a cursor that counts rows", "records_entered_between_two_pages_shift_nothing")
class _CountsRows(_Offsets):
    pass


# --- log, usage, keys ------------------------------------------------------------------------------------------------


@planted("a log line about what does not exist", "nothing_is_logged_or_counted_about_a_record_that_does_not_exist")
class _LogsAnything(MemoryUnitOfWork):
    def exists(self, record: Record) -> bool:
        return True


@planted("a log filter whose end is included", "the_log_is_filtered_by_key_action_record_and_time")
class _IncludesTheEnd(MemoryAccessLog):
    def list(self, page: PageRequest, wanted: AccessFilter = EVERYTHING) -> Pending[Page[AccessEntry]]:
        until = wanted.until
        return super().list(page, evolve(wanted, until=until + timedelta(microseconds=1) if until else None))


class _Reports(MemoryUsageMeter):
    """Changes what is reported."""

    def report(self) -> Pending[UsageReport]:
        pending = super().report()
        self._work._queue.append(lambda: pending.arrive(self._changed(pending.result())))
        return pending

    def _changed(self, report: UsageReport) -> UsageReport:
        raise NotImplementedError


LAST_DAY: Final = "usage_is_reported_by_endpoint_and_for_the_last_24_hours_in_whole_minutes"


@planted("the last 24 hours to the microsecond", LAST_DAY)
class _CountsToTheMicrosecond(_Reports):
    def _changed(self, report: UsageReport) -> UsageReport:
        since = self._work.call.at - timedelta(days=1)
        recent = sum(calls for minute, calls in self._held.usage_minutes.items() if minute >= since)
        return evolve(report, last_24h_count=recent)


@planted("days of all time", "usage_is_exact_by_endpoint_key_and_day")
class _TellsEveryDay(_Reports):
    def _changed(self, report: UsageReport) -> UsageReport:
        return evolve(report, calls_by_day=dict(+self._held.usage_days))


@planted("calls of one key told of another", "usage_is_exact")
class _ChargesTheFirst(_Reports):
    def _changed(self, report: UsageReport) -> UsageReport:
        first = min(report.calls_by_key, default=None)
        return evolve(report, calls_by_key={first: report.total_calls} if first else {})


@planted("a usage event that is lost", "usage_is_exact")
class _LosesAnEvent(MemoryUsageMeter):
    def count(self, about: Record | None = None) -> None:
        def step() -> None:
            call = self._work.call
            known = self._held.usage_totals[self._work.principal.key_id, call.endpoint]
            if not (known and self._held.usage_minutes[minute_of(call.at)]):
                super(_LosesAnEvent, self).count(about)
                self._work._queue.pop()()

        self._work.ask(step)


@planted("a usage event that is doubled", "usage_is_exact")
class _CountsTwice(MemoryUsageMeter):
    def count(self, about: Record | None = None) -> None:
        super().count(about)
        if self._work.call.endpoint is Endpoint.CREATE_CASE:
            super().count(about)


@planted("a usage event outside the transaction", "usage_is_exact")
class _CountsAside(MemoryUsageMeter):
    def count(self, about: Record | None = None) -> None:
        super().count(about)
        self._work._queue.append(self._forget_how_to_undo)

    def _forget_how_to_undo(self) -> None:
        self._work._undo.clear()


@planted("a report with the call that asks for it", "a_report_leaves_out_the_call_that_asks_for_it")
class _ReportsItself(_Reports):
    def _changed(self, report: UsageReport) -> UsageReport:
        return evolve(report, total_calls=report.total_calls + 1)


@planted("a key that is retired twice", "a_key_is_retired_once")
class _RetiresTwice(MemoryKeyStore):
    def retire(self, key_id: UUID, *, at: datetime, expires_at: datetime) -> Pending[bool]:
        def step() -> bool:
            stored = self._rows.get(key_id)
            if stored is None or stored.revoked_at is not None:
                return False
            self._work.put(self._rows, key_id, evolve(stored, rotated_at=at, expires_at=expires_at))
            return True

        return self._work.ask(step)


@planted("a key that is revoked only while it is valid", "a_key_that_was_rotated_or_has_expired_is_revoked_too")
class _SparesEnded(MemoryKeyStore):
    def revoke(self, key_id: UUID, *, at: datetime) -> Pending[bool]:
        stored = self._rows.get(key_id)
        ended = stored is not None and (stored.expires_at is not None or stored.rotated_at is not None)
        return self._work.ask(lambda: True) if ended else super().revoke(key_id, at=at)


@planted("a revoked key that disappears from the list", "every_key_is_listed_whatever_has_become_of_it")
class _ForgetsRevoked(MemoryKeyStore):
    def list(self, page: PageRequest) -> Pending[Page[ApiKeyRecord]]:
        self._rows = {id: row for id, row in self._rows.items() if row.revoked_at is None}
        return super().list(page)


# --- idempotency, tenants, the database ------------------------------------------------------------------------------


@planted("an idempotency key for every endpoint", "what_a_key_made_is_kept_for_its_tenant_and_endpoint_alone")
class _ForgetsTheEndpoint(MemoryIdempotencyStore):
    def find(self, key: str) -> Pending[FirstAnswer | None]:
        def step() -> FirstAnswer | None:
            return next((answer for (_, name), answer in self._rows.items() if name == key), None)

        return self._work.ask(step)


@planted("an idempotency key that is kept for ever", "what_a_key_made_is_forgotten_after_24_hours")
class _KeepsForEver(MemoryIdempotencyStore):
    def find(self, key: str) -> Pending[FirstAnswer | None]:
        return self._work.ask(lambda: self._rows.get((self._work.call.endpoint, key)))


@planted("a bootstrap that is claimed twice", "of_several_bootstraps_at_once_one_wins_and_none_after_it")
class _BootstrapsTwice(MemoryUnitOfWork):
    def claim_bootstrap(self, at: datetime) -> bool:
        self._all.bootstrapped_at = None
        return super().claim_bootstrap(at)


@planted("a plan that takes the tenant's name along", "a_tenant_is_put_on_a_plan_and_nothing_else_changes")
class _RenamesByPlan(MemoryTenantStore):
    def set_plan(self, plan: Plan) -> Pending[bool]:
        tables = self._work.tables
        if tables.tenant is not None:
            tables.tenant = evolve(tables.tenant, name=plan.value)
        return super().set_plan(plan)


@planted("a limited plan that nobody holds", "a_limited_plan_is_held_by_one_at_a_time")
class _HoldsNoPlan(Copy):
    takes_turns = False

    class work(MemoryUnitOfWork):  # noqa: N801
        async def flush(self) -> None:
            await super().flush()
            await asyncio.sleep(0)


@planted("a tenant that was only asked for", "a_tenant_that_was_not_committed_or_only_asked_for_is_none")
class _CountsAsked(MemoryDatabase):
    async def tenant_ids(self) -> tuple[UUID, ...]:
        return (*await super().tenant_ids(), *self._asked)

    def __init__(self) -> None:
        super().__init__()
        self._asked: list[UUID] = []

    def provisioning(self, tenant_id: UUID) -> Any:
        self._asked = [tenant_id]
        return super().provisioning(tenant_id)


@planted("tenants in no order", "the_ids_of_all_tenants_are_read_in_ascending_order")
class _OrdersNothing(MemoryDatabase):
    async def tenant_ids(self) -> tuple[UUID, ...]:
        return tuple(reversed(await super().tenant_ids()))


@planted("a closed database that answers", "a_closed_database_is_unavailable")
class _NeverCloses(MemoryDatabase):
    async def close(self) -> None:
        pass
