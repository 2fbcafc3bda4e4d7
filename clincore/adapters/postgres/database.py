"""A database on PostgreSQL, reached through one pool of connections."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import psycopg
from psycopg import pq

from clincore.adapters.postgres.connection import PostgresConnection
from clincore.adapters.postgres.errors import translating
from clincore.adapters.postgres.json_columns import configure_json
from clincore.adapters.postgres.pool import ConnectionPool
from clincore.adapters.postgres.readiness import require_ready
from clincore.adapters.postgres.tenant_directory import read_tenant_ids
from clincore.adapters.postgres.unit_of_work import PostgresUnitOfWork
from clincore.adapters.postgres.watchdog import answer_expected

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from clincore.domain.call import Call

T = TypeVar("T")

# A call waits for another's lock, or for a statement, so long and no longer; it is then refused, and may be repeated.
_CHECK_SECONDS: Final = 1.0
# What was sent and is not even acknowledged, because the network is gone, is given up sooner than an answer.
_LINE: Final[dict[str, Any]] = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 5_000,
}
_SESSION: Final = """
    SET TIME ZONE 'UTC'; SET lock_timeout = '3s'; SET statement_timeout = '10s';
    SET idle_in_transaction_session_timeout = '60s'
"""


class PostgresDatabase:
    """Keeps tenants apart by row-level security; connects as a role that it binds.

    ``conninfo`` is libpq's connection string; ``timeout`` the seconds that a call waits for a connection.
    """

    def __init__(self, conninfo: str, *, max_connections: int = 16, timeout: float = 5.0) -> None:
        self._conninfo = conninfo
        self._timeout = timeout
        self._pool = ConnectionPool(self._connect, max_connections)

    def unit_of_work(self, call: Call) -> AbstractAsyncContextManager[PostgresUnitOfWork]:
        return self._lent(lambda connection: PostgresUnitOfWork(connection, call.tenant_id, call))

    def provisioning(self, tenant_id: UUID) -> AbstractAsyncContextManager[PostgresUnitOfWork]:
        return self._lent(lambda connection: PostgresUnitOfWork(connection, tenant_id, None))

    async def tenant_ids(self) -> tuple[UUID, ...]:
        async with self._lent(_itself) as connection:
            with translating(), answer_expected(connection):
                return await read_tenant_ids(connection)

    async def check(self) -> None:
        async with self._lent(_itself, within=_CHECK_SECONDS) as connection:
            with translating(), answer_expected(connection):
                await require_ready(connection)

    async def close(self) -> None:
        await self._pool.close()

    def _lent(self, made: Callable[[PostgresConnection], T], *, within: float | None = None) -> _Lent[T]:
        return _Lent(self._pool, self._timeout if within is None else within, made)

    async def _connect(self) -> PostgresConnection:
        connection = await PostgresConnection.connect(self._conninfo, autocommit=True, **_LINE)
        try:
            configure_json(connection)
            with answer_expected(connection):
                await connection.execute(_SESSION)
        except BaseException:
            await connection.close()
            raise
        return connection


class _Lent(Generic[T]):
    """A connection, lent for a block, as what is made of it; what was not committed in it is rolled back.

    Every call opens one, and a generator would cost it twice as much.
    """

    __slots__ = ("_connection", "_made", "_pool", "_within")

    def __init__(self, pool: ConnectionPool, within: float, made: Callable[[PostgresConnection], T]) -> None:
        self._pool = pool
        self._within = within
        self._made = made

    async def __aenter__(self) -> T:
        self._connection = await self._pool.lend(self._within)
        return self._made(self._connection)

    async def __aexit__(self, *_: object) -> None:
        connection = self._connection
        try:
            if not connection.closed and connection.pgconn.transaction_status != pq.TransactionStatus.IDLE:
                with answer_expected(connection):
                    await connection.rollback()
        except psycopg.Error:
            await connection.close()
        finally:
            await self._pool.take_back(connection)


def _itself(connection: PostgresConnection) -> PostgresConnection:
    return connection
