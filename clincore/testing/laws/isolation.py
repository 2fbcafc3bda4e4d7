"""The laws that keep tenants apart: what is taken already, and what belongs to another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from attrs import evolve

from clincore.domain.access import Action, RecordType
from clincore.domain.call import Record
from clincore.domain.errors import StorageFault
from clincore.domain.identity import Tenant
from clincore.domain.page import PageRequest
from clincore.domain.replay import Replay, Verdict
from clincore.domain.usage import UsageReport
from clincore.testing.suite.expecting import refused
from clincore.testing.suite.law import law
from clincore.testing.suite.records import (
    ALL,
    MINUTE,
    NOW,
    edited,
    finalized,
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
    """Every question and every change, side by side: the same answers, and nothing written anywhere."""
    owner, stranger = await ground.member(), await ground.member()
    patient = await owner.patient()
    draft, closed = await owner.case(patient), await owner.finalized(patient)
    stranger_key = await stranger.with_key(last_used_at=NOW)
    before = await owner.held(), await stranger.held()

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
            lambda work: work.keys.revoke(key_id, at=NOW),
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
    assert held.usage == UsageReport(total_calls=0, calls_by_endpoint={}, last_24h_count=0)
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
