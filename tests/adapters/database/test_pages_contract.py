"""Pages are complete, in order and without repeats. For every database adapter."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from database_harness import (
    NOW,
    Harness,
    finalized,
    new_case,
    new_patient,
    pages,
    scenario,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from clincore.domain.access import RecordType
from clincore.domain.case import CaseStatus
from clincore.domain.page import PageRequest

if TYPE_CHECKING:
    pass

NOTES = "Ängste\r\n\U0001f98b ' \" \\"
FEW = settings(max_examples=25)

offsets = st.lists(st.integers(0, 3), max_size=9)
"""Seconds at which records were made: most moments are shared."""


@FEW
@given(offsets=offsets, limit=st.integers(1, 5))
@scenario
async def test_pages_of_patients_are_complete_without_repeats_newest_first(
    harness: Harness, offsets: list[int], limit: int
) -> None:
    member = await harness.member()
    entered = [new_patient(member, at=NOW + timedelta(seconds=offset)) for offset in offsets]
    await member.do(*(lambda work, one=one: work.patients.add(one) for one in entered))
    expected = sorted(entered, key=lambda patient: (patient.created_at, patient.id), reverse=True)
    found = await pages(lambda page: member.ask(lambda work: work.patients.list(None, page)), limit)
    assert found == expected


@FEW
@given(offsets=offsets, finalized_ones=st.sets(st.integers(0, 8)), limit=st.integers(1, 5))
@scenario
async def test_pages_of_cases_are_complete_without_repeats_newest_first(
    harness: Harness, offsets: list[int], finalized_ones: set[int], limit: int
) -> None:
    member = await harness.member()
    patients = [await member.patient(), await member.patient()]
    entered = [
        new_case(member, patients[number % 2].id, at=NOW + timedelta(seconds=offset))
        for number, offset in enumerate(offsets)
    ]
    await member.do(*(lambda work, one=one: work.cases.add(one) for one in entered))
    closed = {entered[number].id for number in finalized_ones if number < len(entered)}
    cases = [finalized(case) if case.id in closed else case for case in entered]
    await member.do(*(lambda work, one=one: work.cases.replace(one) for one in cases if one.id in closed))
    cases.sort(key=lambda case: (case.created_at, case.id), reverse=True)
    for patient_id in (None, patients[0].id, uuid4()):
        for status in (None, *CaseStatus):
            found = await pages(
                lambda page, of=(patient_id, status): member.ask(  # type: ignore[misc]
                    lambda work: work.cases.list(patient_id=of[0], status=of[1], page=page)
                ),
                limit,
            )
            assert found == [
                case for case in cases if patient_id in (None, case.patient_id) and status in (None, case.status)
            ]


@FEW
@given(offsets=offsets, limit=st.integers(1, 5))
@scenario
async def test_pages_of_the_access_log_are_complete_without_repeats_newest_first(
    harness: Harness, offsets: list[int], limit: int
) -> None:
    member = await harness.member()
    for number, offset in enumerate(offsets):
        await member.do(
            lambda work, number=number: work.access_log.listed(RecordType.PATIENT, f"q={number}"),  # type: ignore[misc]
            at=NOW + timedelta(seconds=offset),
        )
    found = await pages(lambda page: member.ask(lambda work: work.access_log.list(page)), limit)
    assert sorted(entry.filter or "" for entry in found) == sorted(f"q={number}" for number in range(len(offsets)))
    assert found == sorted(found, key=lambda entry: (entry.at, entry.id), reverse=True)


@FEW
@given(offsets=offsets, limit=st.integers(1, 5))
@scenario
async def test_pages_of_keys_are_complete_without_repeats_newest_first(
    harness: Harness, offsets: list[int], limit: int
) -> None:
    member = await harness.member()
    holders = [member, *[await member.with_key(created_at=NOW + timedelta(seconds=offset)) for offset in offsets]]
    entered = [key for holder in holders if (key := await holder.key())]
    assert len(entered) == len(offsets) + 1
    found = await pages(lambda page: member.ask(lambda work: work.keys.list(page)), limit)
    assert found == sorted(entered, key=lambda key: (key.created_at, key.id), reverse=True)


@FEW
@given(before=offsets, between=offsets, limit=st.integers(1, 4))
@scenario
async def test_records_entered_between_two_pages_shift_nothing(
    harness: Harness, before: list[int], between: list[int], limit: int
) -> None:
    """What was there at first comes once; of what is entered meanwhile only what belongs behind the cursor comes."""
    member = await harness.member()
    old = [new_patient(member, at=NOW + timedelta(seconds=offset)) for offset in before]
    new = [new_patient(member, at=NOW + timedelta(seconds=offset)) for offset in between]
    await member.do(*(lambda work, one=one: work.patients.add(one) for one in old))
    first = await member.ask(lambda work: work.patients.list(None, PageRequest(limit=limit)))
    await member.do(*(lambda work, one=one: work.patients.add(one) for one in new))
    found = list(first.items)
    if first.next is not None:
        rest = PageRequest.parse(200, first.next)
        found += (await member.ask(lambda work: work.patients.list(None, rest))).items
        last = first.items[-1]
        behind = [one for one in new if (one.created_at, one.id) < (last.created_at, last.id)]
    else:
        behind = []
    assert found == sorted(old + behind, key=lambda patient: (patient.created_at, patient.id), reverse=True)
