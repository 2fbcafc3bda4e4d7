"""The database: tenants' rows in memory, and the journal that they are read from and written to."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Self
from uuid import UUID

from clincore.domain.errors import DatabaseClosed
from clincore_jsonlines.journal import Journal
from clincore_jsonlines.stores import Answers, Cases, Keys, Log, Patients, Tenants, Usage
from clincore_jsonlines.transaction import TABLES, Transaction

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from clincore.domain.call import Call

Rows = dict[str, dict[str, str]]


class JsonLinesDatabase:
    """Keeps everything in one file of JSON lines; one unit of work runs at a time, in one process."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._tenants: dict[str, Rows] = {}
        self._bootstrap: dict[str, str] = {}
        self._turn = asyncio.Lock()
        self._closed = False
        for line in journal.lines:
            tenant_id, changes = json.loads(line)
            self._keep(tenant_id, changes)
        journal.lines.clear()

    @classmethod
    async def open(cls, directory: Path) -> Self:
        """Open the database in a directory; raises DatabaseUnavailable where it is open elsewhere."""
        return cls(Journal.open(directory / "clincore.jsonl"))

    @asynccontextmanager
    async def unit_of_work(self, call: Call) -> AsyncIterator[UnitOfWork]:
        async with self._turn:
            yield UnitOfWork(self, call.tenant_id, call)

    @asynccontextmanager
    async def provisioning(self, tenant_id: UUID) -> AsyncIterator[UnitOfWork]:
        async with self._turn:
            yield UnitOfWork(self, tenant_id, None)

    async def tenant_ids(self) -> tuple[UUID, ...]:
        self.require_open()
        return tuple(sorted(UUID(tenant_id) for tenant_id in self._tenants))

    async def check(self) -> None:
        self.require_open()

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._journal.close()

    def require_open(self) -> None:
        if self._closed:
            raise DatabaseClosed

    def rows_of(self, tenant_id: UUID) -> Rows:
        """Return a tenant's rows, and of the deployment its bootstrap; nothing of anybody else."""
        return self._tenants.get(str(tenant_id), {name: {} for name in TABLES}) | {"bootstrap": self._bootstrap}

    def commit(self, tenant_id: UUID, changes: Rows) -> None:
        """Write what a unit of work changed, as one line, and only then let others see it.

        The event loop waits for the disk meanwhile: a commit that could be cancelled halfway would leave a line that
        nobody knows of.
        """
        if changes:
            self._journal.append(json.dumps([str(tenant_id), changes]))
            self._keep(str(tenant_id), changes)

    def _keep(self, tenant_id: str, changes: Rows) -> None:
        self._bootstrap |= changes.pop("bootstrap", {})
        if changes:
            tables = self._tenants.setdefault(tenant_id, {name: {} for name in TABLES})
            for name, rows in changes.items():
                tables[name].update(rows)


class UnitOfWork(Transaction):
    """A transaction with the stores that work in it."""

    def __init__(self, database: JsonLinesDatabase, tenant_id: UUID, call: Call | None) -> None:
        database.require_open()
        super().__init__(database.rows_of(tenant_id), tenant_id, call)
        self._database = database

    async def flush(self) -> None:
        self._database.require_open()
        self.send()

    async def commit(self) -> None:
        await self.flush()
        self.end()
        self._database.commit(self.tenant_id, self.changes)

    @cached_property
    def patients(self) -> Patients:
        return Patients(self)

    @cached_property
    def cases(self) -> Cases:
        return Cases(self)

    @cached_property
    def keys(self) -> Keys:
        return Keys(self)

    @cached_property
    def tenants(self) -> Tenants:
        return Tenants(self)

    @cached_property
    def access_log(self) -> Log:
        return Log(self)

    @cached_property
    def usage(self) -> Usage:
        return Usage(self)

    @cached_property
    def idempotency(self) -> Answers:
        return Answers(self)
