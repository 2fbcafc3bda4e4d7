"""The store of patients. For every database adapter."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from database_harness import (
    ALL,
    NOW,
    Harness,
    new_patient,
    renamed,
    scenario,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from clincore.domain.patient import Patient, PatientDetails
from clincore.testing.strategies import patient_details

if TYPE_CHECKING:
    from collections.abc import Callable


NOTES = "Ängste\r\n\U0001f98b ' \" \\"
FEW = settings(max_examples=25)


@FEW
@given(details=patient_details())
@scenario
async def test_a_patient_comes_back_as_entered(harness: Harness, details: PatientDetails) -> None:
    member = await harness.member()
    patient = Patient.enter(details, tenant_id=member.tenant_id, patient_id=uuid4(), at=NOW)
    await member.do(lambda work: work.patients.add(patient))
    assert await member.ask(lambda work: work.patients.get(patient.id)) == patient


@scenario
async def test_an_unknown_patient_is_none(harness: Harness) -> None:
    member = await harness.member()
    assert await member.ask(lambda work: work.patients.get(uuid4())) is None


@scenario
async def test_a_patient_is_replaced_by_the_next_revision_only(harness: Harness) -> None:
    member = await harness.member()
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


@scenario
async def test_of_several_that_replace_one_revision_at_once_one_wins(harness: Harness) -> None:
    member = await harness.member()
    first = await member.patient()
    attempts = [renamed(first, f"Attempt {number}") for number in range(8)]

    async def replace(patient: Patient) -> bool:
        return await member.ask_committed(lambda work: work.patients.replace(patient))

    won = await asyncio.gather(*map(replace, attempts))
    assert sum(won) == 1
    assert (await member.held()).patients == (attempts[won.index(True)],)


@pytest.mark.parametrize("case_of_letters", [str.lower, str.upper, str.title])
@scenario
async def test_names_are_found_by_a_part_in_any_case_of_letters(
    harness: Harness, case_of_letters: Callable[[str], str]
) -> None:
    member = await harness.member()
    found = await member.patient("Jürgen Öztürk")
    await member.patient("Jurgen Ozturk")
    part = case_of_letters("rgen özt")
    assert (await member.ask(lambda work: work.patients.list(part, ALL))).items == (found,)


@FEW
@given(
    names=st.lists(st.text("aAäÄ%_\\*.?ßΣσς İı'\"", min_size=1, max_size=4).filter(str.strip), max_size=5),
    part=st.text("aAäÄ%_\\*.?ßΣσς İı'\"", min_size=1, max_size=2),
)
@scenario
async def test_a_part_of_a_name_means_its_characters_and_nothing_else(
    harness: Harness, names: list[str], part: str
) -> None:
    member = await harness.member()
    for name in names:
        await member.patient(name)
    found = await member.ask(lambda work: work.patients.list(part, ALL))
    expected = [name for name in names if simply_lowered(part) in simply_lowered(name)]
    assert sorted(patient.details.full_name for patient in found.items) == sorted(expected)


def simply_lowered(text: str) -> str:
    """Unicode's simple lowercase, character by character, as PostgreSQL has it: İ becomes i, and Σ never ς."""
    return "".join(character.lower()[0] for character in text)
