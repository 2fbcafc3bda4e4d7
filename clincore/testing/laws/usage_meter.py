"""The laws of the usage meter: every answered call is counted once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.access import RecordType
from clincore.domain.call import Record
from clincore.domain.errors import Unauthenticated
from clincore.domain.usage import Endpoint, UsageReport, last_24h_start
from clincore.testing.suite.expecting import outcomes
from clincore.testing.suite.law import law
from clincore.testing.suite.records import (
    MINUTE,
    NOW,
    digest_of,
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


DAY: Final = timedelta(days=1)
ENDPOINTS: Final = (Endpoint.CREATE_CASE, Endpoint.VIEW_CASE)
CALLS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from(ENDPOINTS),
        st.sampled_from([timedelta(0), -DAY, -DAY - MINUTE]),
        st.sampled_from(
            ["counted"] * 3 + ["about a record", "about no record", "not counted", "left", "raised", "refused"]
        ),
    ),
    max_size=10,
)
"""Whose key, which endpoint, when, and what became of the call."""


@law(given(calls=CALLS), examples=30)
async def usage_is_exact(ground: DatabaseGround, calls: list[tuple[int, Endpoint, timedelta, str]]) -> None:
    """A call that was counted and committed is counted once, whatever else was going on, and no other is."""
    member = await ground.member()
    holders = [member, await member.with_key()]
    patient = await member.patient()

    async def call(whose: int, endpoint: Endpoint, offset: timedelta, outcome: str) -> None:
        stranger = evolve(holders[whose], digest=digest_of(uuid4()))
        holder = stranger if outcome == "refused" else holders[whose]
        async with holder.work(endpoint, at=NOW + offset) as work:
            if outcome != "not counted":
                record_id = {"about a record": patient.id, "about no record": uuid4()}.get(outcome)
                work.usage.count(Record(RecordType.PATIENT, record_id) if record_id else None)
            if outcome == "left":
                await work.flush()
            elif outcome == "raised":
                await work.flush()
                raise ZeroDivisionError
            else:
                await work.commit()

    ends = await outcomes(*(call(*each) for each in calls))
    expected = {"raised": ZeroDivisionError, "refused": Unauthenticated}
    assert [type(end) for end in ends] == [expected.get(outcome, type(None)) for *_, outcome in calls]
    counted = [each for each in calls if each[-1] in ("counted", "about a record")]
    start = last_24h_start(NOW)
    assert await member.usage() == UsageReport(
        total_calls=len(counted),
        calls_by_endpoint=dict(Counter(endpoint.value for _, endpoint, _, _ in counted)),
        last_24h_count=sum(NOW + offset >= start for _, _, offset, _ in counted),
    )
