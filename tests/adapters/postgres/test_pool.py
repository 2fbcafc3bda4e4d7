"""The pool of connections, on a database that comes and goes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg
import pytest

from clincore.adapters.postgres.connection import PostgresConnection
from clincore.adapters.postgres.pool import ConnectionPool
from clincore.domain.errors import DatabaseClosed, DatabaseUnavailable

if TYPE_CHECKING:
    from databases import FreshDatabase

_BACKENDS = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE pid = ANY(%s)"


class Line:
    """The way to a database, which can be cut for those who connect anew."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.is_cut = False
        self.attempts = 0
        self.was_refused = asyncio.Event()

    async def connect(self) -> PostgresConnection:
        self.attempts += 1
        if self.is_cut:
            self.was_refused.set()
            raise psycopg.OperationalError("cut")
        return await PostgresConnection.connect(self._url, autocommit=True)


def backend(connection: PostgresConnection) -> int:
    return connection.info.backend_pid


def test_calls_that_gave_up_in_an_outage_stand_in_nobodys_way_after_it(fresh_database: FreshDatabase) -> None:
    async def scene() -> None:
        line = Line(fresh_database.service_url)
        line.is_cut = True
        pool = ConnectionPool(line.connect, 1)
        refused = await asyncio.gather(*(pool.lend(0.05) for _ in range(300)), return_exceptions=True)
        assert {type(error) for error in refused} == {DatabaseUnavailable}
        line.is_cut = False
        await pool.take_back(await pool.lend(5))
        await pool.close()

    asyncio.run(scene())


def test_a_call_that_waits_while_the_database_comes_back_is_served(fresh_database: FreshDatabase) -> None:
    async def scene() -> None:
        line = Line(fresh_database.service_url)
        line.is_cut = True
        pool = ConnectionPool(line.connect, 1)
        waiting = asyncio.create_task(pool.lend(30))
        await line.was_refused.wait()
        line.is_cut = False
        await pool.take_back(await waiting)
        await pool.close()

    asyncio.run(scene())


def test_connections_that_the_server_has_ended_are_passed_over_at_once(fresh_database: FreshDatabase) -> None:
    async def scene() -> None:
        line = Line(fresh_database.service_url)
        pool = ConnectionPool(line.connect, 10)
        lent = [await pool.lend(5) for _ in range(10)]
        pids = [backend(one) for one in lent]
        for one in lent:
            await pool.take_back(one)
        fresh_database.rows(_BACKENDS, pids)
        loop = asyncio.get_running_loop()
        began = loop.time()
        new = await pool.lend(5)
        assert loop.time() - began < 1
        assert backend(new) not in pids
        assert line.attempts == 11
        await pool.take_back(new)
        await pool.close()

    asyncio.run(scene())


def test_those_who_wait_are_served_in_turn_and_too_many_are_refused_at_once(fresh_database: FreshDatabase) -> None:
    async def scene() -> None:
        pool = ConnectionPool(Line(fresh_database.service_url).connect, 1)
        served: list[int] = []

        async def call(number: int) -> None:
            connection = await pool.lend(60)
            served.append(number)
            await pool.take_back(connection)

        held = await pool.lend(5)
        waiting = [asyncio.create_task(call(number)) for number in range(64)]
        await asyncio.sleep(0)
        with pytest.raises(DatabaseUnavailable):
            await pool.lend(60)
        await pool.take_back(held)
        await asyncio.gather(*waiting)
        assert served == list(range(64))
        await pool.close()

    asyncio.run(scene())


def test_a_call_that_is_ended_while_it_waits_keeps_no_connection(fresh_database: FreshDatabase) -> None:
    async def scene() -> None:
        pool = ConnectionPool(Line(fresh_database.service_url).connect, 1)
        for _ in range(20):
            call = asyncio.create_task(pool.lend(5))
            await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        await pool.take_back(await pool.lend(5))
        await pool.close()

    asyncio.run(scene())


def test_a_closed_pool_ends_what_comes_back_and_lends_no_more(fresh_database: FreshDatabase) -> None:
    async def scene() -> None:
        pool = ConnectionPool(Line(fresh_database.service_url).connect, 1)
        lent = await pool.lend(5)
        waiting = asyncio.create_task(pool.lend(5))
        await asyncio.sleep(0)
        await pool.close()
        with pytest.raises(DatabaseClosed):
            await pool.lend(5)
        await pool.take_back(lent)
        assert lent.closed
        with pytest.raises(DatabaseClosed):
            await waiting

    asyncio.run(scene())
