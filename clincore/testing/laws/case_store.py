"""The laws of the store of cases."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.access import Action, RecordType
from clincore.domain.call import Record
from clincore.domain.case import Case, CaseStatus
from clincore.domain.errors import PatientNotFound
from clincore.domain.replay import Replay, Verdict
from clincore.domain.usage import Endpoint
from clincore.testing.strategies import case_payloads
from clincore.testing.suite.expecting import at_once, pages, pages_while, refused
from clincore.testing.suite.law import law
from clincore.testing.suite.records import (
    MINUTE,
    NOW,
    edited,
    finalized,
    new_case,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clincore.testing.suite.database import DatabaseGround


OFFSETS = st.lists(st.integers(0, 3), max_size=9)
"""Seconds at which records were made: most moments are shared."""


def spelled(value: Any) -> Any:
    """A JSON value with its numbers as they are written."""
    if isinstance(value, dict):
        return {name: spelled(item) for name, item in value.items()}
    if isinstance(value, list):
        return [spelled(item) for item in value]
    return f"{value:f}" if isinstance(value, Decimal) else value if type(value) is not int else str(value)


@law(given(payload=case_payloads()), examples=60)
async def an_input_comes_back_as_it_was_given(ground: DatabaseGround, payload: dict[str, Any]) -> None:
    """To the last zero of a weight and the last character of the notes."""
    member = await ground.member()
    case = await member.case(await member.patient(), payload)
    found = await member.ask(lambda work: work.cases.get(case.id))
    assert found == case
    assert spelled(found.input_payload) == spelled(case.input_payload)


@law(given(weight=st.sampled_from(["1.50", "1.5", "0.100", "10.0", "9.999"])))
async def a_weight_keeps_its_zeros(ground: DatabaseGround, weight: str) -> None:
    member = await ground.member()
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


@law()
async def a_case_comes_back_as_it_was_finalized(ground: DatabaseGround) -> None:
    member = await ground.member()
    draft = await member.case(await member.patient())
    case = finalized(draft, '{"ä":"é vs é","n":"1.500000"}')
    await member.do(lambda work: work.cases.replace(case))
    assert await member.ask(lambda work: work.cases.get(case.id)) == case


@law()
async def an_unknown_case_is_none(ground: DatabaseGround) -> None:
    member = await ground.member()
    assert await member.ask(lambda work: work.cases.get(uuid4())) is None
    assert await member.ask(lambda work: work.cases.lock(uuid4())) is None


@law()
async def a_case_for_an_unknown_or_foreign_patient_is_refused_alike(ground: DatabaseGround) -> None:
    member, other = await ground.member(), await ground.member()
    foreign = await other.patient()
    before = await member.held()
    for patient_id in (uuid4(), foreign.id):
        case = new_case(member, patient_id)
        record = Record(RecordType.CASE, case.id)
        async with member.work(Endpoint.CREATE_CASE) as work:
            work.cases.add(case)
            work.access_log.touched(Action.CREATE, record)
            work.usage.count(record)
            with refused(PatientNotFound) as refusal:
                await work.commit()
        assert str(refusal.error) == f"There is no patient {patient_id}."
    assert await member.held() == before


@law()
async def a_case_is_replaced_by_the_next_revision_of_a_draft_only(ground: DatabaseGround) -> None:
    member = await ground.member()
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


@law()
async def what_was_read_of_a_case_is_a_copy(ground: DatabaseGround) -> None:
    """Whoever changes what a store returned, or what it was given, changes nothing that is stored."""
    member = await ground.member()
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


@law()
async def of_several_that_finalize_one_case_at_once_one_wins(ground: DatabaseGround) -> None:
    """Each locks, looks, and closes what it found open."""
    member = await ground.member()
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

    won = await at_once(*(finalize(number) for number in range(8)))
    assert sum(won) == 1
    assert (await member.held()).cases == (finalized(draft, f'{{"by":{won.index(True)}}}'),)


@law()
async def of_several_that_replace_one_draft_at_once_without_a_lock_one_wins(ground: DatabaseGround) -> None:
    member = await ground.member()
    draft = await member.case(await member.patient())
    attempts = [finalized(draft), *(edited(draft, {"symptom_ids": [number]}) for number in range(1, 8))]

    async def replace(case: Case) -> bool:
        return await member.ask_committed(lambda work: work.cases.replace(case))

    won = await at_once(*map(replace, attempts))
    assert sum(won) == 1
    assert (await member.held()).cases == (attempts[won.index(True)],)


@law()
async def of_a_finalized_case_the_latest_verdict_is_kept(ground: DatabaseGround) -> None:
    member = await ground.member()
    case = await member.finalized(await member.patient())
    for verdict, at in ((Verdict.ROW_DIFFERS, NOW), (Verdict.VERIFIED, NOW + MINUTE)):
        replay = Replay(case_id=case.id, expected="", computed=None, verdict=verdict, verified_at=at)
        await member.do(lambda work, replay=replay: work.cases.record_replay(replay))  # type: ignore[misc]
        assert (await member.held()).cases == (evolve(case, verdict=verdict.value, verified_at=at),)


@law()
async def a_verdict_of_a_draft_or_of_an_unknown_or_foreign_case_is_not_kept(ground: DatabaseGround) -> None:
    member, other = await ground.member(), await ground.member()
    draft = await member.case(await member.patient())
    foreign = await other.finalized(await other.patient())
    before = await member.held(), await other.held()
    for case_id in (draft.id, foreign.id, uuid4()):
        replay = Replay(case_id=case_id, expected="", computed=None, verdict=Verdict.VERIFIED, verified_at=NOW)
        await member.do(lambda work, replay=replay: work.cases.record_replay(replay))  # type: ignore[misc]
    assert (await member.held(), await other.held()) == before


@law()
async def cases_are_counted_from_a_moment_on(ground: DatabaseGround) -> None:
    member, other = await ground.member(), await ground.member()
    patient = await member.patient()
    await other.case(await other.patient())
    for second in (-1, 0, 1):
        await member.case(patient, at=NOW + timedelta(seconds=second))
    assert await member.ask(lambda work: work.cases.count_since(NOW - timedelta(seconds=2))) == 3
    assert await member.ask(lambda work: work.cases.count_since(NOW)) == 2
    assert await member.ask(lambda work: work.cases.count_since(NOW + timedelta(seconds=2))) == 0


@law(given(offsets=OFFSETS, finalized_ones=st.sets(st.integers(0, 8)), limit=st.integers(1, 5)))
async def pages_of_cases_are_complete_without_repeats_newest_first(
    ground: DatabaseGround, offsets: list[int], finalized_ones: set[int], limit: int
) -> None:
    member = await ground.member()
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


@law(given(before=OFFSETS, entered=st.lists(OFFSETS, max_size=3), limit=st.integers(1, 4)), examples=15)
async def pages_of_cases_are_complete_while_others_enter_some(
    ground: DatabaseGround, before: list[int], entered: list[list[int]], limit: int
) -> None:
    """What was there comes once and in order; of what is entered beside the reading some may come, and none twice."""
    member = await ground.member()
    patient = await member.patient()

    async def enter(offsets: list[int]) -> list[UUID]:
        new = [new_case(member, patient.id, at=NOW + timedelta(seconds=offset)) for offset in offsets]
        await member.do(*(lambda work, one=one: work.cases.add(one) for one in new))
        return [case.id for case in new]

    old = await enter(before)
    found = await pages_while(
        lambda page: member.ask(lambda work: work.cases.list(patient_id=None, status=None, page=page)),
        limit,
        [enter(each) for each in entered],
    )
    places = [(case.created_at, case.id) for case in found]
    assert places == sorted(set(places), reverse=True)
    assert set(old) <= {case.id for case in found} <= {case.id for case in (await member.held()).cases}


TAMPERING = st.lists(
    st.sampled_from(["edit", "reopen", "finalize again", "other text", "other patient", "later revision", "replay"]),
    max_size=6,
)


@law(given(attempts=TAMPERING, commit=st.booleans()))
async def a_finalized_case_never_changes_again(ground: DatabaseGround, attempts: list[str], *, commit: bool) -> None:
    """Whatever is written over it; only its latest verdict is kept beside it."""
    member = await ground.member()
    patient, other = await member.patient(), await member.patient()
    draft = await member.case(patient)
    closed = finalized(draft)
    await member.do(lambda work: work.cases.replace(closed))
    following = closed.revision + 1
    replay = Replay(case_id=closed.id, expected="", computed=None, verdict=Verdict.VERIFIED, verified_at=NOW)
    written = {
        "edit": evolve(edited(draft), revision=following),
        "reopen": evolve(draft, revision=following),
        "finalize again": evolve(finalized(draft, '{"again":true}'), revision=following),
        "other text": finalized(draft, '{"other":true}'),
        "other patient": evolve(closed, patient_id=other.id, revision=following),
        "later revision": evolve(closed, revision=following),
    }
    async with member.work() as work:
        answers = []
        for attempt in attempts:
            if attempt == "replay":
                work.cases.record_replay(replay)
            else:
                answers.append(work.cases.replace(written[attempt]))
        await (work.commit() if commit else work.flush())
    assert [answer.result() for answer in answers] == [False] * len(answers)
    if commit and "replay" in attempts:
        closed = evolve(closed, verdict=Verdict.VERIFIED.value, verified_at=NOW)
    assert await member.ask(lambda work: work.cases.get(closed.id)) == closed
