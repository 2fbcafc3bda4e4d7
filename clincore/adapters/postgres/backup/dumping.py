"""Makes a backup: pg_dump and the counting of rows look at one and the same moment."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, LiteralString

import psycopg
from attrs import field, frozen

from clincore.adapters.postgres.backup.connecting import connected, one_row
from clincore.adapters.postgres.backup.counting import counted
from clincore.adapters.postgres.backup.environment import client_environment
from clincore.adapters.postgres.backup.messages import failure
from clincore.adapters.postgres.backup.processes import ended
from clincore.adapters.postgres.backup.programs import Programs, fitting, found_programs, missing
from clincore.domain.backup import Manifest
from clincore.domain.errors import BackupRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from clincore.adapters.postgres.backup.files import ArchiveFile

_SOURCE: Final[LiteralString] = """
    SELECT quote_ident(current_user), rolsuper OR rolbypassrls, quote_ident(current_database()),
           split_part(current_setting('server_version'), ' ', 1),
           current_setting('server_version_num')::integer / 10000,
           to_regclass('public.alembic_version') IS NOT NULL AND to_regnamespace('clincore') IS NOT NULL
    FROM pg_catalog.pg_roles WHERE rolname = current_user
"""
_ONE_MOMENT: Final[LiteralString] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_SNAPSHOT: Final[LiteralString] = "SELECT pg_export_snapshot()"
_REVISION: Final[LiteralString] = "SELECT coalesce(max(version_num), 'base') FROM public.alembic_version"
_FIRST_STRICT_MAJOR: Final = 17
"""From this version on pg_restore sets transaction_timeout, which older servers do not know."""


@frozen
class _Source:
    """Who is connected, and to what."""

    role: str
    sees_all: bool
    database: str
    server_version: str
    server_major: int
    is_clincore: bool

    def require_fit(self) -> None:
        """Raise BackupRefused, with the cure, for a role whose backup would lack rows, or another database."""
        if not self.sees_all:
            raise BackupRefused(
                f"The role {self.role} is one that row-level security filters: its backup would lack rows, without an "
                "error. Use a superuser, or a role made for backups (BACKUP_DATABASE_URL, or --from):\n"
                "  CREATE ROLE clincore_backup LOGIN PASSWORD '…' BYPASSRLS;\n"
                "  GRANT pg_read_all_data TO clincore_backup;\n"
                f"  GRANT CONNECT ON DATABASE {self.database} TO clincore_backup;"
            )
        if not self.is_clincore:
            raise BackupRefused(f"The database {self.database} is not one of ClinCore's: it has no alembic_version.")


@frozen(kw_only=True)
class PostgresBackup:
    """The database of a URL, and the archive to be made of it with the programs in one of the ``folders``."""

    _conninfo: str = field(repr=False)
    _file: ArchiveFile
    _folders: Sequence[Path]

    async def make(self, told: Callable[[str], None]) -> Manifest:
        environment = client_environment(self._conninfo)
        await asyncio.to_thread(self._file.require_new)
        async with connected(self._conninfo, "--from, BACKUP_DATABASE_URL or their defaults") as connection:
            source = _Source(*await one_row(connection, _SOURCE))
            source.require_fit()
            programs = await self._programs(source.server_major)
            told(f"PostgreSQL {source.server_version}, pg_dump {programs.version}")
            if programs.major >= _FIRST_STRICT_MAJOR > source.server_major:
                told(
                    f"note: 'clincore restore' takes this archive into PostgreSQL {source.server_major} and newer, "
                    f"pg_restore alone may not; made with postgresql-client-{source.server_major}, both would"
                )
            await asyncio.to_thread(self._file.begin)
            try:
                return await self._written(connection, source, programs, environment, told)
            except psycopg.errors.InsufficientPrivilege:
                raise BackupRefused(
                    f"The role {source.role} may not read every table: GRANT pg_read_all_data TO {source.role};"
                ) from None
            except OSError as error:
                raise BackupRefused(f"The archive cannot be written: {error.strerror}. Nothing was left.") from None
            finally:
                self._file.discard()

    async def _programs(self, server_major: int) -> Programs:
        found = await found_programs(self._folders)
        usable = fitting(found, server_major)
        if not usable:
            raise BackupRefused(f"No backup was made: {missing(found, server_major)}")
        return usable[0]

    async def _written(
        self,
        connection: psycopg.AsyncConnection[Any],
        source: _Source,
        programs: Programs,
        environment: dict[str, str],
        told: Callable[[str], None],
    ) -> Manifest:
        made_at = datetime.now(UTC)
        await connection.execute(_ONE_MOMENT)
        try:
            (snapshot,) = await one_row(connection, _SNAPSHOT)
            (revision,) = await one_row(connection, _REVISION)
            told("counting rows")
            counts = await counted(connection)
            told("dumping")
            await self._dump(programs, snapshot, environment)
        finally:
            if not connection.closed:
                await connection.execute("ROLLBACK")
        told("hashing")
        size, sha256 = await asyncio.to_thread(self._file.digest, self._file.partial)
        manifest = Manifest(
            made_at=made_at,
            server_version=source.server_version,
            program_version=programs.version,
            revision=revision,
            size=size,
            sha256=sha256,
            counts=counts,
        )
        await asyncio.to_thread(self._file.finish, manifest)
        return manifest

    async def _dump(self, programs: Programs, snapshot: str, environment: dict[str, str]) -> None:
        options = ["--format=custom", "--no-password", f"--snapshot={snapshot}", f"--file={self._file.partial}"]
        dumped = await ended(programs.pg_dump, options, environment)
        if dumped.code != 0:
            raise BackupRefused(f"{failure('pg_dump', dumped.errors)}. Nothing was left.")
