"""How usage is counted on PostgreSQL: by a trigger, whoever enters the events, and without reading them again."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from datetime import timedelta

import psycopg
from databases import FreshDatabase

from clincore.adapters.postgres.database import PostgresDatabase
from clincore.domain.usage import Endpoint, UsageReport
from clincore.testing.suite.members import set_up
from clincore.testing.suite.records import NOW

# Two keys and three endpoints, in turn; five a minute, back through 400 days.
ENTER = """
    INSERT INTO public.usage_events (tenant_id, key_id, endpoint, occurred_at)
    SELECT %(tenant)s, md5((n %% 2)::text)::uuid, (ARRAY['GET /cases', 'POST /cases', 'GET /patients'])[1 + n %% 3],
           %(now)s - n * %(step)s
    FROM generate_series(0, %(last)s) n
"""
TOTALS = """
    SELECT count(*), count(*) FILTER (WHERE occurred_at >= %s) FROM public.usage_events WHERE tenant_id = %s
"""
BY_ENDPOINT = "SELECT endpoint, count(*) FROM public.usage_events WHERE tenant_id = %s GROUP BY 1"
BY_KEY = "SELECT key_id, count(*) FROM public.usage_events WHERE tenant_id = %s GROUP BY 1"
BY_DAY = """
    SELECT (occurred_at AT TIME ZONE 'UTC')::date, count(*)
    FROM public.usage_events WHERE tenant_id = %s AND occurred_at >= %s GROUP BY 1
"""
COUNT = """
    INSERT INTO public.usage_events (tenant_id, key_id, endpoint, occurred_at)
    VALUES (%s, gen_random_uuid(), 'GET /cases', now())
"""


def test_events_entered_by_anybody_are_counted_exactly(fresh_database: FreshDatabase) -> None:
    async def scene() -> None:
        database = PostgresDatabase(fresh_database.service_url)
        member = await set_up(database)
        other = await set_up(database)
        tenant = member.tenant_id
        given = {"tenant": tenant, "now": NOW, "step": timedelta(seconds=12 * 240), "last": 11_999}
        with psycopg.connect(fresh_database.superuser_url, autocommit=True) as connection:
            connection.execute(ENTER, given)
            connection.execute(ENTER, {**given, "step": timedelta(seconds=12), "last": 9_999})
        since = NOW.replace(second=0, microsecond=0) - timedelta(days=1)
        total, recent = fresh_database.rows(TOTALS, since, tenant)[0]
        month_before = NOW.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
        expected = UsageReport(
            total_calls=total,
            calls_by_endpoint=dict(fresh_database.rows(BY_ENDPOINT, tenant)),
            calls_by_key=dict(fresh_database.rows(BY_KEY, tenant)),
            calls_by_day=dict(fresh_database.rows(BY_DAY, tenant, month_before.replace(day=1))),
            last_24h_count=recent,
        )
        assert total == 22_000
        assert await member.usage() == expected
        assert (await other.usage()).total_calls == 0
        await database.close()

    asyncio.run(scene())


def test_a_report_reads_no_event(fresh_database: FreshDatabase) -> None:
    """So that it costs the same however many there are."""

    async def scene() -> None:
        database = PostgresDatabase(fresh_database.service_url)
        member = await set_up(database)
        fresh_database.rows("REVOKE SELECT ON public.usage_events FROM clincore_user")
        for _ in range(3):
            async with member.work(Endpoint.VIEW_CASE) as work:
                work.usage.count()
                await work.commit()
        assert (await member.usage()).calls_by_endpoint == {"GET /cases/{id}": 3}
        await database.close()

    asyncio.run(scene())


def test_calls_of_one_tenant_do_not_queue_behind_each_others_commit(fresh_database: FreshDatabase) -> None:
    """Each takes a slot that no other holds, and lets go of it with its commit."""

    async def scene() -> None:
        database = PostgresDatabase(fresh_database.service_url)
        member = await set_up(database)
        tenant = member.tenant_id
        with ExitStack() as stack:
            connections = [stack.enter_context(psycopg.connect(fresh_database.service_url)) for _ in range(4)]
            for connection in connections:
                connection.execute("SET LOCAL lock_timeout = '1s'")
                connection.execute("SELECT set_config('app.tenant_id', %s, true)", (str(tenant),))
                connection.execute(COUNT, (tenant,))
            for connection in connections:
                connection.commit()
        async with member.work(Endpoint.VIEW_CASE) as work:
            work.usage.count()
            await work.commit()
        assert fresh_database.rows("SELECT slot, calls FROM clincore.usage_minutes ORDER BY slot, minute") == [
            (0, 1),
            (0, 1),
            (1, 1),
            (2, 1),
            (3, 1),
        ]
        assert (await member.usage()).total_calls == 5
        await database.close()

    asyncio.run(scene())
