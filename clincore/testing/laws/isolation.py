"""The laws that keep tenants apart: what is taken already, and what belongs to another one."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from attrs import evolve

from clincore.domain.access import RecordType
from clincore.domain.errors import StorageFault
from clincore.domain.identity import Role, Tenant
from clincore.domain.page import PageRequest
from clincore.domain.usage import UsageReport
from clincore.testing.suite.expecting import refused
from clincore.testing.suite.law import law
from clincore.testing.suite.operations import CHANGES, OPERATIONS, OPERATORS, READS, Aim, answer_to
from clincore.testing.suite.records import (
    ALL,
    MINUTE,
    NOW,
    edited,
    new_case,
    new_patient,
    renamed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from clincore.ports.database import UnitOfWork
    from clincore.testing.suite.database import DatabaseGround


@law()
async def an_id_that_is_taken_is_refused_and_the_record_stays(ground: DatabaseGround) -> None:
    member = await ground.member()
    patient = await member.patient()
    case = await member.case(patient)
    before = await member.held()
    steps: list[Callable[[UnitOfWork], object]] = [
        lambda work: work.patients.add(new_patient(member, "Another", id=patient.id)),
        lambda work: work.cases.add(new_case(member, patient.id, {"symptom_ids": [1]}, id=case.id)),
        lambda work: work.tenants.add(Tenant(id=member.tenant_id, name="Another", created_at=NOW)),
    ]
    for step in steps:
        with refused(StorageFault):
            await member.do(step)
    with refused(StorageFault):
        await member.with_key(id=member.key_id)
    with refused(StorageFault):
        await member.with_key(key_hash=member.digest)
    assert await member.held() == before


@law()
async def nothing_is_entered_for_a_tenant_that_does_not_exist(ground: DatabaseGround) -> None:
    ghost = evolve(await ground.member(), tenant_id=uuid4())
    with refused(StorageFault):
        await ghost.with_key()
    async with ghost.database.provisioning(ghost.tenant_id) as work:
        work.patients.add(new_patient(ghost))
        with refused(StorageFault):
            await work.commit()
    assert (await ghost.ask(lambda work: work.patients.list(None, ALL))).items == ()


@law()
async def the_same_ids_in_two_tenants_are_two_records(ground: DatabaseGround) -> None:
    one, two = await ground.member(), await ground.member()
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


@law()
async def another_tenants_ids_behave_exactly_as_unknown_ones(ground: DatabaseGround) -> None:
    """Every operation of every store, aimed at another tenant's records: the same answers as before there was one."""
    stranger = await (await ground.member()).with_key(role=Role.ADMIN, last_used_at=NOW)
    await stranger.patient()
    unknown = Aim.nowhere(stranger)
    names = [*READS, *CHANGES, *OPERATORS]
    alone = {name: await answer_to(stranger, name, unknown) for name in names}
    owner = await ground.member()
    foreign = Aim.nowhere(owner)
    await foreign.entered_by(owner)
    for name in names:
        assert (name, await answer_to(stranger, name, unknown)) == (name, alone[name])
        assert (name, await answer_to(stranger, name, foreign.by(stranger.tenant_id))) == (name, alone[name])


@law()
async def no_operation_changes_anything_of_another_tenant(ground: DatabaseGround) -> None:
    """Every operation, committed, with another tenant's ids; those that need the record change nothing at all."""
    owner, stranger = await ground.member(), await ground.member()
    foreign = Aim.nowhere(owner)
    await foreign.entered_by(owner)
    await stranger.do()
    aim = foreign.by(stranger.tenant_id)
    theirs, mine = await owner.held(), await stranger.held()
    for name in CHANGES:
        await answer_to(stranger, name, aim, commit=True)
        assert (name, await stranger.held()) == (name, mine)
    for add in (
        lambda work: work.patients.add(aim.patient),
        lambda work: work.cases.add(aim.draft),
        lambda work: work.keys.add(aim.key),
    ):
        await stranger.do(add)
    for name in OPERATIONS:
        await answer_to(stranger, name, aim, commit=True)
        assert (name, await owner.held()) == (name, theirs)
    assert await answer_to(owner, "idempotency.find", foreign) == foreign.answer


@law()
async def lists_counts_and_reports_are_a_tenants_own(ground: DatabaseGround) -> None:
    owner, stranger = await ground.member(), await ground.member()
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
    assert held.usage == UsageReport(
        total_calls=0, calls_by_endpoint={}, calls_by_key={}, calls_by_day={}, last_24h_count=0
    )
    behind = (await owner.ask(lambda work: work.patients.list(None, ALL))).items[0]
    cursor = PageRequest.parse(10, None)
    assert behind == patient
    assert (await stranger.ask(lambda work: work.patients.list(None, cursor))).items == ()


@law()
async def a_record_of_another_tenant_cannot_be_handed_over(ground: DatabaseGround) -> None:
    owner, stranger = await ground.member(), await ground.member()
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
        with refused(ValueError, match="another tenant"):
            await owner.do(step)
    with refused(ValueError, match="another tenant"):
        await owner.with_key(tenant_id=stranger.tenant_id)
    assert (await owner.held(), await stranger.held()) == before
