"""Faults in what lasts, and in which keys are let in."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve

from clincore.adapters.memory.unit_of_work import MemoryUnitOfWork
from clincore.domain.errors import Forbidden, Unauthenticated
from clincore.domain.identity import ApiKeyRecord, Role
from clincore.domain.usage import day_of, minute_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from clincore.domain.call import Call

from database_mutants import Copy, planted


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
