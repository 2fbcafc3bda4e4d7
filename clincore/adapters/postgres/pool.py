"""Connections that are lent to one call each, and made anew whenever the database is there.

psycopg_pool does not fit: calls that gave up waiting go on counting towards its max_waiting, so that after an outage
under load it refuses every call for ever; a call that meets connections that the server has ended waits seconds
between looks; and nothing connects for calls that wait while the database comes back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final

import psycopg
from attrs import define, field
from psycopg import pq

from clincore.domain.errors import DatabaseClosed, DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from clincore.adapters.postgres.connection import PostgresConnection

_log: Final = logging.getLogger(__name__)
_MAX_WAITING_PER_CONNECTION: Final = 64
_AGAIN_SECONDS: Final = 0.2
"""Between two attempts of a call to connect."""
_LIFETIME_SECONDS: Final = 3600.0
"""A server's process grows with what it has seen, and a name may come to mean another address."""
_IDLE_SECONDS: Final = 600.0


@define
class _Idle:
    """A connection that nobody uses."""

    connection: PostgresConnection
    made: float
    since: float


@define
class ConnectionPool:
    """At most ``size`` connections; who comes when all are lent waits in turn.

    ``connect`` makes one, and raises psycopg.Error where it cannot.
    """

    _connect: Callable[[], Awaitable[PostgresConnection]]
    _size: int
    _idle: list[_Idle] = field(factory=list, init=False)
    """The one used last stands last, and is lent first."""
    _made: dict[int, float] = field(factory=dict, init=False)
    """When each connection that is lent was made, by its identity."""
    _lendable: asyncio.Semaphore = field(init=False)
    _waiting: int = field(default=0, init=False)
    _is_closed: bool = field(default=False, init=False)
    _is_refused: bool = field(default=False, init=False)
    """Whether the last attempt to connect failed."""

    def __attrs_post_init__(self) -> None:
        self._lendable = asyncio.Semaphore(self._size)

    async def lend(self, within: float) -> PostgresConnection:
        """Return a connection that was open a moment ago, within so many seconds.

        A connection that the server has ended is not lent, and costs no wait; while the database cannot be reached it
        is tried again and again. Raises DatabaseUnavailable, also at once where too many wait already.
        """
        if self._is_closed:
            raise DatabaseClosed
        if not self._lendable.locked() and self._idle:
            await self._lendable.acquire()  # at once
            if (connection := await self._open_one()) is not None:
                return connection
            self._lendable.release()
        return await self._waited_for(within)

    async def _waited_for(self, within: float) -> PostgresConnection:
        if self._waiting >= self._size * _MAX_WAITING_PER_CONNECTION:
            raise DatabaseUnavailable
        self._waiting += 1
        try:
            async with asyncio.timeout(within):
                await self._lendable.acquire()
                try:
                    return await self._open_one() or await self._new()
                except BaseException:
                    self._lendable.release()
                    raise
        except TimeoutError:
            raise DatabaseUnavailable from None
        finally:
            self._waiting -= 1

    async def take_back(self, connection: PostgresConnection) -> None:
        """Keep a connection, in no transaction, for the next call, unless it is closed or old."""
        made = self._made.pop(id(connection))
        now = time.monotonic()
        try:
            if self._is_closed or now - made > _LIFETIME_SECONDS or connection.closed:
                await connection.close()
            else:
                self._idle.append(_Idle(connection, made, now))
                await self._end_unused(now)
        finally:
            self._lendable.release()

    async def close(self) -> None:
        """End the connections that are idle, and those lent as they come back; who waits is refused."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        for one in idle:
            await one.connection.close()

    async def _open_one(self) -> PostgresConnection | None:
        while self._idle:
            one = self._idle.pop()
            if _is_open(one.connection):
                self._made[id(one.connection)] = one.made
                return one.connection
            await one.connection.close()
        return None

    async def _new(self) -> PostgresConnection:
        """Connect as soon as the database lets; ended by the caller's timeout."""
        while True:
            if self._is_closed:
                raise DatabaseClosed
            try:
                connection = await self._connect()
            except psycopg.Error as error:
                self._tell(str(error).partition("\n")[0])
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                self._tell(None)
                self._made[id(connection)] = time.monotonic()
                return connection

    def _tell(self, refusal: str | None) -> None:
        """Log once that no connection can be made, and once that one could."""
        if refusal is not None and not self._is_refused:
            _log.warning("No connection to the database: %s", refusal)
        elif refusal is None and self._is_refused:
            _log.info("The database takes connections again.")
        self._is_refused = refusal is not None

    async def _end_unused(self, now: float) -> None:
        if len(self._idle) > 1 and now - self._idle[0].since > _IDLE_SECONDS:
            await self._idle.pop(0).connection.close()


def _is_open(connection: PostgresConnection) -> bool:
    """Whether the server has not ended the connection, as far as is known without a round trip."""
    if connection.closed:
        return False
    try:
        connection.pgconn.consume_input()  # the server's farewell, if there is one
        connection.pgconn.consume_input()  # and the end after it
    except psycopg.Error:
        return False
    return connection.pgconn.status == pq.ConnStatus.OK
