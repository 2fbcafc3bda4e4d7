"""The databases that the contract is tested on: an adapter takes part by another value of ``open_database``."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from database_harness import Harness, OpenDatabase

from clincore.adapters.memory.database import MemoryDatabase
from clincore.adapters.postgres.database import PostgresDatabase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from databases import NewDatabase

    from clincore.ports.database import Database


@pytest.fixture(scope="module", params=["memory", "postgres"])
def open_database(request: pytest.FixtureRequest) -> OpenDatabase:
    """Opens an empty database of the adapter under test."""

    new_database: NewDatabase | None = request.getfixturevalue("new_database") if request.param == "postgres" else None

    @asynccontextmanager
    async def memory() -> AsyncIterator[Database]:
        database = MemoryDatabase()
        yield database
        await database.close()

    @asynccontextmanager
    async def postgres() -> AsyncIterator[Database]:
        assert new_database is not None
        with new_database() as fresh:
            database = PostgresDatabase(fresh.service_url, max_connections=12, timeout=20)
            await database.open()
            yield database
            await database.close()

    return postgres if new_database else memory


@pytest.fixture(scope="module")
def harness(open_database: OpenDatabase) -> Iterator[Harness]:
    with asyncio.Runner() as runner:
        opened = open_database()
        yield Harness(runner.run(opened.__aenter__()), runner, open_database)
        runner.run(opened.__aexit__(None, None, None))
