"""Faults in the log, the usage, the keys, the idempotency keys and the tenants."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve

from clincore.adapters.memory.access_log import MemoryAccessLog
from clincore.adapters.memory.database import MemoryDatabase
from clincore.adapters.memory.idempotency_store import MemoryIdempotencyStore
from clincore.adapters.memory.key_store import MemoryKeyStore
from clincore.adapters.memory.tenant_store import MemoryTenantStore
from clincore.adapters.memory.unit_of_work import MemoryUnitOfWork
from clincore.adapters.memory.usage_meter import MemoryUsageMeter
from clincore.domain.access import EVERYTHING, AccessEntry, AccessFilter
from clincore.domain.identity import ApiKeyRecord, Plan
from clincore.domain.page import Page, PageRequest
from clincore.domain.usage import Endpoint, UsageReport, minute_of

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.call import Record
    from clincore.domain.idempotency import FirstAnswer
    from clincore.ports.pending import Pending

from database_mutants import Copy, planted


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
