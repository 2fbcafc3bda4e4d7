"""How faults are planted in copies of the database in memory, and each with the law that must catch it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

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
from clincore.domain.errors import DatabaseClosed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from uuid import UUID

    from clincore.domain.call import Call


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
