"""The one place where adapters meet ports."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from clincore.database_url import DatabaseKind, DatabaseUrl
from clincore.domain.errors import InvalidInput, Problem, RepertoryError, SettingsError, StorageFault
from clincore.domain.limits import METHOD_CHARACTERS
from clincore.domain.progress import silent
from clincore.domain.ranking.mcare import Mcare
from clincore.domain.ranking.parameters import McareParameters
from clincore.domain.ranking.plain import Coverage, SumOfGrades
from clincore.services.core import ClinCore
from clincore.services.resources import OperatorResources, Resources
from clincore.services.restoration import Restoration
from clincore.services.tenants import Tenants
from clincore.settings import STARTER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from typing import LiteralString
    from uuid import UUID

    from clincore.adapters.embedded_postgres.address import EmbeddedAddress as EmbeddedAddress  # noqa: PLC0414  for entry points
    from clincore.adapters.sqlite_repertory.importing import ImportSummary as ImportSummary  # noqa: PLC0414  for entry points
    from clincore.domain.progress import Progress
    from clincore.domain.repertory import RubricTag
    from clincore.ports.backup import Backup
    from clincore.ports.clock import Clock
    from clincore.ports.database import Database
    from clincore.ports.entropy import Entropy
    from clincore.ports.examination import Examination
    from clincore.ports.migrations import Migrations
    from clincore.ports.ranking_method import RankingMethod
    from clincore.ports.repertory import Repertory
    from clincore.ports.walls import Walls
    from clincore.settings import Settings

_log = logging.getLogger(__name__)


@asynccontextmanager
async def open_clincore(
    database: str | Database = "memory:",
    repertory: str | Path | Repertory | None = None,
    *,
    tags: Path | Mapping[int, RubricTag] | None = None,
    mcare: McareParameters | None = None,
    methods: Iterable[RankingMethod] = (),
    cache_directory: Path | None = None,
    free_tier_limit: int = 1000,
    bootstrap_token: str | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    pool_size: int = 10,
    pool_timeout: float = 5.0,
    progress: Progress = silent,
) -> AsyncIterator[ClinCore]:
    """Open ClinCore on a database and a repertory, each given by URL or path, or handed in as an object.

    ``database`` is a URL as in DATABASE_URL: ``memory:``, ``embedded:DIR`` (migrated to the head here), or
    ``postgresql://…``. ``repertory`` is an SQLite file; without one the starter repertory is taken. ``methods`` are
    ranking methods beside the three that come along. What was opened here is closed in the end; what was handed in is
    not. Raises SettingsError for a URL that is not one and for methods of one name, and RepertoryError; an unreachable
    database does not stop it.
    """
    from clincore.adapters.system.clock import SystemClock
    from clincore.adapters.system.entropy import SystemEntropy

    known = _by_name([Mcare(mcare or McareParameters()), SumOfGrades(), Coverage(), *methods])
    async with AsyncExitStack() as stack:
        opened_repertory = await _repertory(stack, repertory, cache_directory, progress)
        yield ClinCore(
            Resources(
                database=await _database(stack, database, pool_size, pool_timeout),
                repertory=opened_repertory,
                clock=clock or SystemClock(),
                entropy=entropy or SystemEntropy(),
                methods=known,
                tags=await asyncio.to_thread(read_tags, tags) if isinstance(tags, Path) else tags or {},
                free_tier_limit=free_tier_limit,
                bootstrap_token=bootstrap_token,
            )
        )


@asynccontextmanager
async def open_from_settings(settings: Settings, progress: Progress = silent) -> AsyncIterator[ClinCore]:
    """Open ClinCore as the settings say; raises SettingsError for files that they name and that are wrong."""
    async with AsyncExitStack() as stack:
        database = await _open_url(stack, settings.database, settings.pool_size, settings.pool_timeout)
        opened = open_clincore(
            database,
            settings.repertory,
            tags=settings.tags,
            mcare=read_mcare_config(settings.mcare_config) if settings.mcare_config else None,
            cache_directory=settings.cache_directory,
            free_tier_limit=settings.free_tier_limit,
            bootstrap_token=settings.bootstrap_token,
            progress=progress,
        )
        yield await stack.enter_async_context(opened)


def _by_name(methods: Iterable[RankingMethod]) -> dict[str, RankingMethod]:
    """Raises SettingsError for a name that is taken, or that is no name with a version."""
    known: dict[str, RankingMethod] = {}
    for method in methods:
        name, slash, version = method.name.rpartition("/")
        if not (name and slash and version and len(method.name) <= METHOD_CHARACTERS and method.name.isascii()):
            raise SettingsError([f"the ranking method {method.name!r} needs a name and a version, such as own/1."])
        if method.name in known:
            raise SettingsError([f"there are two ranking methods {method.name!r}; another version needs another name."])
        known[method.name] = method
    return known


async def _database(stack: AsyncExitStack, given: str | Database, pool_size: int, pool_timeout: float) -> Database:
    if not isinstance(given, str):
        return given
    try:
        url = DatabaseUrl.parse(given)
    except ValueError as error:
        raise SettingsError([f"the database URL {error}."]) from None
    return await _open_url(stack, url, pool_size, pool_timeout)


async def _open_url(stack: AsyncExitStack, url: DatabaseUrl, pool_size: int, pool_timeout: float) -> Database:
    if url.kind is DatabaseKind.MEMORY:
        from clincore.adapters.memory.database import MemoryDatabase

        memory = MemoryDatabase()
        stack.push_async_callback(memory.close)
        return memory
    from clincore.adapters.postgres.database import PostgresDatabase

    _require_conninfo(url)
    if url.was_localhost:
        _log.warning("DATABASE_URL: localhost is taken as 127.0.0.1")
    conninfo = url.conninfo
    if url.directory is not None:
        conninfo = await _start_embedded(stack, url.directory)
    database = PostgresDatabase(conninfo, max_connections=pool_size, timeout=pool_timeout)
    await database.open()
    stack.push_async_callback(database.close)
    return database


def _require_conninfo(url: DatabaseUrl) -> None:
    """Raise SettingsError, without the URL in it, where it has parameters that libpq does not know."""
    from psycopg import Error
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(url.conninfo)
    except Error:
        raise SettingsError(["the database URL has a parameter behind its ? that PostgreSQL does not know."]) from None


async def _start_embedded(stack: AsyncExitStack, directory: Path) -> str:
    """Start PostgreSQL on the directory and bring it to the head; return how the service connects."""
    from clincore.adapters.embedded_postgres.address import SERVICE
    from clincore.adapters.embedded_postgres.server import EmbeddedPostgres
    from clincore.adapters.postgres.migrations.runner import PostgresMigrations

    address = await stack.enter_async_context(EmbeddedPostgres(directory))
    migrations = PostgresMigrations(address.owner_url, SERVICE)
    await migrations.upgrade("head", lambda step: _log.info("migrated to %s", step.revision.id))
    return address.service_url


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
    _require_conninfo(url)
    yield PostgresMigrations(url.conninfo, service_role or "clincore_user", lock_seconds=lock_seconds)


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
        _, conninfo = await _conninfos(stack, url)
        await require_head(conninfo)
        database = PostgresDatabase(conninfo, max_connections=1)
        await database.open()
        stack.push_async_callback(database.close)
        yield Tenants(OperatorResources(database=database, clock=SystemClock(), entropy=SystemEntropy()))


@asynccontextmanager
async def open_walls(url: DatabaseUrl) -> AsyncIterator[Walls]:
    """Open the walls of the database of a URL, as the service meets them; an embedded server runs for as long.

    Raises SettingsError for ``memory:`` and for a directory without a database.
    """
    from clincore.adapters.postgres.walls.proof import PostgresWalls

    async with AsyncExitStack() as stack:
        service, _ = await _conninfos(stack, url)
        yield PostgresWalls(service)


@asynccontextmanager
async def open_examination(url: DatabaseUrl, migration_url: DatabaseUrl) -> AsyncIterator[Examination]:
    """Open the checklist of a deployment's database, given both its URLs; an embedded server runs for as long.

    Raises SettingsError for ``memory:`` and for a directory without a database.
    """
    from clincore.adapters.postgres.doctor.examination import PostgresExamination
    from clincore.adapters.system.clock import SystemClock

    async with AsyncExitStack() as stack:
        service, owner = await _conninfos(stack, url)
        if url.directory is None and migration_url.kind is DatabaseKind.POSTGRES:
            _require_conninfo(migration_url)
            owner = migration_url.conninfo
        yield PostgresExamination(service, owner if owner != service else None, SystemClock())


async def _conninfos(stack: AsyncExitStack, url: DatabaseUrl) -> tuple[str, str]:
    """Return how the service and the owner connect to a database that is there."""
    if url.kind is DatabaseKind.MEMORY:
        raise SettingsError(
            ["DATABASE_URL is memory:, whose tenants are known to their process alone; name a PostgreSQL database."]
        )
    if url.directory is None:
        _require_conninfo(url)
        return url.conninfo, url.conninfo
    from clincore.adapters.embedded_postgres.server import EmbeddedPostgres

    await _require_database(url.directory)
    address = await stack.enter_async_context(EmbeddedPostgres(url.directory))
    return address.service_url, address.owner_url


async def _require_database(directory: Path) -> None:
    from clincore.adapters.embedded_postgres.home import holds_database

    if not await asyncio.to_thread(holds_database, directory):
        raise SettingsError(
            [
                f"DATABASE_URL is embedded:{directory}, where no database is yet; 'clincore migrate upgrade head' "
                "makes one, and so does 'clincore serve'."
            ]
        )


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
        await _require_database(url.directory)
    async with AsyncExitStack() as stack:
        conninfo = await _superuser_conninfo(stack, url)
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
        conninfo = await _superuser_conninfo(stack, url)

        @asynccontextmanager
        async def database() -> AsyncIterator[Database]:
            opened = PostgresDatabase(conninfo, max_connections=1)
            await opened.open()
            try:
                yield opened
            finally:
                await opened.close()

        yield Restoration(
            restore=PostgresRestore(conninfo=conninfo, file=archive, folders=_client_folders()),
            migrations=PostgresMigrations(conninfo, service_role or SERVICE),
            open_database=database,
        )


async def _superuser_conninfo(stack: AsyncExitStack, url: DatabaseUrl) -> str:
    """Return the URL's connection string; for an embedded server, which is started, its superuser's."""
    if url.directory is None:
        _require_conninfo(url)
        return url.conninfo
    from psycopg.conninfo import make_conninfo

    from clincore.adapters.embedded_postgres.address import DATABASE
    from clincore.adapters.embedded_postgres.server import EmbeddedPostgres

    address = await stack.enter_async_context(EmbeddedPostgres(url.directory))
    return make_conninfo(address.superuser_url, dbname=DATABASE)


def _client_folders() -> tuple[Path, ...]:
    """Return the folders that may hold pg_dump and pg_restore: the wheel's, and the usual ones."""
    from clincore.adapters.embedded_postgres.binaries import find_binaries
    from clincore.adapters.embedded_postgres.errors import BinariesMissing
    from clincore.adapters.postgres.backup.programs import usual_folders

    try:
        return (find_binaries().folder, *usual_folders())
    except BinariesMissing:
        return usual_folders()


def migrations_without_database(service_role: str) -> Migrations:
    """Return migrations that know the chain and can print scripts, and have no database."""
    from clincore.adapters.postgres.migrations.runner import PostgresMigrations

    return PostgresMigrations("", service_role)


@asynccontextmanager
async def start_embedded(directory: Path) -> AsyncIterator[EmbeddedAddress]:
    """Start PostgreSQL on the directory, not migrated; it runs until the block ends."""
    from clincore.adapters.embedded_postgres.server import EmbeddedPostgres

    async with EmbeddedPostgres(directory) as address:
        yield address


async def refusal_of(
    conninfo: str, tenant_id: UUID, statement: LiteralString, parameters: Mapping[str, object]
) -> str | None:
    """Try a change, bound to a tenant (%(tenant_id)s), as the role of ``conninfo``; it is never committed.

    Return what the server says against it; None where it would have taken it, or where it touches no row.
    """
    import psycopg

    from clincore.adapters.postgres.database import PostgresDatabase

    database = PostgresDatabase(conninfo, max_connections=1)
    await database.open()
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


@asynccontextmanager
async def open_repertory(
    path: Path | None, cache_directory: Path | None = None, progress: Progress = silent
) -> AsyncIterator[Repertory]:
    """Open a repertory's file, None for the starter repertory; raises RepertoryError."""
    async with AsyncExitStack() as stack:
        yield await _repertory(stack, path, cache_directory, progress)


def roles_script(*, database: str, owner: str, service: str, backup: str) -> str:
    """Return the script for psql that makes a deployment's roles and its database."""
    from clincore.adapters.postgres.roles import roles_script as script

    return script(database=database, owner=owner, service=service, backup=backup)


def import_kent(
    directory: Path, target: Path, *, name: str, edition: str, overwrite: bool, progress: Progress = silent
) -> ImportSummary:
    """Write Kent's rows in a directory as a repertory file; raises RepertoryError naming the row or the file."""
    from clincore.adapters.sqlite_repertory.importing import import_kent_rows

    return import_kent_rows(directory, target, name=name, edition=edition, overwrite=overwrite, progress=progress)


def import_oorep(
    dump: Path,
    target: Path,
    *,
    abbreviation: str | None,
    name: str | None,
    edition: str | None,
    overwrite: bool,
    progress: Progress = silent,
) -> ImportSummary:
    """Write one repertory of an OOREP dump as a repertory file; raises RepertoryError naming the row or the file."""
    from clincore.adapters.sqlite_repertory.importing import import_oorep_dump

    return import_oorep_dump(
        dump,
        target,
        abbreviation=abbreviation,
        name=name,
        edition=edition,
        overwrite=overwrite,
        progress=progress,
    )


def import_csv(
    grades: Path,
    target: Path,
    *,
    rubrics: Path | None,
    remedies: Path | None,
    columns: Mapping[str, str],
    name: str,
    edition: str,
    overwrite: bool,
    progress: Progress = silent,
) -> ImportSummary:
    """Write CSV or TSV tables as a repertory file; raises RepertoryError naming the row or the file."""
    from clincore.adapters.sqlite_repertory.importing import import_tables

    return import_tables(
        grades,
        target,
        rubrics=rubrics,
        remedies=remedies,
        columns=columns,
        name=name,
        edition=edition,
        overwrite=overwrite,
        progress=progress,
    )


async def _repertory(
    stack: AsyncExitStack, given: str | Path | Repertory | None, cache_directory: Path | None, progress: Progress
) -> Repertory:
    from clincore.adapters.sqlite_repertory.repertory import SqliteRepertory

    if given == STARTER:
        given = None
    if given is not None and not isinstance(given, str | Path):
        return given
    path = await asyncio.to_thread(_starter, stack, cache_directory) if given is None else Path(given)
    opened = await SqliteRepertory.open(path, cache_directory=cache_directory, progress=progress)
    return await stack.enter_async_context(opened)


def _starter(stack: AsyncExitStack, cache_directory: Path | None) -> Path:
    """Return the starter repertory's file; for a user without a cache directory it lives as long as the stack."""
    from clincore.adapters.sqlite_repertory.cache import user_cache_directory
    from clincore.adapters.sqlite_repertory.starter import starter_repertory

    try:
        return starter_repertory(cache_directory or user_cache_directory())
    except RepertoryError:
        if cache_directory is not None:
            raise
        return starter_repertory(Path(stack.enter_context(TemporaryDirectory(prefix="clincore-"))))


def read_tags(path: Path) -> Mapping[int, RubricTag]:
    """Return the tags of a CSV file; raises RepertoryError naming the line."""
    from clincore.adapters.sqlite_repertory.tags import read_tags as read

    return read(path)


def read_mcare_config(path: Path) -> McareParameters:
    """Return MCARE's defaults with a JSON file's values over them; raises SettingsError naming all that is wrong."""
    try:
        given: Any = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal, parse_constant=Decimal)
        return McareParameters.from_json(given)
    except (OSError, ValueError) as error:
        problems = [Problem("", f"cannot be read as JSON ({error})")]
    except InvalidInput as error:
        problems = list(error.problems)
    raise SettingsError([f"MCARE_CONFIG_PATH: {path}: {problem}." for problem in problems])
