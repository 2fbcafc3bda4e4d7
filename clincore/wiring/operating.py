"""What an operator works with, each opened over the role that it needs."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from clincore.database_url import DatabaseKind, DatabaseUrl
from clincore.domain.errors import SettingsError, StorageFault
from clincore.services.resources import OperatorResources
from clincore.services.restoration import Restoration
from clincore.services.tenants import Tenants
from clincore.wiring.databases import conninfos, require_conninfo, require_database, superuser_conninfo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from typing import LiteralString
    from uuid import UUID

    from clincore.ports.backup import Backup
    from clincore.ports.database import Database
    from clincore.ports.examination import Examination
    from clincore.ports.migrations import Migrations
    from clincore.ports.walls import Walls


@asynccontextmanager
async def open_migrations(
    url: DatabaseUrl, service_role: str | None, *, lock_seconds: float = 30.0
) -> AsyncIterator[Migrations]:
    """Open the migrations of the database of a URL; an embedded server runs for as long.

    ``lock_seconds`` is how long each step waits for its turn and for every lock.

    Raises SettingsError for ``memory:``, which has no schema.
    """
    from clincore.adapters.postgres.migrations.runner import PostgresMigrations

    if url.kind is DatabaseKind.MEMORY:
        raise SettingsError(["DATABASE_URL is memory:, which has no migrations; name a PostgreSQL database."])
    if url.directory is not None:
        from clincore.adapters.embedded_postgres.address import SERVICE
        from clincore.adapters.embedded_postgres.server import EmbeddedPostgres

        async with EmbeddedPostgres(url.directory) as address:
            yield PostgresMigrations(address.owner_url, SERVICE, lock_seconds=lock_seconds)
        return
    require_conninfo(url)
    yield PostgresMigrations(url.conninfo, service_role or "clincore_user", lock_seconds=lock_seconds)


def migrations_without_database(service_role: str) -> Migrations:
    """Return migrations that know the chain and can print scripts, and have no database."""
    from clincore.adapters.postgres.migrations.runner import PostgresMigrations

    return PostgresMigrations("", service_role)


@asynccontextmanager
async def open_tenants(url: DatabaseUrl) -> AsyncIterator[Tenants]:
    """Open what an operator works with, as the owner of the database of a URL; an embedded server runs for as long.

    Raises SettingsError for ``memory:`` and for a directory without a database, DatabaseUnavailable, DatabaseNotReady
    where the database is not at the migration head, and RightsMissing for a role without rights.
    """
    from clincore.adapters.postgres.database import PostgresDatabase
    from clincore.adapters.postgres.readiness import require_head
    from clincore.adapters.system.clock import SystemClock
    from clincore.adapters.system.entropy import SystemEntropy

    async with AsyncExitStack() as stack:
        _, conninfo = await conninfos(stack, url)
        await require_head(conninfo)
        database = PostgresDatabase(conninfo, max_connections=1)
        stack.push_async_callback(database.close)
        yield Tenants(OperatorResources(database=database, clock=SystemClock(), entropy=SystemEntropy()))


@asynccontextmanager
async def open_walls(url: DatabaseUrl) -> AsyncIterator[Walls]:
    """Open the walls of the database of a URL, as the service meets them; an embedded server runs for as long.

    Raises SettingsError for ``memory:`` and for a directory without a database.
    """
    from clincore.adapters.postgres.walls.proof import PostgresWalls

    async with AsyncExitStack() as stack:
        service, _ = await conninfos(stack, url)
        yield PostgresWalls(service)


@asynccontextmanager
async def open_examination(url: DatabaseUrl, migration_url: DatabaseUrl) -> AsyncIterator[Examination]:
    """Open the checklist of a deployment's database, given both its URLs; an embedded server runs for as long.

    Raises SettingsError for ``memory:`` and for a directory without a database.
    """
    from clincore.adapters.postgres.doctor.examination import PostgresExamination
    from clincore.adapters.system.clock import SystemClock

    async with AsyncExitStack() as stack:
        service, owner = await conninfos(stack, url)
        if url.directory is None and migration_url.kind is DatabaseKind.POSTGRES:
            require_conninfo(migration_url)
            owner = migration_url.conninfo
        yield PostgresExamination(service, owner if owner != service else None, SystemClock())


@asynccontextmanager
async def open_backup(url: DatabaseUrl, file: Path) -> AsyncIterator[Backup]:
    """Open the backup of the database of a URL to a file.

    An embedded server runs for as long, and its superuser is used.

    Raises SettingsError for ``memory:`` and for a directory without a database.
    """
    from clincore.adapters.postgres.backup.dumping import PostgresBackup
    from clincore.adapters.postgres.backup.files import ArchiveFile

    if url.kind is DatabaseKind.MEMORY:
        raise SettingsError(["the database is memory:, which cannot be backed up; name a PostgreSQL database."])
    if url.directory is not None:
        await require_database(url.directory)
    async with AsyncExitStack() as stack:
        conninfo = await superuser_conninfo(stack, url)
        yield PostgresBackup(conninfo=conninfo, file=ArchiveFile.at(file), folders=_client_folders())


@asynccontextmanager
async def open_restoration(url: DatabaseUrl, file: Path, service_role: str | None) -> AsyncIterator[Restoration]:
    """Open the restore of a file into the database of a URL.

    An embedded server, made where there is none, runs for as long, and its superuser is used.

    Raises SettingsError for ``memory:``, and RestoreRefused where there is no such file.
    """
    from clincore.adapters.embedded_postgres.address import SERVICE
    from clincore.adapters.postgres.backup.files import ArchiveFile
    from clincore.adapters.postgres.backup.restoring import PostgresRestore
    from clincore.adapters.postgres.database import PostgresDatabase
    from clincore.adapters.postgres.migrations.runner import PostgresMigrations

    if url.kind is DatabaseKind.MEMORY:
        raise SettingsError(["the target is memory:, which holds no backup; name a PostgreSQL database."])
    archive = ArchiveFile.at(file)
    await asyncio.to_thread(archive.require_there)
    async with AsyncExitStack() as stack:
        conninfo = await superuser_conninfo(stack, url)

        @asynccontextmanager
        async def database() -> AsyncIterator[Database]:
            opened = PostgresDatabase(conninfo, max_connections=1)
            try:
                yield opened
            finally:
                await opened.close()

        yield Restoration(
            restore=PostgresRestore(conninfo=conninfo, file=archive, folders=_client_folders()),
            migrations=PostgresMigrations(conninfo, service_role or SERVICE),
            open_database=database,
        )


def _client_folders() -> tuple[Path, ...]:
    """Return the folders that may hold pg_dump and pg_restore: the wheel's, and the usual ones."""
    from clincore.adapters.embedded_postgres.binaries import find_binaries
    from clincore.adapters.embedded_postgres.errors import BinariesMissing
    from clincore.adapters.postgres.backup.programs import usual_folders

    try:
        return (find_binaries().folder, *usual_folders())
    except BinariesMissing:
        return usual_folders()


def roles_script(*, database: str, owner: str, service: str, backup: str) -> str:
    """Return the script for psql that makes a deployment's roles and its database."""
    from clincore.adapters.postgres.roles import roles_script as script

    return script(database=database, owner=owner, service=service, backup=backup)


async def refusal_of(
    conninfo: str, tenant_id: UUID, statement: LiteralString, parameters: Mapping[str, object]
) -> str | None:
    """Try a change, bound to a tenant (%(tenant_id)s), as the role of ``conninfo``; it is never committed.

    Return what the server says against it; None where it would have taken it, or where it touches no row.
    """
    import psycopg

    from clincore.adapters.postgres.database import PostgresDatabase

    database = PostgresDatabase(conninfo, max_connections=1)
    try:
        async with database.provisioning(tenant_id) as work:
            work.write(statement, parameters)
            await work.flush()
    except StorageFault as fault:
        said = fault.__context__
        return said.diag.message_primary if isinstance(said, psycopg.Error) else str(fault)
    finally:
        await database.close()
    return None
