"""A database with two clinics in it, and how it is backed up."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

import psycopg
import pytest
from attrs import frozen
from clinics import PAYLOAD, finalized_case, new_case, opened
from psycopg import sql

from clincore.adapters.embedded_postgres.binaries import find_binaries
from clincore.adapters.postgres.backup.dumping import PostgresBackup
from clincore.adapters.postgres.backup.files import ArchiveFile
from clincore.adapters.postgres.backup.restoring import PostgresRestore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from databases import FreshDatabase, Server

    from clincore.domain.backup import Manifest

BACKUP_ROLE: Final = "tests_backup"
WHEEL: Final = find_binaries().folder


@frozen(kw_only=True)
class Stocked:
    """A database with two clinics, each with two finalized cases and a draft."""

    database: FreshDatabase
    tenants: tuple[UUID, UUID]
    finalized: tuple[UUID, ...]

    @property
    def url(self) -> str:
        """How the backup's role connects."""
        return self.database.url_of(BACKUP_ROLE)


@pytest.fixture(scope="session")
def stocked_18(postgres_18: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stocked]:
    with _stocked(postgres_18, tmp_path_factory.mktemp("cache")) as made:
        yield made


@pytest.fixture(scope="session")
def stocked_15(postgres_15: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stocked]:
    with _stocked(postgres_15, tmp_path_factory.mktemp("cache")) as made:
        yield made


@pytest.fixture(scope="session")
def stocked(request: pytest.FixtureRequest, postgres: Server) -> Stocked:
    """A database with two clinics on the server that the test is run for; no test changes it."""
    made: Stocked = request.getfixturevalue(f"stocked_{postgres.version}")
    return made


@contextmanager
def _stocked(server: Server, cache: Path) -> Iterator[Stocked]:
    server.make_role(BACKUP_ROLE, "BYPASSRLS IN ROLE pg_read_all_data")
    with server.new_database() as database:
        may_connect(database, BACKUP_ROLE)
        with opened(database, cache) as ground:
            tenants: list[UUID] = []
            finalized: list[UUID] = []
            for _ in range(2):
                clinic, key = ground.run(ground.new_clinic())
                tenants.append(key.tenant_id)
                finalized += [ground.run(finalized_case(clinic, PAYLOAD)).id for _ in range(2)]
                ground.run(new_case(clinic))
        yield Stocked(database=database, tenants=(tenants[0], tenants[1]), finalized=tuple(finalized))


def may_connect(database: FreshDatabase, role: str) -> None:

    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        statement = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}")
        connection.execute(statement.format(sql.Identifier(database.name), sql.Identifier(role)))


def counted_rows(database: FreshDatabase) -> dict[str, int]:
    """How many rows each table has that belongs to tenants, without those that are empty."""
    return {name: rows for name, (rows, _) in database.contents().items() if rows and name not in _NO_TENANTS}


_NO_TENANTS: Final = frozenset({"alembic_version", "clincore.migration_log", "clincore.bootstrap"})


def sums(tenants: dict[str, dict[str, int]]) -> dict[str, int]:
    """The rows of all tenants by table, named as PostgreSQL does without the schema ``public``."""
    totals: dict[str, int] = {}
    for tables in tenants.values():
        for name, rows in tables.items():
            short = name.removeprefix("public.")
            totals[short] = totals.get(short, 0) + rows
    return totals


def made_backup(
    url: str, file: Path, folders: Sequence[Path], told: Callable[[str], None] = lambda _: None
) -> Manifest:
    """Make a backup with the programs of these folders alone."""
    backup = PostgresBackup(conninfo=url, file=ArchiveFile.at(file), folders=folders)
    return asyncio.run(backup.make(told))


def restored(url: str, file: Path, folders: Sequence[Path]) -> None:
    """Restore an archive with the programs of these folders alone, without looking at what came out."""
    restore = PostgresRestore(conninfo=url, file=ArchiveFile.at(file), folders=folders)

    async def run() -> None:
        await restore.check()
        await restore.load(lambda _: None)

    asyncio.run(run())
