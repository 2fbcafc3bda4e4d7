"""The roles and the database of an embedded server, at first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from clincore.adapters.embedded_postgres.address import DATABASE, OWNER, SERVICE

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_FINISHED = "SELECT FROM pg_roles WHERE rolname = %s AND rolcanlogin"
_HAS_ROLE = "SELECT FROM pg_roles WHERE rolname = %s"
_HAS_DATABASE = "SELECT FROM pg_database WHERE datname = %s"

_MAKE_OWNER = "CREATE ROLE clincore_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION"
_MAKE_SERVICE = "CREATE ROLE clincore_user NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION"
_MAKE_DATABASE = "CREATE DATABASE clincore OWNER clincore_owner"

_GRANTS: tuple[LiteralString, ...] = (
    "REVOKE ALL ON DATABASE clincore, postgres, template1 FROM PUBLIC",
    "GRANT CONNECT ON DATABASE clincore TO clincore_user",
    # Last of all: that the service may log in means that everything before is done.
    "ALTER ROLE clincore_user LOGIN",
)


async def ensure_roles_and_database(connection: AsyncConnection[Any]) -> None:
    """Make what is missing; ``connection`` is the superuser's, in autocommit mode.

    Interrupted anywhere, it goes on from there the next time. Once finished, it never changes anything again.
    """
    if await _exists(connection, _FINISHED, SERVICE):
        return
    if not await _exists(connection, _HAS_ROLE, OWNER):
        await connection.execute(_MAKE_OWNER)
    if not await _exists(connection, _HAS_ROLE, SERVICE):
        await connection.execute(_MAKE_SERVICE)
    if not await _exists(connection, _HAS_DATABASE, DATABASE):
        await connection.execute(_MAKE_DATABASE)
    async with connection.transaction():
        for statement in _GRANTS:
            await connection.execute(statement)


async def _exists(connection: AsyncConnection[Any], query: LiteralString, name: str) -> bool:
    found = await connection.execute(query, (name,))
    return await found.fetchone() is not None
