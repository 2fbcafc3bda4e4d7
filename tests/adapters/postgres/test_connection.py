"""Round trips of many statements: what arrives, what a failure leaves, and large ones in both directions at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clincore.adapters.postgres.connection import PostgresConnection, Query, query_of
from clincore.adapters.postgres.database import PostgresDatabase
from clincore.domain.errors import DatabaseUnavailable
from clincore.testing.suite.members import set_up

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from databases import FreshDatabase

ECHO: LiteralString = "SELECT %(value)s::text, %(number)s::bigint, %(value)s::text"
BIG = 1 << 20


def on_connection(url: str, scene: Callable[[PostgresConnection], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        async with await PostgresConnection.connect(url, autocommit=True) as connection:
            await scene(connection)

    asyncio.run(run())


def test_a_text_becomes_a_query_with_each_name_once() -> None:
    assert query_of(ECHO) == Query(b"SELECT $1::text, $2::bigint, $1::text", ("value", "number"))


def test_whatever_is_sent_together_comes_back_in_its_order(fresh_database: FreshDatabase) -> None:
    """A text is prepared for the types of its parameters: small numbers, large ones and none are three."""
    sent = st.lists(
        st.tuples(
            st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
            st.none() | st.integers(-(1 << 63), (1 << 63) - 1),
        ),
        max_size=6,
    )
    with asyncio.Runner() as runner:
        connection = runner.run(PostgresConnection.connect(fresh_database.service_url, autocommit=True))

        @settings(max_examples=60, deadline=None)
        @given(trip=sent)
        def holds(trip: list[tuple[str | None, int | None]]) -> None:
            queries = [(query_of(ECHO), {"value": value, "number": number}) for value, number in trip]
            replies = runner.run(connection.round_trip(queries))
            assert [reply.rows for reply in replies] == [[(value, number, value)] for value, number in trip]

        holds()
        runner.run(connection.close())


def test_more_than_fits_the_lines_buffers_goes_both_ways_at_once(fresh_database: FreshDatabase) -> None:
    async def scene(connection: PostgresConnection) -> None:
        values = [f"{number}" * BIG for number in range(8)]
        queries = [(query_of(ECHO), {"value": value, "number": 1}) for value in values]
        replies = await connection.round_trip(queries)
        assert [reply.rows[0][0] for reply in replies] == values

    on_connection(fresh_database.service_url, scene)


def test_what_fails_is_raised_and_what_comes_after_it_is_not_executed(fresh_database: FreshDatabase) -> None:
    """The connection goes on, with the same texts too: none is taken for prepared that the server never saw."""

    async def scene(connection: PostgresConnection) -> None:
        fails, after = query_of("SELECT 1 / %(number)s::int"), query_of("SELECT %(number)s::int + 1")
        begin, rollback = query_of("BEGIN"), query_of("ROLLBACK")
        for _ in range(3):
            with pytest.raises(psycopg.errors.DivisionByZero):
                await connection.round_trip([(begin, {}), (fails, {"number": 0}), (after, {"number": 0})])
            await connection.round_trip([(rollback, {})])
            (reply,) = await connection.round_trip([(after, {"number": 1})])
            assert reply.rows == [(2,)]
        with pytest.raises(psycopg.errors.SyntaxError):
            await connection.round_trip([(query_of("SELEC"), {}), (after, {"number": 1})])
        with pytest.raises(psycopg.DataError):
            await connection.round_trip([(after, {"number": 1}), (query_of(ECHO), {"value": "\0", "number": 1})])
        (reply,) = await connection.round_trip([(fails, {"number": 1})])
        assert reply.rows == [(1,)]

    on_connection(fresh_database.service_url, scene)


def test_a_cancelled_round_trip_leaves_a_connection_that_goes_on(fresh_database: FreshDatabase) -> None:
    async def scene(connection: PostgresConnection) -> None:
        slow = query_of("SELECT pg_sleep(%(seconds)s::float8)")
        await connection.round_trip([(slow, {"seconds": 0.0})])
        waiting = asyncio.create_task(connection.round_trip([(slow, {"seconds": 60.0})]))
        while not fresh_database.rows("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'"):  # noqa: ASYNC110
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        (reply,) = await connection.round_trip([(slow, {"seconds": 0.0})])
        assert reply.count == 1

    on_connection(fresh_database.service_url, scene)


def test_a_connection_cancelled_while_it_prepares_is_given_up(fresh_database: FreshDatabase) -> None:
    """What the server has prepared by then is not known, and would be prepared again and again."""

    async def scene(connection: PostgresConnection) -> None:
        slow = query_of("SELECT pg_sleep(%(seconds)s::float8)")
        waiting = asyncio.create_task(connection.round_trip([(slow, {"seconds": 60.0})]))
        while not fresh_database.rows("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'"):  # noqa: ASYNC110
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert connection.closed

    on_connection(fresh_database.service_url, scene)


def test_a_statement_that_no_longer_fits_its_table_is_prepared_anew_on_another_connection(
    fresh_database: FreshDatabase,
) -> None:
    async def scene() -> None:
        database = PostgresDatabase(fresh_database.service_url, max_connections=1)
        member = await set_up(database)
        patient = await member.patient()
        assert await member.ask(lambda work: work.patients.get(patient.id)) == patient
        fresh_database.rows("ALTER TABLE public.patients ALTER COLUMN phone TYPE varchar(60)")
        with pytest.raises(DatabaseUnavailable):
            await member.ask(lambda work: work.patients.get(patient.id))
        assert await member.ask(lambda work: work.patients.get(patient.id)) == patient
        await database.close()

    asyncio.run(scene())


def test_a_server_that_hangs_up_is_told_from_a_statement_that_fails(fresh_database: FreshDatabase) -> None:
    async def scene(connection: PostgresConnection) -> None:
        ends = query_of("SELECT pg_terminate_backend(pg_backend_pid())")
        with pytest.raises(psycopg.OperationalError):
            await connection.round_trip([(query_of("BEGIN"), {}), (ends, {}), (query_of("COMMIT"), {})])
        assert connection.broken

    on_connection(fresh_database.service_url, scene)
