"""The access log and usage: one row for what was done, none for what was refused. For every database adapter."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from database_harness import (
    NOW,
    Harness,
    new_patient,
    pages,
    scenario,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from clincore.domain.access import AccessFilter, Action, RecordType
from clincore.domain.call import Record
from clincore.domain.usage import Endpoint, UsageReport

NOTES = "Ängste\r\n\U0001f98b ' \" \\"
FEW = settings(max_examples=25)


@scenario
async def test_the_log_says_who_did_what_to_which_record_when(harness: Harness) -> None:
    member = await harness.member()
    patient = await member.patient()
    case = await member.case(patient)
    await member.do(
        lambda work: work.access_log.touched(Action.VIEW, Record(RecordType.PATIENT, patient.id)),
        lambda work: work.access_log.touched(Action.RANK, Record(RecordType.CASE, case.id)),
        lambda work: work.access_log.listed(RecordType.PATIENT, "q=Ä"),
    )
    log = (await member.held()).log
    assert {(entry.action, entry.record_type, entry.record_id, entry.filter) for entry in log} == {
        (Action.VIEW, RecordType.PATIENT, patient.id, None),
        (Action.RANK, RecordType.CASE, case.id, None),
        (Action.LIST, RecordType.PATIENT, None, "q=Ä"),
    }
    assert {(entry.tenant_id, entry.key_id, entry.request_id, entry.at) for entry in log} == {
        (member.tenant_id, member.key_id, "request-1", NOW)
    }


@pytest.mark.parametrize("record_type", RecordType)
@scenario
async def test_nothing_is_logged_or_counted_about_a_record_that_does_not_exist(
    harness: Harness, record_type: RecordType
) -> None:
    """Not even where another kind of record has that id."""
    member = await harness.member()
    patient = await member.patient()
    case = await member.case(patient)
    wrong_kind = case.id if record_type is RecordType.PATIENT else patient.id
    before = await member.held()
    for record_id in (uuid4(), wrong_kind):
        record = Record(record_type, record_id)
        await member.do(
            lambda work, record=record: work.access_log.touched(Action.VIEW, record),  # type: ignore[misc]
            lambda work, record=record: work.usage.count(record),  # type: ignore[misc]
        )
    assert await member.held() == before


@scenario
async def test_a_record_of_the_same_transaction_is_logged_and_counted(harness: Harness) -> None:
    member = await harness.member()
    patient = new_patient(member)
    record = Record(RecordType.PATIENT, patient.id)
    await member.do(
        lambda work: work.patients.add(patient),
        lambda work: work.access_log.touched(Action.CREATE, record),
        lambda work: work.usage.count(record),
    )
    held = await member.held()
    assert [entry.record_id for entry in held.log] == [patient.id]
    assert held.usage.total_calls == 1


@scenario
async def test_usage_is_reported_by_endpoint_and_for_the_last_24_hours_in_whole_minutes(harness: Harness) -> None:
    member = await harness.member()
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


calls = st.tuples(
    st.integers(0, 1),
    st.sampled_from([Endpoint.VIEW_CASE, Endpoint.CREATE_CASE]),
    st.integers(-100 * 24 * 60, 0).map(lambda minutes: NOW + timedelta(minutes=minutes)),
)
"""Whose key, which call, and when."""


@FEW
@given(made=st.lists(calls, max_size=8))
@scenario
async def test_usage_is_exact_by_endpoint_key_and_day(
    harness: Harness, made: list[tuple[int, Endpoint, datetime]]
) -> None:
    member = await harness.member()
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


@scenario
async def test_calls_at_once_are_all_counted(harness: Harness) -> None:
    member = await harness.member()

    async def call() -> None:
        async with member.work(Endpoint.VIEW_CASE) as work:
            work.usage.count()
            await work.commit()

    await asyncio.gather(*(call() for _ in range(40)))
    usage = await member.usage()
    assert (usage.total_calls, usage.last_24h_count) == (40, 40)
    assert (usage.calls_by_key, usage.calls_by_day) == ({member.key_id: 40}, {NOW.date(): 40})


@scenario
async def test_a_report_leaves_out_the_call_that_asks_for_it(harness: Harness) -> None:
    member = await harness.member()
    async with member.work(Endpoint.USAGE) as work:
        report = work.usage.report()
        work.usage.count()
        await work.commit()
    assert report.result().total_calls == 0
    assert (await member.usage()).calls_by_endpoint == {"GET /admin/usage": 1}


entries = st.tuples(
    st.integers(0, 1), st.sampled_from([Action.VIEW, Action.RANK]), st.integers(0, 1), st.integers(0, 3)
)
"""Whose key, which action, which case, and the second at which it was done."""


@FEW
@given(
    done=st.lists(entries, max_size=8),
    key=st.none() | st.integers(0, 1),
    action=st.none() | st.sampled_from(Action),
    record_type=st.none() | st.sampled_from(RecordType),
    record=st.none() | st.integers(0, 1),
    since=st.none() | st.integers(0, 4),
    until=st.none() | st.integers(0, 4),
    limit=st.integers(1, 4),
)
@scenario
async def test_the_log_is_filtered_by_key_action_record_and_time(
    harness: Harness,
    *,
    done: list[tuple[int, Action, int, int]],
    key: int | None,
    action: Action | None,
    record_type: RecordType | None,
    record: int | None,
    since: int | None,
    until: int | None,
    limit: int,
) -> None:
    member = await harness.member()
    holders = [member, await member.with_key()]
    patient = await member.patient()
    cases = [await member.case(patient), await member.case(patient)]
    for whose, what, which, second in done:
        about = Record(RecordType.CASE, cases[which].id)
        await holders[whose].do(
            lambda work, what=what, about=about: work.access_log.touched(what, about),  # type: ignore[misc]
            at=NOW + timedelta(seconds=second),
        )
    wanted = AccessFilter(
        key_id=None if key is None else holders[key].key_id,
        action=action,
        record_type=record_type,
        record_id=None if record is None else cases[record].id,
        since=None if since is None else NOW + timedelta(seconds=since),
        until=None if until is None else NOW + timedelta(seconds=until),
    )
    found = await pages(lambda page: member.ask(lambda work: work.access_log.list(page, wanted)), limit)
    assert sorted((entry.key_id, entry.action, entry.record_id, entry.at) for entry in found) == sorted(
        (holders[whose].key_id, what, cases[which].id, NOW + timedelta(seconds=second))
        for whose, what, which, second in done
        if key in (None, whose)
        and action in (None, what)
        and record_type in (None, RecordType.CASE)
        and record in (None, which)
        and (since is None or since <= second)
        and (until is None or second < until)
    )
    assert found == sorted(found, key=lambda entry: (entry.at, entry.id), reverse=True)
