"""Connections of the backup's and the restore's own."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, LiteralString

import psycopg

from clincore.domain.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from clincore.adapters.postgres.statement import Row

_CONNECT_SECONDS: Final = 10
# What an operator has set against forgotten sessions must not end one that waits for pg_dump.
_PATIENT: Final[LiteralString] = """
    SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET TIME ZONE 'UTC'
"""


@asynccontextmanager
async def connected(conninfo: str, whose: str) -> AsyncIterator[psycopg.AsyncConnection[Row]]:
    """Open a connection in autocommit mode; ``whose`` says in the error where its URL is from.

    Raises DatabaseUnavailable, for a connection that breaks later too.
    """
    unreachable = DatabaseUnavailable(
        f"The database of {whose} cannot be reached: is it running, are host, port, database, user and password right, "
        "and may the role connect to it (GRANT CONNECT ON DATABASE)?"
    )
    try:
        connection = await psycopg.AsyncConnection.connect(
            conninfo, autocommit=True, connect_timeout=_CONNECT_SECONDS, application_name="clincore backup"
        )
    except psycopg.OperationalError:
        raise unreachable from None
    async with connection:
        await connection.execute(_PATIENT)
        try:
            yield connection
        except psycopg.OperationalError as error:
            if connection.broken:
                raise DatabaseUnavailable from None
            raise DatabaseUnavailable(f"The server refused (SQLSTATE {error.sqlstate}).") from None


async def one_row(connection: psycopg.AsyncConnection[Any], query: LiteralString) -> Row:
    """Return the one row of a query."""
    row = await (await connection.execute(query)).fetchone()
    if row is None:
        raise DatabaseUnavailable("The database does not answer as PostgreSQL does.")
    return tuple(row)
