"""The unit of work: what lasts, what is undone, and when it is over. For every database adapter."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from database_harness import (
    NOW,
    Harness,
    finalized,
    new_case,
    new_patient,
    outcomes,
    renamed,
    scenario,
)
from hypothesis import settings

from clincore.domain.access import Action, RecordType
from clincore.domain.call import Record
from clincore.domain.errors import (
    PatientNotFound,
)
from clincore.domain.identity import Role

if TYPE_CHECKING:
    pass

NOTES = "Ängste\r\n\U0001f98b ' \" \\"
FEW = settings(max_examples=25)


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
