"""The laws of the access log: one row for what was done, none for what was refused."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.access import AccessFilter, Action, RecordType
from clincore.domain.call import Record
from clincore.testing.suite.expecting import pages, pages_while
from clincore.testing.suite.law import law
from clincore.testing.suite.records import (
    NOW,
    new_patient,
)

if TYPE_CHECKING:
    from clincore.testing.suite.database import DatabaseGround


OFFSETS = st.lists(st.integers(0, 3), max_size=9)
"""Seconds at which records were made: most moments are shared."""


@law()
async def the_log_says_who_did_what_to_which_record_when(ground: DatabaseGround) -> None:
    member = await ground.member()
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


@law(given(record_type=st.sampled_from(RecordType)))
async def nothing_is_logged_or_counted_about_a_record_that_does_not_exist(
    ground: DatabaseGround, record_type: RecordType
) -> None:
    """Not even where another kind of record has that id."""
    member = await ground.member()
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


@law()
async def a_record_of_the_same_transaction_is_logged_and_counted(ground: DatabaseGround) -> None:
    member = await ground.member()
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


DONE = st.tuples(st.integers(0, 1), st.sampled_from([Action.VIEW, Action.RANK]), st.integers(0, 1), st.integers(0, 3))
"""Whose key, which action, which case, and the second at which it was done."""
ASKED = st.fixed_dictionaries(
    {},
    optional={
        "key": st.integers(0, 1),
        "action": st.sampled_from(Action),
        "record_type": st.sampled_from(RecordType),
        "record": st.integers(0, 1),
        "since": st.integers(0, 4),
        "until": st.integers(0, 4),
    },
)
"""A filter; what is not there admits anything."""


@law(given(done=st.lists(DONE, max_size=8), asked=ASKED, limit=st.integers(1, 4)))
async def the_log_is_filtered_by_key_action_record_and_time(
    ground: DatabaseGround, done: list[tuple[int, Action, int, int]], asked: dict[str, Any], limit: int
) -> None:
    """By each of them, and by all at once."""
    member = await ground.member()
    holders = [member, await member.with_key()]
    patient = await member.patient()
    cases = [await member.case(patient), await member.case(patient)]
    for whose, what, which, second in done:
        about = Record(RecordType.CASE, cases[which].id)
        await holders[whose].do(
            lambda work, what=what, about=about: work.access_log.touched(what, about),  # type: ignore[misc]
            at=NOW + timedelta(seconds=second),
        )
    for by in (asked, *({name: value} for name, value in asked.items())):
        wanted = AccessFilter(
            key_id=holders[by["key"]].key_id if "key" in by else None,
            action=by.get("action"),
            record_type=by.get("record_type"),
            record_id=cases[by["record"]].id if "record" in by else None,
            since=NOW + timedelta(seconds=by["since"]) if "since" in by else None,
            until=NOW + timedelta(seconds=by["until"]) if "until" in by else None,
        )
        found = await pages(
            lambda page, wanted=wanted: member.ask(lambda work: work.access_log.list(page, wanted)),  # type: ignore[misc]
            limit,
        )
        assert sorted((entry.key_id, entry.action, entry.record_id, entry.at) for entry in found) == sorted(
            (holders[whose].key_id, what, cases[which].id, NOW + timedelta(seconds=second))
            for whose, what, which, second in done
            if whose == by.get("key", whose)
            and what == by.get("action", what)
            and by.get("record_type", RecordType.CASE) is RecordType.CASE
            and which == by.get("record", which)
            and by.get("since", second) <= second < by.get("until", second + 1)
        )
        assert found == sorted(found, key=lambda entry: (entry.at, entry.id), reverse=True)


@law(given(offsets=OFFSETS, limit=st.integers(1, 5)))
async def pages_of_the_access_log_are_complete_without_repeats_newest_first(
    ground: DatabaseGround, offsets: list[int], limit: int
) -> None:
    member = await ground.member()
    for number, offset in enumerate(offsets):
        await member.do(
            lambda work, number=number: work.access_log.listed(RecordType.PATIENT, f"q={number}"),  # type: ignore[misc]
            at=NOW + timedelta(seconds=offset),
        )
    found = await pages(lambda page: member.ask(lambda work: work.access_log.list(page)), limit)
    assert sorted(entry.filter or "" for entry in found) == sorted(f"q={number}" for number in range(len(offsets)))
    assert found == sorted(found, key=lambda entry: (entry.at, entry.id), reverse=True)


@law(given(before=OFFSETS, entered=st.lists(OFFSETS, max_size=3), limit=st.integers(1, 4)), examples=15)
async def pages_of_the_access_log_are_complete_while_others_enter_some(
    ground: DatabaseGround, before: list[int], entered: list[list[int]], limit: int
) -> None:
    """What was there comes once and in order; of what is entered beside the reading some may come, and none twice."""
    member = await ground.member()

    async def enter(offsets: list[int]) -> None:
        for offset in offsets:
            at = NOW + timedelta(seconds=offset)
            await member.do(lambda work: work.access_log.listed(RecordType.PATIENT, None), at=at)

    await enter(before)
    old = {entry.id for entry in (await member.held()).log}
    found = await pages_while(
        lambda page: member.ask(lambda work: work.access_log.list(page)), limit, [enter(each) for each in entered]
    )
    places = [(entry.at, entry.id) for entry in found]
    assert places == sorted(set(places), reverse=True)
    assert old <= {entry.id for entry in found} <= {entry.id for entry in (await member.held()).log}
