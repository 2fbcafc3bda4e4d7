"""Restores an archive into an empty database, and counts what came out of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, LiteralString

import psycopg
from attrs import define, field, frozen

from clincore.adapters.postgres.backup.archive import opened_archive
from clincore.adapters.postgres.backup.connecting import connected, one_row
from clincore.adapters.postgres.backup.counting import counted
from clincore.adapters.postgres.backup.environment import client_environment
from clincore.adapters.postgres.backup.loading import load
from clincore.adapters.postgres.backup.programs import fitting, found_programs, missing
from clincore.domain.errors import RestoreRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from clincore.adapters.postgres.backup.archive import Archive
    from clincore.adapters.postgres.backup.files import ArchiveFile
    from clincore.domain.backup import Counts, Manifest

_WHOSE: Final = "--into"
_TARGET: Final[LiteralString] = """
    SELECT quote_ident(current_user), rolsuper OR rolbypassrls, rolsuper, quote_ident(current_database()),
           split_part(current_setting('server_version'), ' ', 1),
           current_setting('server_version_num')::integer / 10000,
           current_setting('server_encoding'),
           has_database_privilege(current_database(), 'CREATE') AND has_schema_privilege('public', 'CREATE')
    FROM pg_catalog.pg_roles WHERE rolname = current_user
"""
_THERE: Final[LiteralString] = """
    SELECT oid::regclass::text FROM pg_catalog.pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = pg_class.oid AND d.deptype = 'e')
    UNION ALL SELECT 'the schema clincore' WHERE to_regnamespace('clincore') IS NOT NULL
    ORDER BY 1
"""
_MISSING: Final[LiteralString] = """
    SELECT quote_ident(name) FROM unnest(%s::text[]) name
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = name) ORDER BY 1
"""
_NOT_MEMBER: Final[LiteralString] = """
    SELECT quote_ident(rolname) FROM pg_catalog.pg_roles
    WHERE rolname = ANY (%s::text[]) AND rolname <> 'pg_database_owner' AND NOT pg_has_role(oid, 'MEMBER') ORDER BY 1
"""
_TOLD: Final = 5


@frozen
class _Target:
    """Who is connected, and to what."""

    role: str
    sees_all: bool
    is_superuser: bool
    database: str
    server_version: str
    server_major: int
    encoding: str
    may_create: bool

    def require_fit(self) -> None:
        """Raise RestoreRefused, with the cure, for a database or a role that nothing can be restored with."""
        if self.encoding != "UTF8":
            raise RestoreRefused(
                f"The encoding of the database {self.database} is {self.encoding}, ClinCore needs UTF8. Make it anew: "
                "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
            )
        if not self.may_create:
            raise RestoreRefused(
                f"The role {self.role} may not create tables in the database {self.database}. Restore as its owner, or "
                "as a superuser."
            )


@define(kw_only=True)
class PostgresRestore:
    """An archive, and the database of a URL that it goes into with the programs in one of the ``folders``."""

    _conninfo: str = field(repr=False)
    _file: ArchiveFile
    _folders: Sequence[Path]
    _archive: Archive | None = field(default=None, init=False)
    _server_major: int = field(default=0, init=False)

    async def check(self) -> Manifest | None:
        client_environment(self._conninfo)
        try:
            manifest = await asyncio.to_thread(self._file.checked_manifest)
        except OSError as error:
            raise RestoreRefused(f"{self._file.path} cannot be read: {error.strerror}.") from None
        async with connected(self._conninfo, _WHOSE) as connection:
            target = _Target(*await one_row(connection, _TARGET))
            target.require_fit()
            await _require_empty(connection, target)
            archive = await self._opened(target)
            await _require_roles(connection, archive, target)
        self._archive, self._server_major = archive, target.server_major
        return manifest

    async def load(self, told: Callable[[str], None]) -> None:
        if self._archive is None:
            raise RuntimeError("an archive is checked before it is loaded")
        told(f"restoring, with pg_restore {self._archive.programs.version}")
        await load(self._file.path, self._archive, self._conninfo, self._server_major)
        async with connected(self._conninfo, _WHOSE) as connection:
            await connection.execute("ANALYZE")

    async def counts(self) -> Counts:
        async with connected(self._conninfo, _WHOSE) as connection:
            target = _Target(*await one_row(connection, _TARGET))
            await connection.execute("BEGIN; SET LOCAL lock_timeout = '30s'")
            try:
                return await counted(connection, as_owner=not target.sees_all)
            except psycopg.errors.InsufficientPrivilege:
                raise RestoreRefused(
                    f"Everything was restored, and the role {target.role} may not read all of it, so that it was not "
                    "verified."
                ) from None
            finally:
                if not connection.closed:
                    await connection.execute("ROLLBACK")

    async def _opened(self, target: _Target) -> Archive:
        found = await found_programs(self._folders)
        usable = fitting(found, target.server_major)
        if not usable:
            raise RestoreRefused(f"Nothing was restored: {missing(found, target.server_major)}")
        archive = await opened_archive(self._file.path, usable)
        if archive.server_major > target.server_major:
            raise RestoreRefused(
                f"The archive is of PostgreSQL {archive.server_version}, the target is the older "
                f"{target.server_version}: restore it into {archive.server_major} or newer. Nothing was restored."
            )
        return archive


async def _require_empty(connection: psycopg.AsyncConnection[Any], target: _Target) -> None:
    there = [name for (name,) in await (await connection.execute(_THERE)).fetchall()]
    if there:
        more = f" and {len(there) - _TOLD} more" if len(there) > _TOLD else ""
        raise RestoreRefused(
            f"The database {target.database} is not empty: it has {', '.join(there[:_TOLD])}{more}. A restore "
            "overwrites nothing; make a new database for it: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )


async def _require_roles(connection: psycopg.AsyncConnection[Any], archive: Archive, target: _Target) -> None:
    absent = await _roles(connection, _MISSING, archive.roles)
    if absent:
        raise RestoreRefused(
            f"The roles of the archive that this server lacks: {', '.join(absent)}. Roles are not in a backup; make "
            "them first ('clincore init-roles --sql' prints how). Nothing was restored."
        )
    if target.is_superuser:
        return
    if foreign := await _roles(connection, _NOT_MEMBER, archive.owners):
        raise RestoreRefused(
            f"The archive's tables belong to {', '.join(foreign)}, and {target.role} cannot give them to that role. "
            "Restore as that role, the owner of the database, or as a superuser. Nothing was restored."
        )


async def _roles(connection: psycopg.AsyncConnection[Any], query: LiteralString, names: frozenset[str]) -> list[str]:
    return [name for (name,) in await (await connection.execute(query, (sorted(names),))).fetchall()]
