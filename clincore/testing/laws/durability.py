"""The laws of databases that declare them: what outlives a database, goes on at once, or is shared by several."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from attrs import evolve

from clincore.domain.case import CaseStatus
from clincore.testing.suite.expecting import at_once, started
from clincore.testing.suite.law import law
from clincore.testing.suite.members import set_up
from clincore.testing.suite.operations import Aim, answer_to
from clincore.testing.suite.records import NOW, finalized, new_patient

if TYPE_CHECKING:
    from clincore.testing.suite.database import DatabaseGround
    from clincore.testing.suite.members import Member


@law(capability="durable")
async def what_was_committed_is_there_when_the_database_is_opened_again(ground: DatabaseGround) -> None:
    """Of every tenant, whatever it is: records, keys, log, usage, idempotency keys, and the one bootstrap."""
    with ground.new_place() as place:
        async with ground.open(place) as database:
            members = [await set_up(database) for _ in range(2)]
            aims = [Aim.nowhere(member) for member in members]
            for member, aim in zip(members, aims, strict=True):
                await aim.entered_by(member)
                assert await answer_to(member, "cases.record_replay", aim, commit=True) is None
            await members[1].ask_committed(lambda work: work.keys.retire(aims[1].key.id, at=NOW, expires_at=NOW))
            await members[1].ask_committed(lambda work: work.tenants.claim_bootstrap(NOW))
            before = [await member.held() for member in members]
        async with ground.open(place) as database:
            again = [evolve(member, database=database) for member in members]
            tenants = [await member.ask(lambda work: work.tenants.get()) for member in again]
            assert tenants == [held.tenant for held in before]
            assert [await member.held() for member in again] == before
            for member, aim in zip(again, aims, strict=True):
                assert await answer_to(member, "idempotency.find", aim) == aim.answer
            assert await again[0].ask_committed(lambda work: work.tenants.claim_bootstrap(NOW)) is False


@law(capability="durable")
async def what_was_not_committed_is_not_there_when_the_database_is_opened_again(ground: DatabaseGround) -> None:
    """And what was left of it disturbs nothing that comes after."""
    with ground.new_place() as place:
        async with ground.open(place) as database:
            member = await set_up(database)
            kept = await member.patient()
            before = await member.held()
            async with member.work() as work:
                work.patients.add(new_patient(member))
                work.usage.count()
                await work.flush()
        for _ in range(2):
            async with ground.open(place) as database:
                assert await evolve(member, database=database).held() == before
        async with ground.open(place) as database:
            later = await evolve(member, database=database).patient("Later")
        async with ground.open(place) as database:
            assert set((await evolve(member, database=database).held()).patients) == {kept, later}


async def _until_done(ground: DatabaseGround, capability: str, task: asyncio.Task[object]) -> None:
    """Wait for what must not be held up; not long where that was not promised."""
    await asyncio.wait({task}, timeout=30 if ground.promises(capability) else 0.3)
    assert task.done(), "it waits"
    await task


@law(capability="concurrent")
async def a_unit_of_work_goes_on_while_one_of_another_tenant_is_open(ground: DatabaseGround) -> None:
    member, other = await ground.member(), await ground.member()
    patient, theirs = new_patient(member), new_patient(other)
    async with member.work() as work:
        work.patients.add(patient)
        await work.flush()
        await _until_done(ground, "concurrent", started(other.do(lambda work: work.patients.add(theirs))))
        await work.commit()
    assert (await member.held()).patients == (patient,)
    assert (await other.held()).patients == (theirs,)


@law(capability="concurrent")
async def a_reader_goes_on_while_one_of_its_tenant_writes(ground: DatabaseGround) -> None:
    """It sees the state before."""
    member = await ground.member()
    patient = new_patient(member)
    async with member.work() as work:
        work.patients.add(patient)
        await work.flush()
        reader = started(member.ask(lambda work: work.patients.get(patient.id)))
        await _until_done(ground, "concurrent", reader)
        assert reader.result() is None
        await work.commit()
    assert await member.ask(lambda work: work.patients.get(patient.id)) == patient


@law(capability="shared")
async def several_databases_on_one_place_see_what_each_other_committed(ground: DatabaseGround) -> None:
    with ground.new_place() as place:
        async with ground.open(place) as one, ground.open(place) as other:
            member = await set_up(one)
            beside = evolve(member, database=other)
            patient = await member.patient()
            assert (await beside.held()).patients == (patient,)
            later = await beside.patient("Later")
            assert set((await member.held()).patients) == {patient, later}
            assert await member.held() == await beside.held()


@law(capability="shared")
async def of_several_databases_that_finalize_one_case_at_once_one_wins(ground: DatabaseGround) -> None:
    with ground.new_place() as place:
        async with ground.open(place) as one, ground.open(place) as other:
            member = await set_up(one)
            draft = await member.case(await member.patient())

            async def finalize(holder: Member, number: int) -> bool:
                async with holder.work() as work:
                    found = work.cases.lock(draft.id)
                    await work.flush()
                    case = found.result()
                    if case is None or case.status is CaseStatus.FINALIZED:
                        return False
                    written = work.cases.replace(finalized(case, f'{{"by":{number}}}'))
                    work.usage.count()
                    await work.commit()
                return written.result()

            holders = [member, evolve(member, database=other)] * 4
            won = await at_once(*(finalize(holder, number) for number, holder in enumerate(holders)))
            assert sum(won) == 1
            held = await member.held()
            assert held.cases == (finalized(draft, f'{{"by":{won.index(True)}}}'),)
            assert held.usage.total_calls == 1


@law(capability="shared")
async def of_several_databases_one_claims_the_bootstrap(ground: DatabaseGround) -> None:
    with ground.new_place() as place:
        async with ground.open(place) as one, ground.open(place) as other:

            async def claim(number: int) -> bool:
                async with (one, other)[number % 2].provisioning(uuid4()) as work:
                    claimed = work.tenants.claim_bootstrap(NOW)
                    await work.commit()
                return claimed.result()

            assert sum(await at_once(*map(claim, range(6)))) == 1
