"""What only an operator does, on a database opened as one: all tenants, and their plans. For every adapter."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from attrs import evolve
from database_fixtures import opened_harness
from database_harness import NOW, Harness, OpenDatabase, new_case, new_patient, scenario, set_up

from clincore.domain.errors import Unauthenticated
from clincore.domain.identity import Plan, Tenant

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def harness(open_database_as_owner: OpenDatabase) -> Iterator[Harness]:
    with opened_harness(open_database_as_owner) as harness:
        yield harness


def test_the_ids_of_all_tenants_are_read_in_ascending_order(harness: Harness) -> None:
    async def scene() -> None:
        async with harness.open_database() as database:
            assert await database.tenant_ids() == ()
            made = [(await set_up(database)).tenant_id for _ in range(12)]
            assert await database.tenant_ids() == tuple(sorted(made))

    harness.run(scene())


@scenario
async def test_a_tenant_that_was_not_committed_or_only_asked_for_is_none(harness: Harness) -> None:
    before = await harness.database.tenant_ids()
    undone, asked = uuid4(), uuid4()
    async with harness.database.provisioning(undone) as work:
        work.tenants.add(Tenant(id=undone, name="Undone", created_at=NOW))
        await work.flush()
    async with harness.database.provisioning(asked) as work:
        work.tenants.get()
        await work.commit()
    assert await harness.database.tenant_ids() == before


@scenario
async def test_the_ids_are_those_before_or_after_what_is_going_on(harness: Harness) -> None:
    """Tenants that are being set up meanwhile are there whole or not at all."""
    before = set(await harness.database.tenant_ids())
    reading = asyncio.create_task(harness.database.tenant_ids())
    made = {member.tenant_id for member in await asyncio.gather(*(harness.member() for _ in range(8)))}
    assert before <= set(await reading) <= before | made
    assert set(await harness.database.tenant_ids()) == before | made


@pytest.mark.parametrize("plan", Plan)
@scenario
async def test_a_tenant_is_put_on_a_plan_and_nothing_else_changes(harness: Harness, plan: Plan) -> None:
    for before in Plan:
        member, other = await harness.member(plan=before), await harness.member(plan=before)
        held = await member.held(), await other.held()
        assert held[0].tenant is not None
        assert await member.ask_committed(lambda work: work.tenants.set_plan(plan)) is True
        assert await member.held() == evolve(held[0], tenant=evolve(held[0].tenant, plan=plan))
        assert await other.held() == held[1]


@scenario
async def test_a_plan_that_was_not_committed_stays_what_it_was(harness: Harness) -> None:
    member = await harness.member()
    before = await member.held()
    assert await member.ask(lambda work: work.tenants.set_plan(Plan.PAID)) is True
    assert await member.held() == before


@scenario
async def test_a_tenant_that_does_not_exist_has_no_plan_and_does_not_come_to_be(harness: Harness) -> None:
    unknown = evolve(await harness.member(), tenant_id=uuid4())
    assert await unknown.ask_committed(lambda work: work.tenants.set_plan(Plan.PAID)) is False
    assert await unknown.ask(lambda work: work.tenants.get()) is None
    assert unknown.tenant_id not in await harness.database.tenant_ids()


@scenario
async def test_a_new_plan_is_in_force_for_the_next_call_that_asks(harness: Harness) -> None:
    member = await harness.member()
    async with member.work() as work:
        before = work.tenants.hold_plan()
        await work.flush()
        await work.commit()
    await member.ask_committed(lambda work: work.tenants.set_plan(Plan.SUBSCRIPTION))
    async with member.work() as work:
        after = work.tenants.hold_plan()
        await work.flush()
        await work.commit()
    plans = [tenant.plan for tenant in (before.result(), after.result()) if tenant]
    assert plans == [Plan.FREE, Plan.SUBSCRIPTION]


@scenario
async def test_an_operator_is_bound_to_one_tenant_at_a_time_like_anybody(harness: Harness) -> None:
    """What is another tenant's does not exist, whoever owns the tables."""
    owner, stranger = await harness.member(), await harness.member()
    patient = await owner.patient()
    case = await owner.case(patient)
    before = await owner.held(), await stranger.held()

    async with harness.database.provisioning(stranger.tenant_id) as work:
        found, seen, read = work.patients.get(patient.id), work.cases.get(case.id), work.keys.get(owner.key_id)
        revoked = work.keys.revoke(owner.key_id, at=NOW)
        await work.commit()
    assert (found.result(), seen.result(), read.result(), revoked.result()) == (None, None, None, False)
    with pytest.raises(ValueError, match="another tenant"):
        async with harness.database.provisioning(stranger.tenant_id) as work:
            work.patients.add(new_patient(owner))
    with pytest.raises(ValueError, match="another tenant"):
        async with harness.database.provisioning(stranger.tenant_id) as work:
            work.cases.add(new_case(owner, patient.id))
    assert (await owner.held(), await stranger.held()) == before
    with pytest.raises(Unauthenticated):
        await evolve(owner, tenant_id=stranger.tenant_id).do()
