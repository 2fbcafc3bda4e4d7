"""Goes through the checklist on a live database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString

import psycopg

from clincore.adapters.postgres.doctor import checks
from clincore.adapters.postgres.errors import translating
from clincore.adapters.postgres.migrations.runner import PostgresMigrations
from clincore.adapters.postgres.walls.grants import look_at_grants
from clincore.adapters.postgres.walls.lint import DEFAULT_TENANT, OWNERSHIP, POLICIES, ROLE, SECURITY, look
from clincore.domain.errors import DatabaseUnavailable, MigrationError
from clincore.domain.finding import Finding, Outcome, failed, passed, warned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clincore.adapters.postgres.statement import Row
    from clincore.ports.clock import Clock

_SESSION: Final[LiteralString] = """
    SET TIME ZONE 'UTC'; SET lock_timeout = '3s'; SET statement_timeout = '60s'; SET search_path = pg_catalog;
    SET quote_all_identifiers = off
"""
_REACH: Final = "is it running, and are host, port, database, user and password right?"
_DATABASE: Final[LiteralString] = "SELECT current_database(), pg_postmaster_start_time()"
_OWNER: Final[LiteralString] = """
    SELECT current_user::text, rolsuper,
           pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = to_regclass('public.alembic_version')),
                       'USAGE')
    FROM pg_roles WHERE rolname = current_user
"""


class PostgresExamination:
    """One deployment: ``service`` and ``owner`` are connection strings, the latter None where there is one role."""

    def __init__(self, service: str, owner: str | None, clock: Clock) -> None:
        self._service = service
        self._owner = owner
        self._clock = clock

    async def examine(self) -> Sequence[Finding]:
        try:
            connection = await psycopg.AsyncConnection.connect(
                self._service, autocommit=True, connect_timeout=10, client_encoding="utf8"
            )
        except psycopg.OperationalError:
            return [failed("server", "it cannot be reached over DATABASE_URL", _REACH)]
        async with connection:
            with translating():
                try:
                    await connection.execute(_SESSION)
                    role = connection.info.user
                    database = await _database(connection)
                    return [*await self._over_service(connection), *await self._over_owner(role, database)]
                except psycopg.errors.LockNotAvailable:
                    told = "one is locked by another transaction, so that it cannot be looked at"
                    return [failed("tables", told, "try again when that has ended")]

    async def _over_service(self, connection: psycopg.AsyncConnection[Any]) -> list[Finding]:
        findings = [*await checks.server(connection), *await look(connection, ROLE)]
        findings += await look(connection, DEFAULT_TENANT)
        findings.append(await checks.clock(connection, self._clock))
        revision = await checks.revision(connection)
        findings.append(revision)
        if revision.outcome is not Outcome.PASS:
            return findings  # of another schema the rest would only say that it is another
        findings.append(await checks.tables(connection))
        findings += await look(connection, SECURITY)
        findings += await look(connection, POLICIES)
        findings += await checks.rows_without_a_tenant(connection)
        findings += await look_at_grants(connection)
        findings.append(await checks.schema(connection, connection.info.user))
        return [*findings, *await look(connection, OWNERSHIP)]

    async def _over_owner(self, service_role: str, database: Row | None) -> list[Finding]:
        """Whether MIGRATION_DATABASE_URL is the owner's, and the files are those that were applied."""
        owner = self._owner or self._service
        named = "MIGRATION_DATABASE_URL" if self._owner else "DATABASE_URL"
        try:
            verification = await PostgresMigrations(owner, service_role).verify()
        except DatabaseUnavailable:
            return [failed("owner", f"the database cannot be reached over {named}", _REACH)]
        except MigrationError as error:
            return [
                failed("owner", f"{named} is not the owner's: {error}", "set MIGRATION_DATABASE_URL to the owner's URL")
            ]
        findings = [await self._owner_role(owner, database)]
        if verification.changed_files:
            told = "; ".join(map(str, verification.changed_files))
            findings.append(failed("files", told, "put the applied files back; changes belong in a new revision"))
        elif verification.current is not None:
            findings.append(passed("files", "those that were applied"))
        return findings

    async def _owner_role(self, owner: str, database: Row | None) -> Finding:
        async with await psycopg.AsyncConnection.connect(owner, autocommit=True, connect_timeout=10) as connection:
            if await _database(connection) != database:
                told = "MIGRATION_DATABASE_URL names another database than DATABASE_URL"
                return failed("owner", told, "let both name the same")
            row = await (await connection.execute(_OWNER)).fetchone()
        assert row is not None
        role, is_superuser, owns = row
        if is_superuser:
            cure = "an owner that is no superuser is enough: clincore init-roles --sql"
            return warned("owner", f"{role} runs the migrations as a superuser", cure)
        if owns is False:
            cure = "set MIGRATION_DATABASE_URL to the URL of the database's owner"
            return failed("owner", f"{role} does not own the tables", cure)
        return passed("owner", f"{role} runs the migrations")


async def _database(connection: psycopg.AsyncConnection[Any]) -> Row | None:
    """What tells one database from another: its name, and since when its server runs."""
    return await (await connection.execute(_DATABASE)).fetchone()
