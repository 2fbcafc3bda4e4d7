"""The contract of a database, for every adapter alike: what each method of its ports promises, and to whom.

Every test sets up tenants of its own in one database; an adapter takes part by another value of ``open_database``.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from attrs import evolve
from database_harness import (
    ALL,
    MINUTE,
    NOW,
    Harness,
    Member,
    OpenDatabase,
    digest_of,
    edited,
    finalized,
    new_case,
    new_patient,
    outcomes,
    pages,
    renamed,
    scenario,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from clincore.adapters.memory.database import MemoryDatabase
from clincore.adapters.postgres.database import PostgresDatabase
from clincore.domain.access import Action, RecordType
from clincore.domain.call import Record
from clincore.domain.case import Case, CaseStatus
from clincore.domain.errors import (
    DatabaseUnavailable,
    Forbidden,
    PatientNotFound,
    StorageFault,
    Unauthenticated,
)
from clincore.domain.idempotency import FirstAnswer
from clincore.domain.identity import Plan, Role, Tenant
from clincore.domain.page import PageRequest
from clincore.domain.patient import Patient, PatientDetails
from clincore.domain.replay import Replay, Verdict
from clincore.domain.usage import Endpoint, UsageReport
from clincore.testing.strategies import case_payloads, patient_details

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from databases import NewDatabase

    from clincore.ports.database import Database, UnitOfWork

NOTES = "Ängste\r\n\U0001f98b ' \" \\"
FEW = settings(max_examples=25)


@pytest.fixture(scope="module", params=["memory", "postgres"])
def open_database(request: pytest.FixtureRequest) -> OpenDatabase:
    """Opens an empty database of the adapter under test."""

    new_database: NewDatabase | None = request.getfixturevalue("new_database") if request.param == "postgres" else None

    @asynccontextmanager
    async def memory() -> AsyncIterator[Database]:
        database = MemoryDatabase()
        yield database
        await database.close()

    @asynccontextmanager
    async def postgres() -> AsyncIterator[Database]:
        assert new_database is not None
        with new_database() as fresh:
            database = PostgresDatabase(fresh.service_url, max_connections=12, timeout=20)
            await database.open()
            yield database
            await database.close()

    return postgres if new_database else memory


@pytest.fixture(scope="module")
def harness(open_database: OpenDatabase) -> Iterator[Harness]:
    with asyncio.Runner() as runner:
        opened = open_database()
        yield Harness(runner.run(opened.__aenter__()), runner, open_database)
        runner.run(opened.__aexit__(None, None, None))


# --- the unit of work -----------------------------------------------------------------------------------


@scenario
async def test_what_was_committed_lasts(harness: Harness) -> None:
    member = await harness.member()
    patient = new_patient(member)
    async with member.work() as work:
        work.patients.add(patient)
        await work.commit()
    assert await member.ask(lambda work: work.patients.get(patient.id)) == patient


@scenario
async def test_what_was_flushed_and_not_committed_is_rolled_back(harness: Harness) -> None:
    member = await harness.member()
    kept = await member.patient()
    before = await member.held()
    async with member.work() as work:
        added = new_patient(member)
        case = new_case(member, added.id)
        work.patients.add(added)
        work.cases.add(case)
        work.patients.replace(renamed(kept, "Other"))
        work.cases.replace(finalized(case))
        work.keys.retire(member.key_id, at=NOW, expires_at=NOW)
        work.access_log.touched(Action.CREATE, Record(RecordType.PATIENT, added.id))
        work.access_log.listed(RecordType.CASE, None)
        work.usage.count()
        await work.flush()
        seen = work.cases.get(case.id)
        await work.flush()
        assert seen.result() == finalized(case)
    assert await member.held() == before


@pytest.mark.parametrize("flushes", [0, 1])
@scenario
async def test_an_exception_anywhere_rolls_everything_back(harness: Harness, flushes: int) -> None:
    member = await harness.member()
    before = await member.held()

    async def fails() -> None:
        async with member.work() as work:
            work.patients.add(new_patient(member))
            work.usage.count()
            for _ in range(flushes):
                await work.flush()
            raise ZeroDivisionError

    assert [type(error) for error in await outcomes(fails())] == [ZeroDivisionError]
    assert await member.held() == before


@scenario
async def test_nothing_is_seen_before_it_is_committed(harness: Harness) -> None:
    """A reader sees the state before, or waits; once it is committed it is seen."""
    member = await harness.member()
    patient = new_patient(member)
    async with member.work() as work:
        work.patients.add(patient)
        await work.flush()
        reader = asyncio.create_task(member.ask(lambda work: work.patients.get(patient.id)))
        early, _ = await asyncio.wait({reader}, timeout=0.2)
        assert not early or reader.result() is None
        await work.commit()
    await reader
    assert await member.ask(lambda work: work.patients.get(patient.id)) == patient


@scenario
async def test_results_and_principal_are_there_only_after_a_flush(harness: Harness) -> None:
    member = await harness.member(role=Role.USER)
    async with member.work() as work:
        found = work.patients.get(uuid4())
        with pytest.raises(RuntimeError):
            found.result()
        with pytest.raises(RuntimeError):
            _ = work.principal
        await work.flush()
        assert found.result() is None
        assert (work.principal.tenant_id, work.principal.key_id, work.principal.role) == (
            member.tenant_id,
            member.key_id,
            Role.USER,
        )


@scenario
async def test_statements_run_in_the_order_they_were_asked(harness: Harness) -> None:
    member = await harness.member()
    patient = new_patient(member)
    async with member.work() as work:
        before = work.patients.get(patient.id)
        work.patients.add(patient)
        between = work.patients.get(patient.id)
        replaced = work.patients.replace(renamed(patient, "Later"))
        after = work.patients.get(patient.id)
        await work.commit()
    assert (before.result(), between.result(), replaced.result(), after.result()) == (
        None,
        patient,
        True,
        renamed(patient, "Later"),
    )


@scenario
async def test_a_refused_unit_of_work_cannot_be_committed(harness: Harness) -> None:
    """Where a statement was refused nothing lasts, and a commit does not pretend that it did."""
    member = await harness.member()
    before = await member.held()
    async with member.work() as work:
        work.patients.add(new_patient(member))
        work.cases.add(new_case(member, uuid4()))
        with pytest.raises(PatientNotFound):
            await work.flush()
        with pytest.raises(RuntimeError):
            await work.commit()
    assert await member.held() == before


@scenario
async def test_a_committed_unit_of_work_is_over(harness: Harness) -> None:
    member = await harness.member()
    async with member.work() as work:
        await work.commit()
        work.patients.add(new_patient(member))
        with pytest.raises(RuntimeError):
            await work.commit()
    assert (await member.held()).patients == ()


@scenario
async def test_a_cancelled_call_leaves_nothing_behind(harness: Harness) -> None:
    member = await harness.member()
    case = await member.case(await member.patient())
    before = await member.held()

    async def waits() -> None:
        async with member.work() as work:
            work.patients.add(new_patient(member))
            work.cases.lock(case.id)
            await work.commit()

    async with member.work() as work:
        work.cases.lock(case.id)
        await work.flush()
        waiting = asyncio.create_task(waits())
        await asyncio.wait({waiting}, timeout=0.1)
        waiting.cancel()
        assert [type(error) for error in await outcomes(waiting)] == [asyncio.CancelledError]
    assert await member.held() == before
    assert await member.ask(lambda work: work.cases.lock(case.id)) == case


# --- keys: who may -----------------------------------------------------------------------------------


async def refused_everything(stranger: Member, work: UnitOfWork, patient: Patient) -> None:
    """Ask for every kind of change, log and count."""
    record = Record(RecordType.PATIENT, patient.id)
    work.patients.get(patient.id)
    work.access_log.touched(Action.VIEW, record)
    work.access_log.listed(RecordType.PATIENT, "q=a")
    work.usage.count()
    work.usage.count(record)
    await work.commit()


@pytest.mark.parametrize("writes", [True, False])
@pytest.mark.parametrize("wrong", ["unknown", "of another tenant", "expired", "expiring now", "revoked"])
@scenario
async def test_a_key_that_is_not_valid_is_refused_and_nothing_is_written(
    harness: Harness, wrong: str, writes: bool
) -> None:
    member, other = await harness.member(), await harness.member()
    patient = await member.patient()
    stranger = {
        "unknown": evolve(member, digest=digest_of(uuid4())),
        "of another tenant": evolve(member, digest=other.digest),
        "expired": await member.with_key(expires_at=NOW - MINUTE),
        "expiring now": await member.with_key(expires_at=NOW),
        "revoked": await member.with_key(revoked_at=NOW - MINUTE),
    }[wrong]
    before = await member.held(), await stranger.key()
    async with stranger.work() as work:
        if writes:
            work.patients.add(new_patient(member))
        with pytest.raises(Unauthenticated):
            await refused_everything(stranger, work, patient)
    assert (await member.held(), await stranger.key()) == before


@pytest.mark.parametrize("writes", [True, False])
@scenario
async def test_a_key_without_the_role_is_forbidden_and_nothing_is_written(harness: Harness, writes: bool) -> None:
    """Not even its last use is kept."""
    admin = await harness.member()
    patient = await admin.patient()
    user = await admin.with_key(role=Role.USER)
    before = await admin.held(), await user.key()
    async with user.work(Endpoint.USAGE, admin_only=True) as work:
        if writes:
            work.patients.add(new_patient(admin))
        with pytest.raises(Forbidden):
            await refused_everything(user, work, patient)
    assert (await admin.held(), await user.key()) == before
    async with admin.work(Endpoint.USAGE, admin_only=True) as work:
        await work.commit()


@scenario
async def test_a_key_is_valid_until_the_moment_it_expires(harness: Harness) -> None:
    member = await (await harness.member()).with_key(expires_at=NOW + timedelta(microseconds=1))
    async with member.work() as work:
        await work.commit()
        assert work.principal.key_id == member.key_id


@scenario
async def test_the_last_use_is_kept_to_the_hour(harness: Harness) -> None:
    member = await harness.member()
    hour = NOW.replace(minute=0, second=0, microsecond=0)

    async def used_at(offset: timedelta) -> object:
        await member.do(at=hour + offset)
        key = await member.key()
        return key.last_used_at if key else None

    assert await used_at(timedelta(minutes=26)) == hour
    assert await used_at(timedelta(minutes=59)) == hour
    assert await used_at(timedelta(minutes=60)) == hour + timedelta(hours=1)
    assert await used_at(timedelta(minutes=59)) == hour + timedelta(hours=1)


@scenario
async def test_a_call_that_was_admitted_is_logged_and_counted_even_where_its_key_ends_meanwhile(
    harness: Harness,
) -> None:
    member = await harness.member()
    patient = await member.patient()
    record = Record(RecordType.PATIENT, patient.id)
    async with member.work() as work:
        await work.flush()
        ending = asyncio.create_task(
            member.ask_committed(lambda work: work.keys.retire(member.key_id, at=NOW, expires_at=NOW - MINUTE))
        )
        await asyncio.wait({ending}, timeout=0.2)
        work.patients.replace(renamed(patient, "Edited"))
        work.access_log.touched(Action.UPDATE, record)
        work.usage.count(record)
        await work.commit()
    assert await ending is True
    held = await member.held()
    assert [patient.details.full_name for patient in held.patients] == ["Edited"]
    assert [(entry.action, entry.record_id) for entry in held.log] == [(Action.UPDATE, patient.id)]
    assert held.usage.total_calls == 1


# --- keys: the store ---------------------------------------------------------------------------------


@scenario
async def test_a_key_comes_back_as_it_was_entered(harness: Harness) -> None:
    member = await (await harness.member()).with_key(
        label="Empfang Ä", expires_at=NOW + MINUTE, rotated_at=NOW, revoked_at=NOW, last_used_at=NOW
    )
    key = await member.key()
    assert key is not None
    assert (key.tenant_id, key.key_hash, key.label, key.role) == (
        member.tenant_id,
        member.digest,
        "Empfang Ä",
        Role.USER,
    )
    assert (key.created_at, key.expires_at, key.rotated_at, key.revoked_at, key.last_used_at) == (
        NOW,
        NOW + MINUTE,
        NOW,
        NOW,
        NOW,
    )


@scenario
async def test_a_key_is_retired_once(harness: Harness) -> None:
    member = await harness.member()

    async def retire(key_id: UUID) -> bool:
        return await member.ask_committed(
            lambda work: work.keys.retire(key_id, at=NOW, expires_at=NOW + timedelta(days=1))
        )

    revoked = await member.with_key(revoked_at=NOW)
    assert await retire(uuid4()) is False
    assert await retire(revoked.key_id) is False
    assert await retire(member.key_id) is True
    assert await retire(member.key_id) is False
    key = await member.key()
    assert key is not None
    assert (key.rotated_at, key.expires_at) == (NOW, NOW + timedelta(days=1))


@scenario
async def test_of_several_that_retire_one_key_at_once_one_wins(harness: Harness) -> None:
    member = await harness.member()

    async def retire() -> bool:
        async with member.work() as work:
            await work.flush()
            won = work.keys.retire(member.key_id, at=NOW, expires_at=NOW)
            await work.flush()
            await work.commit()
        return won.result()

    results = await outcomes(*(retire() for _ in range(8)))
    assert sum(result is True for result in results) == 1
    assert all(result in (True, False) or isinstance(result, Unauthenticated) for result in results)


# --- patients -----------------------------------------------------------------------------------------


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


# --- pages ---------------------------------------------------------------------------------------------

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


# --- cases ---------------------------------------------------------------------------------------------


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


# --- what is there already, and what belongs to another tenant ---------------------------------------------


@scenario
async def test_an_id_that_is_taken_is_refused_and_the_record_stays(harness: Harness) -> None:
    member = await harness.member()
    patient = await member.patient()
    case = await member.case(patient)
    before = await member.held()
    steps: list[Callable[[UnitOfWork], object]] = [
        lambda work: work.patients.add(new_patient(member, "Another", id=patient.id)),
        lambda work: work.cases.add(new_case(member, patient.id, {"symptom_ids": [1]}, id=case.id)),
        lambda work: work.tenants.add(Tenant(id=member.tenant_id, name="Another", created_at=NOW)),
    ]
    for step in steps:
        with pytest.raises(StorageFault):
            await member.do(step)
    with pytest.raises(StorageFault):
        await member.with_key(id=member.key_id)
    with pytest.raises(StorageFault):
        await member.with_key(key_hash=member.digest)
    assert await member.held() == before


@scenario
async def test_nothing_is_entered_for_a_tenant_that_does_not_exist(harness: Harness) -> None:
    ghost = evolve(await harness.member(), tenant_id=uuid4())
    with pytest.raises(StorageFault):
        await ghost.with_key()
    async with ghost.database.provisioning(ghost.tenant_id) as work:
        work.patients.add(new_patient(ghost))
        with pytest.raises(StorageFault):
            await work.commit()
    assert (await ghost.ask(lambda work: work.patients.list(None, ALL))).items == ()


@scenario
async def test_the_same_ids_in_two_tenants_are_two_records(harness: Harness) -> None:
    one, two = await harness.member(), await harness.member()
    mine = await one.patient("One")
    theirs = new_patient(two, "Two", id=mine.id)
    await two.do(lambda work: work.patients.add(theirs))
    case = await one.case(mine)
    other = new_case(two, mine.id, {"symptom_ids": [1]}, id=case.id)
    await two.do(lambda work: work.cases.add(other))
    assert (await one.held()).patients == (mine,)
    assert (await two.held()).patients == (theirs,)
    assert (await one.held()).cases == (case,)
    assert (await two.held()).cases == (other,)


@scenario
async def test_another_tenants_ids_behave_exactly_as_unknown_ones(harness: Harness) -> None:
    """Every question and every change, side by side: the same answers, and nothing written anywhere."""
    owner, stranger = await harness.member(), await harness.member()
    patient = await owner.patient()
    draft, closed = await owner.case(patient), await owner.finalized(patient)
    before = await owner.held(), await stranger.held()
    stranger_key = await stranger.with_key()

    def own(record: Any, new_id: UUID) -> Any:
        return evolve(record, tenant_id=stranger.tenant_id, id=new_id)

    def asked(patient_id: UUID, draft_id: UUID, closed_id: UUID, key_id: UUID) -> list[Any]:
        replay = Replay(case_id=closed_id, expected="", computed=None, verdict=Verdict.VERIFIED, verified_at=NOW)
        return [
            lambda work: work.patients.get(patient_id),
            lambda work: work.patients.replace(own(renamed(patient, "Taken"), patient_id)),
            lambda work: work.cases.get(draft_id),
            lambda work: work.cases.get(closed_id),
            lambda work: work.cases.lock(draft_id),
            lambda work: work.cases.replace(own(edited(draft), draft_id)),
            lambda work: work.cases.replace(own(finalized(draft), draft_id)),
            lambda work: work.cases.replace(own(evolve(closed, revision=3), closed_id)),
            lambda work: work.cases.record_replay(replay),
            lambda work: work.cases.list(patient_id=patient_id, status=None, page=ALL),
            lambda work: work.keys.get(key_id),
            lambda work: work.keys.retire(key_id, at=NOW, expires_at=NOW),
            lambda work: work.access_log.touched(Action.VIEW, Record(RecordType.PATIENT, patient_id)),
            lambda work: work.access_log.touched(Action.VIEW, Record(RecordType.CASE, closed_id)),
            lambda work: work.usage.count(Record(RecordType.PATIENT, patient_id)),
            lambda work: work.usage.count(Record(RecordType.CASE, draft_id)),
        ]

    async def answers(questions: list[Any]) -> list[Any]:
        found = []
        for question in questions:
            async with stranger_key.work() as work:
                pending = question(work)
                await work.commit()
                found.append(pending.result() if pending is not None else None)
        return found

    foreign = await answers(asked(patient.id, draft.id, closed.id, owner.key_id))
    unknown = await answers(asked(uuid4(), uuid4(), uuid4(), uuid4()))
    assert foreign == unknown
    assert (await owner.held(), await stranger.held()) == before


@scenario
async def test_lists_counts_and_reports_are_a_tenants_own(harness: Harness) -> None:
    owner, stranger = await harness.member(), await harness.member()
    patient = await owner.patient("Shared Name")
    await owner.case(patient)
    await owner.do(
        lambda work: work.access_log.listed(RecordType.PATIENT, None),
        lambda work: work.usage.count(),
    )
    assert (await stranger.ask(lambda work: work.patients.list("Shared", ALL))).items == ()
    assert (await stranger.ask(lambda work: work.access_log.list(ALL))).items == ()
    assert await stranger.ask(lambda work: work.cases.count_since(NOW - MINUTE)) == 0
    held = await stranger.held()
    assert (held.patients, held.cases, held.log) == ((), (), ())
    assert held.usage == UsageReport(total_calls=0, calls_by_endpoint={}, last_24h_count=0)
    behind = (await owner.ask(lambda work: work.patients.list(None, ALL))).items[0]
    cursor = PageRequest.parse(10, None)
    assert behind == patient
    assert (await stranger.ask(lambda work: work.patients.list(None, cursor))).items == ()


@scenario
async def test_a_record_of_another_tenant_cannot_be_handed_over(harness: Harness) -> None:
    owner, stranger = await harness.member(), await harness.member()
    patient = await stranger.patient()
    case = await stranger.case(patient)
    before = await owner.held(), await stranger.held()
    steps: list[Callable[[UnitOfWork], object]] = [
        lambda work: work.patients.add(new_patient(stranger)),
        lambda work: work.patients.replace(renamed(patient, "Taken")),
        lambda work: work.cases.add(new_case(stranger, patient.id)),
        lambda work: work.cases.replace(edited(case)),
        lambda work: work.tenants.add(Tenant(id=uuid4(), name="Another", created_at=NOW)),
    ]
    for step in steps:
        with pytest.raises(ValueError, match="another tenant"):
            await owner.do(step)
    with pytest.raises(ValueError, match="another tenant"):
        await owner.with_key(tenant_id=stranger.tenant_id)
    assert (await owner.held(), await stranger.held()) == before


# --- the tenant and its plan -----------------------------------------------------------------------------


@pytest.mark.parametrize("plan", Plan)
@scenario
async def test_a_tenant_comes_back_as_entered(harness: Harness, plan: Plan) -> None:
    member = await harness.member(plan=plan)
    assert await member.ask(lambda work: work.tenants.hold_plan()) == Tenant(
        id=member.tenant_id, name="Klinik Ä", plan=plan, created_at=NOW
    )
    unknown = evolve(member, tenant_id=uuid4())
    assert await unknown.ask(lambda work: work.tenants.hold_plan()) is None


@scenario
async def test_a_limited_plan_is_held_by_one_at_a_time(harness: Harness) -> None:
    """Twenty at once with one case left: one finds room, and the others count its case."""
    member = await harness.member()
    patient = await member.patient()

    async def create() -> bool:
        async with member.work() as work:
            tenant = work.tenants.hold_plan()
            used = work.cases.count_since(NOW)
            await work.flush()
            assert tenant.result() is not None
            if used.result() >= 1:
                return False
            work.cases.add(new_case(member, patient.id))
            await work.commit()
        return True

    assert sum(await asyncio.gather(*(create() for _ in range(20)))) == 1
    assert len((await member.held()).cases) == 1


@scenario
async def test_tenants_do_not_wait_for_each_others_plan(harness: Harness) -> None:
    """Of an adapter that runs calls at once; none deadlocks."""
    members = [await harness.member() for _ in range(4)]

    async def hold(member: Member) -> None:
        async with member.work() as work:
            work.tenants.hold_plan()
            await work.flush()
            await work.commit()

    await asyncio.wait_for(asyncio.gather(*(hold(member) for member in members * 5)), timeout=10)


def test_of_several_bootstraps_at_once_one_wins_and_none_after_it(harness: Harness) -> None:
    async def contest() -> None:
        async with harness.open_database() as database:

            async def claim(*, commit: bool = True) -> bool:
                async with database.provisioning(uuid4()) as work:
                    claimed = work.tenants.claim_bootstrap(NOW)
                    await work.flush()
                    if commit:
                        await work.commit()
                return claimed.result()

            assert await claim(commit=False) is True
            assert sum(await asyncio.gather(*(claim() for _ in range(8)))) == 1
            assert await claim() is False

    harness.run(contest())


# --- the access log and usage -------------------------------------------------------------------------------


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
        total_calls=3, calls_by_endpoint={"GET /cases/{id}": 2, "POST /cases": 1}, last_24h_count=2
    )


@scenario
async def test_a_report_leaves_out_the_call_that_asks_for_it(harness: Harness) -> None:
    member = await harness.member()
    async with member.work(Endpoint.USAGE) as work:
        report = work.usage.report()
        work.usage.count()
        await work.commit()
    assert report.result().total_calls == 0
    assert (await member.usage()).calls_by_endpoint == {"GET /admin/usage": 1}


# --- idempotency keys -----------------------------------------------------------------------------------------


def answer(at: datetime = NOW) -> FirstAnswer:
    return FirstAnswer(record_id=uuid4(), payload_digest=digest_of(uuid4()), at=at)


async def find(member: Member, key: str, endpoint: Endpoint = Endpoint.CREATE_CASE, at: datetime = NOW) -> Any:
    async with member.work(endpoint, at=at) as work:
        found = work.idempotency.find(key)
        await work.flush()
    return found.result()


async def keep(member: Member, key: str, made: FirstAnswer, endpoint: Endpoint = Endpoint.CREATE_CASE) -> None:
    async with member.work(endpoint, at=made.at) as work:
        work.idempotency.keep(key, made)
        await work.commit()


@scenario
async def test_what_a_key_made_is_kept_for_its_tenant_and_endpoint_alone(harness: Harness) -> None:
    member, other = await harness.member(), await harness.member()
    made, elsewhere = answer(), answer()
    await keep(member, "once", made)
    await keep(member, "once", elsewhere, Endpoint.CREATE_PATIENT)
    assert await find(member, "once") == made
    assert await find(member, "once", Endpoint.CREATE_PATIENT) == elsewhere
    assert await find(member, "Once") is None
    assert await find(other, "once") is None
    assert await find(await member.with_key(), "once") == made


@scenario
async def test_what_a_key_made_is_forgotten_after_24_hours(harness: Harness) -> None:
    member = await harness.member()
    day = timedelta(days=1)
    made = answer()
    await keep(member, "once", made)
    assert await find(member, "once", at=NOW + day - timedelta(microseconds=1)) == made
    assert await find(member, "once", at=NOW + day) is None
    again = answer(NOW + day)
    await keep(member, "once", again)
    assert await find(member, "once", at=NOW + day) == again


@scenario
async def test_what_was_not_committed_made_nothing(harness: Harness) -> None:
    member = await harness.member()
    kept = answer()
    await keep(member, "before", kept)
    async with member.work(Endpoint.CREATE_CASE, at=NOW + timedelta(days=1)) as work:
        work.idempotency.keep("once", answer(NOW + timedelta(days=1)))
        await work.flush()
    assert await find(member, "once") is None
    assert await find(member, "before") == kept


@scenario
async def test_of_several_calls_with_one_key_at_once_one_makes_something(harness: Harness) -> None:
    """The others find what it made, or that it still runs; none makes anything else."""
    member = await harness.member()

    async def call() -> FirstAnswer | None:
        async with member.work(Endpoint.CREATE_CASE) as work:
            held = work.idempotency.hold("once")
            found = work.idempotency.find("once")
            await work.flush()
            if not held.result():
                return None
            first = found.result()
            if first is not None:
                return first
            made = answer()
            work.idempotency.keep("once", made)
            await work.commit()
        return made

    results = await asyncio.gather(*(call() for _ in range(10)))
    assert {result for result in results if result} == {await find(member, "once")}


@scenario
async def test_a_key_is_held_until_its_unit_of_work_ends(harness: Harness) -> None:
    member = await harness.member()

    async def hold() -> bool:
        async with member.work(Endpoint.CREATE_CASE) as work:
            held = work.idempotency.hold("once")
            await work.flush()
        return held.result()

    assert await hold() is True
    assert await hold() is True


# --- the end ------------------------------------------------------------------------------------------------


def test_a_closed_database_is_unavailable(harness: Harness) -> None:
    async def close() -> None:
        async with harness.open_database() as database:
            await database.check()
            await database.close()
            with pytest.raises(DatabaseUnavailable):
                await database.check()
            with pytest.raises(DatabaseUnavailable):
                async with database.provisioning(uuid4()) as work:
                    await work.commit()

    harness.run(close())
