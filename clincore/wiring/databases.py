"""From a database's URL to a connection, or to the database port; embedded servers run as long as what opened them."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from clincore.database_url import DatabaseKind, DatabaseUrl
from clincore.domain.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from clincore.adapters.embedded_postgres.address import EmbeddedAddress
    from clincore.ports.database import Database

_log = logging.getLogger(__name__)


async def database_of(stack: AsyncExitStack, given: str | Database, pool_size: int, pool_timeout: float) -> Database:
    if not isinstance(given, str):
        return given
    try:
        url = DatabaseUrl.parse(given)
    except ValueError as error:
        raise SettingsError([f"the database URL {error}."]) from None
    return await open_url(stack, url, pool_size, pool_timeout)


async def open_url(stack: AsyncExitStack, url: DatabaseUrl, pool_size: int, pool_timeout: float) -> Database:
    if url.kind is DatabaseKind.MEMORY:
        from clincore.adapters.memory.database import MemoryDatabase

        memory = MemoryDatabase()
        stack.push_async_callback(memory.close)
        return memory
    from clincore.adapters.postgres.database import PostgresDatabase

    require_conninfo(url)
    if url.was_localhost:
        _log.warning("DATABASE_URL: localhost is taken as 127.0.0.1")
    conninfo = url.conninfo
    if url.directory is not None:
        conninfo = await _start_at_head(stack, url.directory)
    database = PostgresDatabase(conninfo, max_connections=pool_size, timeout=pool_timeout)
    stack.push_async_callback(database.close)
    return database


def require_conninfo(url: DatabaseUrl) -> None:
    """Raise SettingsError, without the URL in it, where it has parameters that libpq does not know."""
    from psycopg import Error
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(url.conninfo)
    except Error:
        raise SettingsError(["the database URL has a parameter behind its ? that PostgreSQL does not know."]) from None


async def _start_at_head(stack: AsyncExitStack, directory: Path) -> str:
    """Start PostgreSQL on the directory and bring it to the head; return how the service connects."""
    from clincore.adapters.embedded_postgres.address import SERVICE
    from clincore.adapters.embedded_postgres.server import EmbeddedPostgres
    from clincore.adapters.postgres.migrations.runner import PostgresMigrations

    address = await stack.enter_async_context(EmbeddedPostgres(directory))
    migrations = PostgresMigrations(address.owner_url, SERVICE)
    await migrations.upgrade("head", lambda step: _log.info("migrated to %s", step.revision.id))
    return address.service_url


@asynccontextmanager
async def start_embedded_at_head(directory: Path) -> AsyncIterator[str]:
    """Start PostgreSQL on the directory and bring it to the head; yield how the service connects until the end."""
    async with AsyncExitStack() as stack:
        yield await _start_at_head(stack, directory)


async def conninfos(stack: AsyncExitStack, url: DatabaseUrl) -> tuple[str, str]:
    """Return how the service and the owner connect to a database that is there."""
    if url.kind is DatabaseKind.MEMORY:
        raise SettingsError(
            ["DATABASE_URL is memory:, whose tenants are known to their process alone; name a PostgreSQL database."]
        )
    if url.directory is None:
        require_conninfo(url)
        return url.conninfo, url.conninfo
    from clincore.adapters.embedded_postgres.server import EmbeddedPostgres

    await require_database(url.directory)
    address = await stack.enter_async_context(EmbeddedPostgres(url.directory))
    return address.service_url, address.owner_url


async def require_database(directory: Path) -> None:
    from clincore.adapters.embedded_postgres.home import holds_database

    if not await asyncio.to_thread(holds_database, directory):
        raise SettingsError(
            [
                f"DATABASE_URL is embedded:{directory}, where no database is yet; 'clincore migrate upgrade head' "
                "makes one, and so does 'clincore serve'."
            ]
        )


async def superuser_conninfo(stack: AsyncExitStack, url: DatabaseUrl) -> str:
    """Return the URL's connection string; for an embedded server, which is started, its superuser's."""
    if url.directory is None:
        require_conninfo(url)
        return url.conninfo
    from psycopg.conninfo import make_conninfo

    from clincore.adapters.embedded_postgres.address import DATABASE
    from clincore.adapters.embedded_postgres.server import EmbeddedPostgres

    address = await stack.enter_async_context(EmbeddedPostgres(url.directory))
    return make_conninfo(address.superuser_url, dbname=DATABASE)


@asynccontextmanager
async def start_embedded(directory: Path) -> AsyncIterator[EmbeddedAddress]:
    """Start PostgreSQL on the directory, not migrated; it runs until the block ends."""
    from clincore.adapters.embedded_postgres.server import EmbeddedPostgres

    async with EmbeddedPostgres(directory) as address:
        yield address
