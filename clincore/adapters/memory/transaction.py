"""A transaction in memory: what is asked is queued, done at the flush, and undone unless committed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from attrs import evolve

from clincore.adapters.memory.tables import TenantTables
from clincore.domain.access import RecordType
from clincore.domain.errors import Forbidden, StorageFault, Unauthenticated
from clincore.domain.identity import Principal, Role
from clincore.ports.pending import Pending

if TYPE_CHECKING:
    from collections import Counter
    from datetime import datetime
    from uuid import UUID

    from clincore.adapters.memory.tables import Tables
    from clincore.domain.call import Call, Record
    from clincore.domain.identity import Tenant

T = TypeVar("T")
K = TypeVar("K")

# What PostgreSQL says of a foreign key and of a unique one.
_NO_TENANT: Final = "23503"
_TAKEN: Final = "23505"


class MemoryTransaction:
    """A transaction of one tenant; ``call`` is None for its operator."""

    def __init__(self, tables: Tables, tenant_id: UUID, call: Call | None) -> None:
        self._all = tables
        self._call = call
        self.tenant_id = tenant_id
        self.tables = tables.tenants.setdefault(tenant_id, TenantTables())
        self._over = False
        self._principal: Principal | None = None
        self._queue: list[Callable[[], None]] = []
        self._undo: list[Callable[[], object]] = []

    @property
    def principal(self) -> Principal:
        if self._principal is None:
            raise RuntimeError("who calls is known after the first flush")
        return self._principal

    @property
    def call(self) -> Call:
        if self._call is None:
            raise RuntimeError("an operator's unit of work has no call")
        return self._call

    async def flush(self) -> None:
        if self._over:
            raise RuntimeError("the unit of work is over")
        self._over = True
        self._authenticate()
        queue, self._queue = self._queue, []
        for step in queue:
            step()
        self._over = False

    async def commit(self) -> None:
        await self.flush()
        self._over = True
        self._undo.clear()
        self._keep_last_use()

    def end(self) -> None:
        """Undo what was not committed."""
        while self._undo:
            self._undo.pop()()

    def ask(self, find: Callable[[], T]) -> Pending[T]:
        """For the stores: queue a step with a result."""
        pending: Pending[T] = Pending()
        self._queue.append(lambda: pending.arrive(find()))
        return pending

    def require_own(self, tenant_id: UUID) -> None:
        """For the stores: refuse a record of another tenant."""
        if tenant_id != self.tenant_id:
            raise ValueError("the unit of work is bound to another tenant")

    def enter(self, table: dict[K, T], key: K, value: T) -> None:
        """For the stores' steps: write a new record of a tenant that exists, undone unless committed."""
        if self.tables.tenant is None:
            raise StorageFault(_NO_TENANT)
        if key in table:
            raise StorageFault(_TAKEN)
        self.put(table, key, value)

    def put(self, table: dict[K, T], key: K, value: T) -> None:
        """For the stores' steps: write into a table, undone unless committed."""
        if key in table:
            before = table[key]
            self._undo.append(lambda: table.__setitem__(key, before))
        else:
            self._undo.append(lambda: table.pop(key))
        table[key] = value

    def remove(self, table: dict[K, T], key: K) -> None:
        """For the stores' steps: take out of a table, undone unless committed."""
        before = table.pop(key)
        self._undo.append(lambda: table.__setitem__(key, before))

    def tally(self, counts: Counter[K], key: K) -> None:
        """For the stores' steps: count one more, undone unless committed."""
        self._undo.append(lambda: counts.subtract((key,)))
        counts[key] += 1

    def enter_tenant(self, tenant: Tenant) -> None:
        if self.tables.tenant is not None:
            raise StorageFault(_TAKEN)
        self.put_tenant(tenant)

    def put_tenant(self, tenant: Tenant) -> None:
        before = self.tables.tenant
        self._undo.append(lambda: setattr(self.tables, "tenant", before))
        self.tables.tenant = tenant

    def claim_bootstrap(self, at: datetime) -> bool:
        if self._all.bootstrapped_at is not None:
            return False
        self._undo.append(lambda: setattr(self._all, "bootstrapped_at", None))
        self._all.bootstrapped_at = at
        return True

    def exists(self, record: Record) -> bool:
        held = self.tables.patients if record.type is RecordType.PATIENT else self.tables.cases
        return record.id in held

    def _authenticate(self) -> None:
        call = self._call
        if call is None or self._principal is not None:
            return
        valid = (key for key in self.tables.keys.values() if key.key_hash == call.key_digest and key.is_valid(call.at))
        key = next(valid, None)
        if key is None:
            raise Unauthenticated
        if call.admin_only and key.role is not Role.ADMIN:
            raise Forbidden
        self._principal = key.principal()

    def _keep_last_use(self) -> None:
        """Keep when the key was used, once the call is done: what it saw is how the key was before."""
        if self._call is None:
            return
        key = self.tables.keys[self.principal.key_id]
        hour = self._call.at.replace(minute=0, second=0, microsecond=0)
        if key.last_used_at is None or key.last_used_at < hour:
            self.tables.keys[key.id] = evolve(key, last_used_at=hour)
