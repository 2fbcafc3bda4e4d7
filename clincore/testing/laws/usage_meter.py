"""The laws of the usage meter: every answered call is counted once."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.access import RecordType
from clincore.domain.call import Record
from clincore.domain.errors import Unauthenticated
from clincore.domain.usage import Endpoint, UsageReport, last_24h_start
from clincore.testing.suite.expecting import at_once, outcomes
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
        total_calls=3,
        calls_by_endpoint={"GET /cases/{id}": 2, "POST /cases": 1},
        calls_by_key={member.key_id: 3},
        calls_by_day={start.date(): 2, NOW.date(): 1},
        last_24h_count=2,
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
        calls_by_key=dict(Counter(holders[whose].key_id for whose, *_ in counted)),
        calls_by_day=dict(Counter((NOW + offset).date() for _, _, offset, _ in counted)),
        last_24h_count=sum(NOW + offset >= start for _, _, offset, _ in counted),
    )


LONG_AGO = st.integers(-100 * 24 * 60, 0).map(lambda minutes: NOW + timedelta(minutes=minutes))


@law(given(made=st.lists(st.tuples(st.integers(0, 1), st.sampled_from(ENDPOINTS), LONG_AGO), max_size=8)))
async def usage_is_exact_by_endpoint_key_and_day(
    ground: DatabaseGround, made: list[tuple[int, Endpoint, datetime]]
) -> None:
    """Days are told of this calendar month and the one before, the rest of all time."""
    member = await ground.member()
    holders = [member, await member.with_key()]
    for whose, endpoint, at in made:
        async with holders[whose].work(endpoint, at=at) as work:
            work.usage.count()
            await work.commit()
    first = date(NOW.year - (NOW.month == 1), (NOW.month - 2) % 12 + 1, 1)
    assert await member.usage() == UsageReport(
        total_calls=len(made),
        calls_by_endpoint=Counter(endpoint.value for _, endpoint, _ in made),
        calls_by_key=Counter(holders[whose].key_id for whose, _, _ in made),
        calls_by_day=Counter(at.date() for _, _, at in made if at.date() >= first),
        last_24h_count=sum(at >= NOW.replace(second=0, microsecond=0) - timedelta(days=1) for _, _, at in made),
    )


@law()
async def calls_at_once_are_all_counted(ground: DatabaseGround) -> None:
    member = await ground.member()

    async def call() -> None:
        async with member.work(Endpoint.VIEW_CASE) as work:
            work.usage.count()
            await work.commit()

    await at_once(*(call() for _ in range(40)))
    usage = await member.usage()
    assert (usage.total_calls, usage.last_24h_count) == (40, 40)
    assert (usage.calls_by_key, usage.calls_by_day) == ({member.key_id: 40}, {NOW.date(): 40})
