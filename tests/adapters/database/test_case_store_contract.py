"""The store of cases. For every database adapter."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from attrs import evolve
from database_harness import (
    MINUTE,
    NOW,
    Harness,
    edited,
    finalized,
    new_case,
    scenario,
)
from hypothesis import given, settings

from clincore.domain.access import Action, RecordType
from clincore.domain.call import Record
from clincore.domain.case import Case, CaseStatus
from clincore.domain.errors import (
    PatientNotFound,
)
from clincore.domain.replay import Replay, Verdict
from clincore.domain.usage import Endpoint
from clincore.testing.strategies import case_payloads

if TYPE_CHECKING:
    from collections.abc import Mapping


NOTES = "Ängste\r\n\U0001f98b ' \" \\"
FEW = settings(max_examples=25)


def spelled(value: Any) -> Any:
    """A JSON value with its numbers as they are written."""
    if isinstance(value, dict):
        return {name: spelled(item) for name, item in value.items()}
    if isinstance(value, list):
        return [spelled(item) for item in value]
    return f"{value:f}" if isinstance(value, Decimal) else value if type(value) is not int else str(value)


@settings(max_examples=60)
@given(payload=case_payloads())
@scenario
async def test_an_input_comes_back_as_it_was_given(harness: Harness, payload: dict[str, Any]) -> None:
    """To the last zero of a weight and the last character of the notes."""
    member = await harness.member()
    case = await member.case(await member.patient(), payload)
    found = await member.ask(lambda work: work.cases.get(case.id))
    assert found == case
    assert spelled(found.input_payload) == spelled(case.input_payload)


@pytest.mark.parametrize("weight", ["1.50", "1.5", "0.100", "10.0", "9.999"])
@scenario
async def test_a_weight_keeps_its_zeros(harness: Harness, weight: str) -> None:
    member = await harness.member()
    payload = {
        "rubrics": [{"symptom_id": 2**53 - 1, "weight": Decimal(weight)}],
        "notes": "Ängste\r\n\U0001f98b ' \" \\",
    }
    case = await member.case(await member.patient(), payload)
    found = await member.ask(lambda work: work.cases.get(case.id))
    assert found is not None
    kept: Mapping[str, Any] = found.input_payload
    assert str(kept["rubrics"][0]["weight"]) == weight
    assert kept["notes"] == payload["notes"]


@scenario
async def test_a_case_comes_back_as_it_was_finalized(harness: Harness) -> None:
    member = await harness.member()
    draft = await member.case(await member.patient())
    case = finalized(draft, '{"ä":"é vs é","n":"1.500000"}')
    await member.do(lambda work: work.cases.replace(case))
    assert await member.ask(lambda work: work.cases.get(case.id)) == case


@scenario
async def test_an_unknown_case_is_none(harness: Harness) -> None:
    member = await harness.member()
    assert await member.ask(lambda work: work.cases.get(uuid4())) is None
    assert await member.ask(lambda work: work.cases.lock(uuid4())) is None


@scenario
async def test_a_case_for_an_unknown_or_foreign_patient_is_refused_alike(harness: Harness) -> None:
    member, other = await harness.member(), await harness.member()
    foreign = await other.patient()
    before = await member.held()
    for patient_id in (uuid4(), foreign.id):
        case = new_case(member, patient_id)
        record = Record(RecordType.CASE, case.id)
        async with member.work(Endpoint.CREATE_CASE) as work:
            work.cases.add(case)
            work.access_log.touched(Action.CREATE, record)
            work.usage.count(record)
            with pytest.raises(PatientNotFound) as refused:
                await work.commit()
        assert str(refused.value) == f"There is no patient {patient_id}."
    assert await member.held() == before


@scenario
async def test_a_case_is_replaced_by_the_next_revision_of_a_draft_only(harness: Harness) -> None:
    member = await harness.member()
    first = await member.case(await member.patient())
    second = edited(first)
    closed = finalized(second)

    async def replace(case: Any) -> bool:
        return await member.ask_committed(lambda work: work.cases.replace(case))

    assert await replace(first) is False
    assert await replace(closed) is False
    assert await replace(second) is True
    assert await replace(edited(first, {"symptom_ids": [1]})) is False
    assert await replace(edited(new_case(member, first.patient_id))) is False
    assert await replace(closed) is True
    assert await replace(evolve(closed, revision=closed.revision + 1)) is False
    assert await replace(evolve(closed, revision=closed.revision + 1, finalization=None)) is False
    assert (await member.held()).cases == (closed,)


@scenario
async def test_what_was_read_of_a_case_is_a_copy(harness: Harness) -> None:
    """Whoever changes what a store returned, or what it was given, changes nothing that is stored."""
    member = await harness.member()
    payload = {"symptom_ids": [7, 8], "notes": "as given"}
    draft = await member.case(await member.patient(), payload)
    closed = finalized(draft)
    await member.do(lambda work: work.cases.replace(closed))
    for case in (draft, closed, await member.ask(lambda work: work.cases.get(draft.id))):
        assert case is not None
        given: Any = case.input_payload
        given["notes"] = "changed"
        given["symptom_ids"].append(9)
    snapshot: Any = closed.require_finalized().ranking_snapshot
    snapshot[0]["rank"] = 2
    found = (await member.held()).cases[0]
    assert found.input_payload == payload
    assert list(found.require_finalized().ranking_snapshot) == [{"rank": 1, "remedy": "Ars.", "tied": False}]


@scenario
async def test_of_several_that_finalize_one_case_at_once_one_wins(harness: Harness) -> None:
    """Each locks, looks, and closes what it found open."""
    member = await harness.member()
    draft = await member.case(await member.patient())

    async def finalize(number: int) -> bool:
        async with member.work() as work:
            found = work.cases.lock(draft.id)
            await work.flush()
            case = found.result()
            assert case is not None
            if case.status is CaseStatus.FINALIZED:
                return False
            written = work.cases.replace(finalized(case, f'{{"by":{number}}}'))
            await work.commit()
        return written.result()

    won = await asyncio.gather(*(finalize(number) for number in range(8)))
    assert sum(won) == 1
    assert (await member.held()).cases == (finalized(draft, f'{{"by":{won.index(True)}}}'),)


@scenario
async def test_of_several_that_replace_one_draft_at_once_without_a_lock_one_wins(harness: Harness) -> None:
    member = await harness.member()
    draft = await member.case(await member.patient())
    attempts = [finalized(draft), *(edited(draft, {"symptom_ids": [number]}) for number in range(1, 8))]

    async def replace(case: Case) -> bool:
        return await member.ask_committed(lambda work: work.cases.replace(case))

    won = await asyncio.gather(*map(replace, attempts))
    assert sum(won) == 1
    assert (await member.held()).cases == (attempts[won.index(True)],)


@scenario
async def test_of_a_finalized_case_the_latest_verdict_is_kept(harness: Harness) -> None:
    member = await harness.member()
    case = await member.finalized(await member.patient())
    for verdict, at in ((Verdict.ROW_DIFFERS, NOW), (Verdict.VERIFIED, NOW + MINUTE)):
        replay = Replay(case_id=case.id, expected="", computed=None, verdict=verdict, verified_at=at)
        await member.do(lambda work, replay=replay: work.cases.record_replay(replay))  # type: ignore[misc]
        assert (await member.held()).cases == (evolve(case, verdict=verdict.value, verified_at=at),)


@scenario
async def test_a_verdict_of_a_draft_or_of_an_unknown_or_foreign_case_is_not_kept(harness: Harness) -> None:
    member, other = await harness.member(), await harness.member()
    draft = await member.case(await member.patient())
    foreign = await other.finalized(await other.patient())
    before = await member.held(), await other.held()
    for case_id in (draft.id, foreign.id, uuid4()):
        replay = Replay(case_id=case_id, expected="", computed=None, verdict=Verdict.VERIFIED, verified_at=NOW)
        await member.do(lambda work, replay=replay: work.cases.record_replay(replay))  # type: ignore[misc]
    assert (await member.held(), await other.held()) == before


@scenario
async def test_cases_are_counted_from_a_moment_on(harness: Harness) -> None:
    member, other = await harness.member(), await harness.member()
    patient = await member.patient()
    await other.case(await other.patient())
    for second in (-1, 0, 1):
        await member.case(patient, at=NOW + timedelta(seconds=second))
    assert await member.ask(lambda work: work.cases.count_since(NOW - timedelta(seconds=2))) == 3
    assert await member.ask(lambda work: work.cases.count_since(NOW)) == 2
    assert await member.ask(lambda work: work.cases.count_since(NOW + timedelta(seconds=2))) == 0
