"""The laws of the usage meter: every answered call is counted once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from clincore.domain.usage import Endpoint, UsageReport
from clincore.testing.suite.law import law
from clincore.testing.suite.records import (
    NOW,
)

if TYPE_CHECKING:
    from clincore.testing.suite.database import DatabaseGround


@law()
async def usage_is_reported_by_endpoint_and_for_the_last_24_hours_in_whole_minutes(ground: DatabaseGround) -> None:
    member = await ground.member()
    start = NOW.replace(second=0, microsecond=0) - timedelta(days=1)
    calls = [
        (Endpoint.VIEW_CASE, start - timedelta(microseconds=1)),
        (Endpoint.VIEW_CASE, start),
        (Endpoint.CREATE_CASE, NOW),
    ]
    for endpoint, at in calls:
        async with member.work(endpoint, at=at) as work:
            work.usage.count()
            await work.commit()
    assert await member.usage() == UsageReport(
        total_calls=3, calls_by_endpoint={"GET /cases/{id}": 2, "POST /cases": 1}, last_24h_count=2
    )


@law()
async def a_report_leaves_out_the_call_that_asks_for_it(ground: DatabaseGround) -> None:
    member = await ground.member()
    async with member.work(Endpoint.USAGE) as work:
        report = work.usage.report()
        work.usage.count()
        await work.commit()
    assert report.result().total_calls == 0
    assert (await member.usage()).calls_by_endpoint == {"GET /admin/usage": 1}
