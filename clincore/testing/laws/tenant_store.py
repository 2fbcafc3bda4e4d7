"""The laws of the tenant: its plan, and the one bootstrap."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.identity import Plan, Tenant
from clincore.testing.suite.expecting import at_once
from clincore.testing.suite.law import law
from clincore.testing.suite.records import (
    NOW,
    new_case,
)

if TYPE_CHECKING:
    from clincore.testing.suite.database import DatabaseGround
    from clincore.testing.suite.members import Member


@law(given(plan=st.sampled_from(Plan)))
async def a_tenant_comes_back_as_entered(ground: DatabaseGround, plan: Plan) -> None:
    member = await ground.member(plan=plan)
    expected = Tenant(id=member.tenant_id, name="Klinik Ä", plan=plan, created_at=NOW)
    assert await member.ask(lambda work: work.tenants.hold_plan()) == expected
    assert await member.ask(lambda work: work.tenants.get()) == expected
    unknown = evolve(member, tenant_id=uuid4())
    assert await unknown.ask(lambda work: work.tenants.hold_plan()) is None
    assert await unknown.ask(lambda work: work.tenants.get()) is None


@law()
async def a_limited_plan_is_held_by_one_at_a_time(ground: DatabaseGround) -> None:
    """Twenty at once with one case left: one finds room, and the others count its case."""
    member = await ground.member()
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

    assert sum(await at_once(*(create() for _ in range(20)))) == 1
    assert len((await member.held()).cases) == 1


@law()
async def tenants_do_not_wait_for_each_others_plan(ground: DatabaseGround) -> None:
    """Of an adapter that runs calls at once; none deadlocks."""
    members = [await ground.member() for _ in range(4)]

    async def hold(member: Member) -> None:
        async with member.work() as work:
            work.tenants.hold_plan()
            await work.flush()
            await work.commit()

    await asyncio.wait_for(at_once(*(hold(member) for member in members * 5)), timeout=10)


@law()
async def of_several_bootstraps_at_once_one_wins_and_none_after_it(ground: DatabaseGround) -> None:
    async with ground.fresh() as database:

        async def claim(*, commit: bool = True) -> bool:
            async with database.provisioning(uuid4()) as work:
                claimed = work.tenants.claim_bootstrap(NOW)
                await work.flush()
                if commit:
                    await work.commit()
            return claimed.result()

        assert await claim(commit=False) is True
        assert sum(await at_once(*(claim() for _ in range(8)))) == 1
        assert await claim() is False


@law(given(plan=st.sampled_from(Plan)))
async def a_tenant_is_put_on_a_plan_and_nothing_else_changes(ground: DatabaseGround, plan: Plan) -> None:
    for before in Plan:
        member, other = await ground.operated(plan=before), await ground.operated(plan=before)
        held = await member.held(), await other.held()
        assert held[0].tenant is not None
        assert await member.ask_committed(lambda work: work.tenants.set_plan(plan)) is True
        assert await member.held() == evolve(held[0], tenant=evolve(held[0].tenant, plan=plan))
        assert await other.held() == held[1]


@law()
async def a_plan_that_was_not_committed_stays_what_it_was(ground: DatabaseGround) -> None:
    member = await ground.operated()
    before = await member.held()
    assert await member.ask(lambda work: work.tenants.set_plan(Plan.PAID)) is True
    assert await member.held() == before


@law()
async def a_tenant_that_does_not_exist_has_no_plan_and_does_not_come_to_be(ground: DatabaseGround) -> None:
    unknown = evolve(await ground.operated(), tenant_id=uuid4())
    assert await unknown.ask_committed(lambda work: work.tenants.set_plan(Plan.PAID)) is False
    assert await unknown.ask(lambda work: work.tenants.get()) is None
    assert unknown.tenant_id not in await ground.operator.tenant_ids()


@law()
async def a_new_plan_is_in_force_for_the_next_call_that_asks(ground: DatabaseGround) -> None:
    member = await ground.operated()
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
