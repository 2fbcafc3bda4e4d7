"""The laws of the store of patients."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.page import PageRequest
from clincore.domain.patient import Patient, PatientDetails
from clincore.testing.strategies import patient_details
from clincore.testing.suite.expecting import at_once, pages, pages_while
from clincore.testing.suite.law import law
from clincore.testing.suite.records import (
    ALL,
    NOW,
    new_patient,
    renamed,
)

if TYPE_CHECKING:
    from clincore.testing.suite.database import DatabaseGround


OFFSETS = st.lists(st.integers(0, 3), max_size=9)
"""Seconds at which records were made: most moments are shared."""


@law(given(details=patient_details()))
async def a_patient_comes_back_as_entered(ground: DatabaseGround, details: PatientDetails) -> None:
    member = await ground.member()
    patient = Patient.enter(details, tenant_id=member.tenant_id, patient_id=uuid4(), at=NOW)
    await member.do(lambda work: work.patients.add(patient))
    assert await member.ask(lambda work: work.patients.get(patient.id)) == patient


@law()
async def an_unknown_patient_is_none(ground: DatabaseGround) -> None:
    member = await ground.member()
    assert await member.ask(lambda work: work.patients.get(uuid4())) is None


@law()
async def a_patient_is_replaced_by_the_next_revision_only(ground: DatabaseGround) -> None:
    member = await ground.member()
    first = await member.patient()
    second, other = renamed(first, "Second"), renamed(first, "Other")
    third = renamed(second, "Third")

    async def replace(patient: Patient) -> bool:
        return await member.ask_committed(lambda work: work.patients.replace(patient))

    assert await replace(first) is False
    assert await replace(third) is False
    assert await replace(second) is True
    assert await replace(other) is False
    assert await replace(new_patient(member).edit(first.details, NOW)) is False
    assert (await member.held()).patients == (second,)


@law()
async def of_several_that_replace_one_revision_at_once_one_wins(ground: DatabaseGround) -> None:
    member = await ground.member()
    first = await member.patient()
    attempts = [renamed(first, f"Attempt {number}") for number in range(8)]

    async def replace(patient: Patient) -> bool:
        return await member.ask_committed(lambda work: work.patients.replace(patient))

    won = await at_once(*map(replace, attempts))
    assert sum(won) == 1
    assert (await member.held()).patients == (attempts[won.index(True)],)


@law(given(case_of_letters=st.sampled_from(["lower", "upper", "title"])))
async def names_are_found_by_a_part_in_any_case_of_letters(ground: DatabaseGround, case_of_letters: str) -> None:
    member = await ground.member()
    found = await member.patient("Jürgen Öztürk")
    await member.patient("Jurgen Ozturk")
    part = {"lower": "rgen özt", "upper": "RGEN ÖZT", "title": "Rgen Özt"}[case_of_letters]
    assert (await member.ask(lambda work: work.patients.list(part, ALL))).items == (found,)


@law(
    given(
        names=st.lists(st.text("aAäÄ%_\\*.?ßΣσς İı'\"", min_size=1, max_size=4).filter(str.strip), max_size=5),
        part=st.text("aAäÄ%_\\*.?ßΣσς İı'\"", min_size=1, max_size=2),
    )
)
async def a_part_of_a_name_means_its_characters_and_nothing_else(
    ground: DatabaseGround, names: list[str], part: str
) -> None:
    member = await ground.member()
    for name in names:
        await member.patient(name)
    found = await member.ask(lambda work: work.patients.list(part, ALL))
    expected = [name for name in names if simply_lowered(part) in simply_lowered(name)]
    assert sorted(patient.details.full_name for patient in found.items) == sorted(expected)


def simply_lowered(text: str) -> str:
    """Unicode's simple lowercase, character by character, as PostgreSQL has it: İ becomes i, and Σ never ς."""
    return "".join(character.lower()[0] for character in text)


@law(given(offsets=OFFSETS, limit=st.integers(1, 5)))
async def pages_of_patients_are_complete_without_repeats_newest_first(
    ground: DatabaseGround, offsets: list[int], limit: int
) -> None:
    member = await ground.member()
    entered = [new_patient(member, at=NOW + timedelta(seconds=offset)) for offset in offsets]
    await member.do(*(lambda work, one=one: work.patients.add(one) for one in entered))
    expected = sorted(entered, key=lambda patient: (patient.created_at, patient.id), reverse=True)
    found = await pages(lambda page: member.ask(lambda work: work.patients.list(None, page)), limit)
    assert found == expected


@law(given(before=OFFSETS, between=OFFSETS, limit=st.integers(1, 4)))
async def records_entered_between_two_pages_shift_nothing(
    ground: DatabaseGround, before: list[int], between: list[int], limit: int
) -> None:
    """What was there at first comes once; of what is entered meanwhile only what belongs behind the cursor comes."""
    member = await ground.member()
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


@law(given(before=OFFSETS, entered=st.lists(OFFSETS, max_size=3), limit=st.integers(1, 4)), examples=15)
async def pages_of_patients_are_complete_while_others_enter_some(
    ground: DatabaseGround, before: list[int], entered: list[list[int]], limit: int
) -> None:
    """What was there comes once and in order; of what is entered beside the reading some may come, and none twice."""
    member = await ground.member()

    async def enter(offsets: list[int]) -> list[Patient]:
        new = [new_patient(member, at=NOW + timedelta(seconds=offset)) for offset in offsets]
        await member.do(*(lambda work, one=one: work.patients.add(one) for one in new))
        return new

    old = await enter(before)
    found = await pages_while(
        lambda page: member.ask(lambda work: work.patients.list(None, page)), limit, [enter(each) for each in entered]
    )
    assert found == sorted(set(found), key=lambda patient: (patient.created_at, patient.id), reverse=True)
    assert set(old) <= set(found) <= set((await member.held()).patients)
