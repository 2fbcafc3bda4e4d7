"""Whether a database may be served from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString

from clincore.domain.errors import DatabaseNotReady
from clincore.domain.migration import HEAD

if TYPE_CHECKING:
    import psycopg

_ROLE: Final[LiteralString] = """
    SELECT current_user::text, rolsuper, rolbypassrls, to_regclass('public.alembic_version') IS NOT NULL,
           has_table_privilege(to_regclass('public.alembic_version'), 'SELECT') IS FALSE
    FROM pg_catalog.pg_roles WHERE rolname = current_user
"""
_CURRENT: Final[LiteralString] = "SELECT version_num FROM public.alembic_version"


async def require_ready(connection: psycopg.AsyncConnection[Any]) -> None:
    """Raise DatabaseNotReady, with the cure, for a role that passes the tenants' walls or another revision."""
    row = await (await connection.execute(_ROLE)).fetchone()
    if row is None:
        raise DatabaseNotReady("The database does not say which role this is.")
    role, is_superuser, bypasses, is_migrated, is_stranger = row
    if is_superuser or bypasses:
        power = "a superuser" if is_superuser else "a role with BYPASSRLS"
        raise DatabaseNotReady(
            f"The role {role!r} of DATABASE_URL is {power}: row-level security would not bind it. Use a role made with "
            "CREATE ROLE clincore_user LOGIN NOSUPERUSER NOBYPASSRLS."
        )
    if is_stranger:
        raise DatabaseNotReady(
            f"The role {role!r} of DATABASE_URL has no rights on ClinCore's tables. Run 'clincore migrate upgrade "
            "head'; where that says nothing, they were granted to another role, the user of DATABASE_URL when the "
            f"migrations ran: use that role, or GRANT it to {role!r}."
        )
    current = await (await connection.execute(_CURRENT)).fetchone() if is_migrated else None
    if current is None or current[0] != HEAD:
        found = current[0] if current else "no revision"
        raise DatabaseNotReady(
            f"The database is at {found}, this version of ClinCore needs {HEAD}. Run 'clincore migrate upgrade head'."
        )
