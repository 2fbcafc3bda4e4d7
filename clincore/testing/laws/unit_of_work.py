"""The laws of the unit of work: what lasts, what is undone, and when it is over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.access import Action, RecordType
from clincore.domain.call import Record
from clincore.domain.errors import PatientNotFound
from clincore.domain.identity import Role
from clincore.domain.usage import Endpoint
from clincore.testing.suite.expecting import outcomes, refused, started
from clincore.testing.suite.law import law
from clincore.testing.suite.members import ASKING
from clincore.testing.suite.operations import CHANGES, ENTRIES, OPERATIONS, Aim
from clincore.testing.suite.records import (
    ALL,
    NOW,
    finalized,
    new_case,
    new_patient,
    renamed,
)

if TYPE_CHECKING:
    from clincore.ports.database import UnitOfWork
    from clincore.testing.suite.database import DatabaseGround
    from clincore.testing.suite.members import Member


@law()
async def what_was_committed_lasts(ground: DatabaseGround) -> None:
    member = await ground.member()
    patient = new_patient(member)
    async with member.work() as work:
        work.patients.add(patient)
        await work.commit()
    assert await member.ask(lambda work: work.patients.get(patient.id)) == patient


@law()
async def what_was_flushed_and_not_committed_is_rolled_back(ground: DatabaseGround) -> None:
    member = await ground.member()
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


@law(given(flushes=st.integers(0, 2)))
async def an_exception_anywhere_rolls_everything_back(ground: DatabaseGround, flushes: int) -> None:
    member = await ground.member()
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


@law()
async def nothing_is_seen_before_it_is_committed(ground: DatabaseGround) -> None:
    """A reader sees the state before, or waits; once it is committed it is seen."""
    member = await ground.member()
    patient = new_patient(member)
    async with member.work() as work:
        work.patients.add(patient)
        await work.flush()
        reader = started(member.ask(lambda work: work.patients.get(patient.id)))
        early, _ = await asyncio.wait({reader}, timeout=0.2)
        assert not early or reader.result() is None
        await work.commit()
    await reader
    assert await member.ask(lambda work: work.patients.get(patient.id)) == patient


@law()
async def results_and_principal_are_there_only_after_a_flush(ground: DatabaseGround) -> None:
    member = await ground.member(role=Role.USER)
    async with member.work() as work:
        found = work.patients.get(uuid4())
        with refused(RuntimeError):
            found.result()
        with refused(RuntimeError):
            _ = work.principal
        await work.flush()
        assert found.result() is None
        assert (work.principal.tenant_id, work.principal.key_id, work.principal.role) == (
            member.tenant_id,
            member.key_id,
            Role.USER,
        )


@law()
async def statements_run_in_the_order_they_were_asked(ground: DatabaseGround) -> None:
    member = await ground.member()
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


@law()
async def a_refused_unit_of_work_cannot_be_committed(ground: DatabaseGround) -> None:
    """Where a statement was refused nothing lasts, and a commit does not pretend that it did."""
    member = await ground.member()
    before = await member.held()
    async with member.work() as work:
        work.patients.add(new_patient(member))
        work.cases.add(new_case(member, uuid4()))
        with refused(PatientNotFound):
            await work.flush()
        with refused(RuntimeError):
            await work.commit()
    assert await member.held() == before


@law()
async def a_committed_unit_of_work_is_over(ground: DatabaseGround) -> None:
    member = await ground.member()
    async with member.work() as work:
        await work.commit()
        work.patients.add(new_patient(member))
        with refused(RuntimeError):
            await work.commit()
    assert (await member.held()).patients == ()


@law()
async def a_cancelled_call_leaves_nothing_behind(ground: DatabaseGround) -> None:
    member = await ground.member()
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
        waiting = started(waits())
        await asyncio.wait({waiting}, timeout=0.1)
        waiting.cancel()
        assert [type(error) for error in await outcomes(waiting)] == [asyncio.CancelledError]
    assert await member.held() == before
    assert await member.ask(lambda work: work.cases.lock(case.id)) == case


STEPS = st.lists(st.sampled_from([*CHANGES, *ENTRIES, "flush"]), min_size=1, max_size=6)
"""What is done in one unit of work, and when it is sent."""


async def do_steps(work: UnitOfWork, steps: list[str], aim: Aim) -> None:
    for step in steps:
        if step == "flush":
            await work.flush()
        else:
            OPERATIONS[step](work, aim)


async def with_records(ground: DatabaseGround) -> tuple[Member, Aim]:
    """A member whose key was used in this hour, so that another use leaves no trace, and its records."""
    member = await ground.member()
    aim = Aim.nowhere(member)
    await aim.entered_by(member)
    return member, aim


@law(given(steps=STEPS, ending=st.sampled_from(["left", "raised", "refused", "commit refused", "cancelled"])))
async def nothing_is_left_of_a_unit_of_work_that_was_not_committed(
    ground: DatabaseGround, steps: list[str], ending: str
) -> None:
    """Whatever was done in it, wherever it was sent, and however it ended."""
    member, aim = await with_records(ground)
    before = await member.held()

    async def attempt() -> None:
        async with member.work(Endpoint.CREATE_CASE) as work:
            await do_steps(work, steps, aim)
            if ending == "left":
                await work.flush()
                return
            if ending in ("refused", "commit refused"):
                work.cases.add(new_case(member, uuid4()))
                with refused(PatientNotFound):
                    await (work.flush() if ending == "refused" else work.commit())
                return
            await work.flush()
            if ending == "cancelled":
                raise asyncio.CancelledError
            raise ZeroDivisionError

    expected = {"raised": ZeroDivisionError, "cancelled": asyncio.CancelledError}.get(ending, type(None))
    assert [type(end) for end in await outcomes(attempt())] == [expected]
    assert await member.held() == before


@law(given(steps=STEPS), examples=6)
async def no_change_is_seen_before_its_commit_and_all_of_it_after(ground: DatabaseGround, steps: list[str]) -> None:
    """A reader sees the state before, or waits until the unit of work has ended."""
    member, aim = await with_records(ground)
    before = await member.held()
    async with member.work(Endpoint.CREATE_CASE) as work:
        await do_steps(work, steps, aim)
        await work.flush()
        reader = started(member.held())
        early, _ = await asyncio.wait({reader}, timeout=0.1)
        assert not early or reader.result() == before
        patients, cases = work.patients.list(None, ALL), work.cases.list(patient_id=None, status=None, page=ALL)
        keys, log = work.keys.list(ALL), work.access_log.list(ALL)
        await work.commit()
    await reader
    after = await member.held()
    assert after.patients == patients.result().items
    assert after.cases == cases.result().items
    assert after.log == log.result().items
    assert {key.id for key in after.keys} == {key.id for key in keys.result().items if key.label != ASKING}
    counted = [step for step in steps if step.startswith("usage.count")]
    assert after.usage.total_calls == before.usage.total_calls + len(counted)
