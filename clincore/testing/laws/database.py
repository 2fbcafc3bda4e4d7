"""The laws of a database itself: the tenants in it, and its end."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING
from uuid import uuid4

from attrs import evolve
from hypothesis import given

from clincore.domain.errors import DatabaseUnavailable, Unauthenticated
from clincore.domain.identity import Tenant
from clincore.domain.replay import Replay, Verdict
from clincore.testing.strategies import World, worlds
from clincore.testing.suite.expecting import at_once, refused, started
from clincore.testing.suite.law import law
from clincore.testing.suite.members import set_up
from clincore.testing.suite.records import (
    ALL,
    NOW,
    new_case,
    new_patient,
)

if TYPE_CHECKING:
    from clincore.domain.case import Case
    from clincore.ports.database import UnitOfWork
    from clincore.testing.suite.database import DatabaseGround


@law()
async def the_ids_of_all_tenants_are_read_in_ascending_order(ground: DatabaseGround) -> None:
    async with ground.fresh_to_operate() as database:
        assert await database.tenant_ids() == ()
        made = [(await set_up(database)).tenant_id for _ in range(12)]
        assert await database.tenant_ids() == tuple(sorted(made))


@law()
async def a_tenant_that_was_not_committed_or_only_asked_for_is_none(ground: DatabaseGround) -> None:
    before = await ground.operator.tenant_ids()
    undone, asked = uuid4(), uuid4()
    async with ground.operator.provisioning(undone) as work:
        work.tenants.add(Tenant(id=undone, name="Undone", created_at=NOW))
        await work.flush()
    async with ground.operator.provisioning(asked) as work:
        work.tenants.get()
        await work.commit()
    assert await ground.operator.tenant_ids() == before


@law()
async def the_ids_are_those_before_or_after_what_is_going_on(ground: DatabaseGround) -> None:
    """Tenants that are being set up meanwhile are there whole or not at all."""
    before = set(await ground.operator.tenant_ids())
    reading = started(ground.operator.tenant_ids())
    made = {member.tenant_id for member in await at_once(*(ground.operated() for _ in range(8)))}
    assert before <= set(await reading) <= before | made
    assert set(await ground.operator.tenant_ids()) == before | made


@law()
async def an_operator_is_bound_to_one_tenant_at_a_time_like_anybody(ground: DatabaseGround) -> None:
    """What is another tenant's does not exist, whoever owns the tables."""
    owner, stranger = await ground.operated(), await ground.operated()
    patient = await owner.patient()
    case = await owner.case(patient)
    before = await owner.held(), await stranger.held()

    async with ground.operator.provisioning(stranger.tenant_id) as work:
        found, seen, read = work.patients.get(patient.id), work.cases.get(case.id), work.keys.get(owner.key_id)
        revoked = work.keys.revoke(owner.key_id, at=NOW)
        await work.commit()
    assert (found.result(), seen.result(), read.result(), revoked.result()) == (None, None, None, False)
    with refused(ValueError, match="another tenant"):
        async with ground.operator.provisioning(stranger.tenant_id) as work:
            work.patients.add(new_patient(owner))
    with refused(ValueError, match="another tenant"):
        async with ground.operator.provisioning(stranger.tenant_id) as work:
            work.cases.add(new_case(owner, patient.id))
    assert (await owner.held(), await stranger.held()) == before
    with refused(Unauthenticated):
        await evolve(owner, tenant_id=stranger.tenant_id).do()


@law()
async def a_closed_database_is_unavailable(ground: DatabaseGround) -> None:
    async with ground.fresh() as database:
        await database.check()
        await database.close()
        with refused(DatabaseUnavailable):
            await database.check()
        with refused(DatabaseUnavailable):
            await database.tenant_ids()
        with refused(DatabaseUnavailable):
            async with database.provisioning(uuid4()) as work:
                await work.commit()


@law(given(world=worlds(most=2)), examples=5)
async def a_whole_world_is_read_back_as_it_was_entered(ground: DatabaseGround, world: World) -> None:
    """Clinics with keys, patients and cases in any state, whose ids may be the same; each has its own and no more."""
    async with ground.fresh() as database:
        for clinic in world.clinics:
            async with database.provisioning(clinic.tenant.id) as work:
                work.tenants.add(clinic.tenant)
                for key in clinic.keys:
                    work.keys.add(key)
                for patient in clinic.patients:
                    work.patients.add(patient)
                for case in clinic.cases:
                    enter(work, case)
                await work.commit()
        for clinic in world.clinics:
            async with database.provisioning(clinic.tenant.id) as work:
                tenant, keys, patients = work.tenants.get(), work.keys.list(ALL), work.patients.list(None, ALL)
                cases = work.cases.list(patient_id=None, status=None, page=ALL)
                await work.flush()
            assert tenant.result() == clinic.tenant
            by_age = attrgetter("created_at", "id")
            assert list(keys.result().items) == sorted(clinic.keys, key=by_age, reverse=True)
            assert list(patients.result().items) == sorted(clinic.patients, key=by_age, reverse=True)
            assert list(cases.result().items) == sorted(clinic.cases, key=by_age, reverse=True)


def enter(work: UnitOfWork, case: Case) -> None:
    """Enter a case as its draft, and what became of it revision by revision."""
    finalization = case.finalization
    draft = evolve(case, finalization=None, verdict=None, verified_at=None)
    if finalization is None:
        work.cases.add(draft)
        return
    work.cases.add(evolve(draft, revision=case.revision - 1))
    work.cases.replace(evolve(draft, finalization=finalization))
    if case.verdict is not None and case.verified_at is not None:
        work.cases.record_replay(
            Replay(
                case_id=case.id,
                expected=finalization.signed.signature,
                computed=None,
                verdict=Verdict(case.verdict),
                verified_at=case.verified_at,
            )
        )
