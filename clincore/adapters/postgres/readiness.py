"""Whether a database may be served from, and whether its operator may work on it."""

from __future__ import annotations

from typing import Any, Final, LiteralString

import psycopg
from attrs import frozen

from clincore.adapters.postgres.errors import OWNERS_DATABASE_UNREACHABLE, translating
from clincore.domain.errors import DatabaseNotReady, DatabaseUnavailable, RightsMissing
from clincore.domain.migration import HEAD

_ROLE: Final[LiteralString] = """
    SELECT current_user::text, bool_or(rolsuper), bool_or(rolbypassrls),
           to_regclass('public.alembic_version') IS NOT NULL,
           has_table_privilege(to_regclass('public.alembic_version'), 'SELECT') IS FALSE
    FROM pg_catalog.pg_roles WHERE rolname IN (current_user, session_user)
"""
_CURRENT: Final[LiteralString] = "SELECT version_num FROM public.alembic_version"
_CONNECT_SECONDS: Final = 10


@frozen
class _Standing:
    """Who is connected, and to what."""

    role: str
    is_superuser: bool
    bypasses: bool
    is_migrated: bool
    is_stranger: bool


async def require_ready(connection: psycopg.AsyncConnection[Any]) -> None:
    """Raise DatabaseNotReady, with the cure, for a role that passes the tenants' walls or another revision."""
    standing = await _standing(connection)
    role = standing.role
    if standing.is_superuser or standing.bypasses:
        power = "a superuser" if standing.is_superuser else "a role with BYPASSRLS"
        raise DatabaseNotReady(
            f"The role {role!r} of DATABASE_URL is {power}: row-level security would not bind it. Use a role made with "
            "CREATE ROLE clincore_user LOGIN NOSUPERUSER NOBYPASSRLS."
        )
    if standing.is_stranger:
        raise DatabaseNotReady(
            f"The role {role!r} of DATABASE_URL has no rights on ClinCore's tables. Run 'clincore migrate upgrade "
            "head'; where that has nothing to do, they were granted to another role, the user of DATABASE_URL when "
            f"the migrations ran: let DATABASE_URL name that role, and never make {role!r} a member of the owner."
        )
    await _require_head(connection, standing)


async def require_head(conninfo: str) -> None:
    """Ask, over a connection of its own, whether an operator can work here: any role will do that may see the revision.

    Raises DatabaseUnavailable, DatabaseNotReady for another revision, each with the cure, and RightsMissing.
    """
    try:
        connection = await psycopg.AsyncConnection.connect(conninfo, autocommit=True, connect_timeout=_CONNECT_SECONDS)
    except psycopg.OperationalError:
        raise DatabaseUnavailable(OWNERS_DATABASE_UNREACHABLE) from None
    async with connection:
        with translating():
            standing = await _standing(connection)
            if standing.is_stranger:
                raise RightsMissing
            await _require_head(connection, standing)


async def _standing(connection: psycopg.AsyncConnection[Any]) -> _Standing:
    row = await (await connection.execute(_ROLE)).fetchone()
    if row is None:
        raise DatabaseNotReady("The database does not say which role this is.")
    return _Standing(*row)


async def _require_head(connection: psycopg.AsyncConnection[Any], standing: _Standing) -> None:
    current = await (await connection.execute(_CURRENT)).fetchone() if standing.is_migrated else None
    if current is None or current[0] != HEAD:
        found = current[0] if current else "no revision"
        raise DatabaseNotReady(
            f"The database is at {found}, this version of ClinCore needs {HEAD}. Run 'clincore migrate upgrade head'."
        )
