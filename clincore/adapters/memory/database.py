"""A database in the process's memory, with the same contract as the one on PostgreSQL."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from clincore.adapters.memory.tables import Tables, TenantTables
from clincore.adapters.memory.unit_of_work import MemoryUnitOfWork
from clincore.domain.errors import DatabaseClosed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from clincore.domain.call import Call


class MemoryDatabase:
    """Keeps everything in memory until the process ends; one unit of work runs at a time."""

    def __init__(self) -> None:
        self._tables = Tables()
        self._turn = asyncio.Lock()
        self._closed = False

    @asynccontextmanager
    async def unit_of_work(self, call: Call) -> AsyncIterator[MemoryUnitOfWork]:
        async with self._transaction(call.tenant_id, call) as work:
            yield work

    @asynccontextmanager
    async def provisioning(self, tenant_id: UUID) -> AsyncIterator[MemoryUnitOfWork]:
        async with self._transaction(tenant_id, None) as work:
            yield work

    @asynccontextmanager
    async def _transaction(self, tenant_id: UUID, call: Call | None) -> AsyncIterator[MemoryUnitOfWork]:
        if self._closed:
            raise DatabaseClosed
        async with self._turn:
            tenants = self._tables.tenants
            known = tenant_id in tenants
            work = MemoryUnitOfWork(self._tables, tenant_id, call)
            try:
                yield work
            finally:
                work.end()
                if not known and tenants[tenant_id] == TenantTables():
                    del tenants[tenant_id]

    async def tenant_ids(self) -> tuple[UUID, ...]:
        if self._closed:
            raise DatabaseClosed
        async with self._turn:
            return tuple(sorted(id for id, tables in self._tables.tenants.items() if tables.tenant is not None))

    async def check(self) -> None:
        if self._closed:
            raise DatabaseClosed

    async def close(self) -> None:
        self._closed = True
