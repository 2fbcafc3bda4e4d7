"""A database in the process's memory, with the same contract as the one on PostgreSQL."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from clincore.adapters.memory.tables import TenantTables
from clincore.adapters.memory.unit_of_work import MemoryUnitOfWork
from clincore.domain.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.call import Call


class MemoryDatabase:
    """Keeps everything in memory until the process ends; one unit of work runs at a time."""

    def __init__(self) -> None:
        self._tables: dict[UUID, TenantTables] = {}
        self._bootstrapped_at: datetime | None = None
        self._turn = asyncio.Lock()
        self._closed = False

    def tables_of(self, tenant_id: UUID) -> TenantTables:
        """For the unit of work: the tables of its tenant."""
        return self._tables.setdefault(tenant_id, TenantTables())

    def swap_bootstrapped_at(self, at: datetime | None) -> datetime | None:
        """For the unit of work: put another value in, and return the one before."""
        before, self._bootstrapped_at = self._bootstrapped_at, at
        return before

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
            raise DatabaseUnavailable
        async with self._turn:
            known = tenant_id in self._tables
            work = MemoryUnitOfWork(self, tenant_id, call)
            try:
                yield work
            finally:
                work.end()
                if not known and self._tables[tenant_id] == TenantTables():
                    del self._tables[tenant_id]

    async def check(self) -> None:
        if self._closed:
            raise DatabaseUnavailable

    async def close(self) -> None:
        self._closed = True
