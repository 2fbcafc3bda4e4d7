"""The databases that come along hold to the laws of clincore.testing: in memory, and on both PostgreSQL servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from clincore.adapters.memory.database import MemoryDatabase
from clincore.adapters.postgres.database import PostgresDatabase
from clincore.testing import Capabilities, DatabaseLaws

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from databases import FreshDatabase, Server

    from clincore.ports.database import Database


class TestMemory(DatabaseLaws):
    async def open_database(self, place: Any) -> Database:
        return MemoryDatabase()


class _OnPostgres:
    """What both servers have in common; a place is a database of its own."""

    capabilities: ClassVar[Capabilities] = Capabilities(durable=True, concurrent=True, shared=True)
    server: Server

    def new_place(self) -> AbstractContextManager[FreshDatabase]:
        return self.server.new_database()

    async def open_database(self, place: FreshDatabase) -> Database:
        return await opened(place.service_url)

    async def open_as_operator(self, place: FreshDatabase) -> Database:
        return await opened(place.owner_url)


class TestPostgres18(_OnPostgres, DatabaseLaws):
    @pytest.fixture(autouse=True)
    def on_the_server(self, postgres_18: Server) -> None:
        type(self).server = postgres_18


class TestPostgres15(_OnPostgres, DatabaseLaws):
    @pytest.fixture(autouse=True)
    def on_the_server(self, postgres_15: Server) -> None:
        type(self).server = postgres_15


async def opened(url: str) -> PostgresDatabase:
    return PostgresDatabase(url, max_connections=12, timeout=20)
