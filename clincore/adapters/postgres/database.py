"""A database on PostgreSQL, reached through one pool of connections."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import pq
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from clincore.adapters.postgres.connection import PostgresConnection
from clincore.adapters.postgres.errors import translating
from clincore.adapters.postgres.json_columns import configure_json
from clincore.adapters.postgres.readiness import require_ready
from clincore.adapters.postgres.tenant_directory import read_tenant_ids
from clincore.adapters.postgres.unit_of_work import PostgresUnitOfWork
from clincore.adapters.postgres.watchdog import answer_expected
from clincore.domain.errors import DatabaseClosed, DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from clincore.domain.call import Call

_MAX_WAITING_PER_CONNECTION: Final = 64
# A call waits for another's lock, or for a statement, so long and no longer; it is then refused, and may be repeated.
_CHECK_SECONDS: Final = 1.0
_SESSION: Final = """
    SET TIME ZONE 'UTC'; SET lock_timeout = '3s'; SET statement_timeout = '10s';
    SET idle_in_transaction_session_timeout = '60s'
"""


class PostgresDatabase:
    """Keeps tenants apart by row-level security; connects as a role that it binds.

    ``conninfo`` is libpq's connection string; ``timeout`` the seconds that a call waits for a connection.
    """

    def __init__(
        self, conninfo: str, *, min_connections: int = 1, max_connections: int = 10, timeout: float = 5.0
    ) -> None:
        self._pool: AsyncConnectionPool[PostgresConnection] = AsyncConnectionPool(
            conninfo,
            connection_class=PostgresConnection,
            kwargs={
                "autocommit": True,
                "connect_timeout": max(2, round(timeout)),
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "tcp_user_timeout": 15_000,
            },
            min_size=min_connections,
            max_size=max_connections,
            max_waiting=max_connections * _MAX_WAITING_PER_CONNECTION,
            timeout=timeout,
            reconnect_timeout=0,
            open=False,
            configure=_configure,
            check=_require_open,
        )

    async def open(self) -> None:
        """Start the pool, without waiting for a connection."""
        await self._pool.open(wait=False)

    @asynccontextmanager
    async def unit_of_work(self, call: Call) -> AsyncIterator[PostgresUnitOfWork]:
        async with self._connection() as connection:
            yield PostgresUnitOfWork(connection, call.tenant_id, call)

    @asynccontextmanager
    async def provisioning(self, tenant_id: UUID) -> AsyncIterator[PostgresUnitOfWork]:
        async with self._connection() as connection:
            yield PostgresUnitOfWork(connection, tenant_id, None)

    async def tenant_ids(self) -> tuple[UUID, ...]:
        async with self._connection() as connection:
            with translating(), answer_expected(connection):
                return await read_tenant_ids(connection)

    async def check(self) -> None:
        async with self._connection(within=_CHECK_SECONDS) as connection:
            with translating(), answer_expected(connection):
                await require_ready(connection)

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def _connection(self, *, within: float | None = None) -> AsyncIterator[PostgresConnection]:
        """Lend a connection; what was not committed when it comes back is rolled back."""
        try:
            connection = await self._pool.getconn(within)
        except PoolClosed:
            raise DatabaseClosed from None
        except (PoolTimeout, TooManyRequests, psycopg.Error):
            raise DatabaseUnavailable from None
        try:
            yield connection
        finally:
            await self._give_back(connection)

    async def _give_back(self, connection: PostgresConnection) -> None:
        try:
            if not connection.closed and connection.pgconn.transaction_status != pq.TransactionStatus.IDLE:
                with answer_expected(connection):
                    await connection.rollback()
        except psycopg.Error:
            await connection.close()
        finally:
            await self._pool.putconn(connection)


async def _require_open(connection: psycopg.AsyncConnection[Any]) -> None:
    """Raise psycopg.OperationalError where the server has ended the connection meanwhile, without a round trip."""
    connection.pgconn.consume_input()  # the server's farewell, if there is one
    connection.pgconn.consume_input()  # and the end after it
    if connection.pgconn.status != pq.ConnStatus.OK:
        raise psycopg.OperationalError


async def _configure(connection: psycopg.AsyncConnection[Any]) -> None:
    configure_json(connection)
    await connection.execute(_SESSION)
