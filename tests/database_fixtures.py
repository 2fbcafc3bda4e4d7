"""The databases that the contract is tested on: an adapter takes part by another value of ``open_database``."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import pytest
from database_harness import Harness, OpenDatabase

from clincore.adapters.memory.database import MemoryDatabase
from clincore.adapters.postgres.database import PostgresDatabase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from databases import FreshDatabase, NewDatabase

    from clincore.ports.database import Database


@pytest.fixture(scope="module", params=["memory", "postgres"])
def open_database(request: pytest.FixtureRequest) -> OpenDatabase:
    """Opens an empty database of the adapter under test."""
    return _opening(request, lambda fresh: fresh.service_url)


@pytest.fixture(scope="module", params=["memory", "postgres"])
def open_database_as_owner(request: pytest.FixtureRequest) -> OpenDatabase:
    """Opens an empty database of the adapter under test as its operator does."""
    return _opening(request, lambda fresh: fresh.owner_url)


def _opening(request: pytest.FixtureRequest, url_of: Callable[[FreshDatabase], str]) -> OpenDatabase:
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
            database = PostgresDatabase(url_of(fresh), max_connections=12, timeout=20)
            yield database
            await database.close()

    return postgres if new_database else memory


@pytest.fixture(scope="module")
def harness(open_database: OpenDatabase) -> Iterator[Harness]:
    with opened_harness(open_database) as harness:
        yield harness


@contextmanager
def opened_harness(open_database: OpenDatabase) -> Iterator[Harness]:
    """Open an empty database, with an event loop for the tests of a module."""
    with asyncio.Runner() as runner:
        opened = open_database()
        yield Harness(runner.run(opened.__aenter__()), runner, open_database)
        runner.run(opened.__aexit__(None, None, None))
