"""The tenant, its plan, and the one bootstrap. For every database adapter."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from attrs import evolve
from database_harness import (
    NOW,
    Harness,
    Member,
    new_case,
    scenario,
)
from hypothesis import settings

from clincore.domain.identity import Plan, Tenant

if TYPE_CHECKING:
    pass

NOTES = "Ängste\r\n\U0001f98b ' \" \\"
FEW = settings(max_examples=25)


@pytest.mark.parametrize("plan", Plan)
@scenario
async def test_a_tenant_comes_back_as_entered(harness: Harness, plan: Plan) -> None:
    member = await harness.member(plan=plan)
    expected = Tenant(id=member.tenant_id, name="Klinik Ä", plan=plan, created_at=NOW)
    assert await member.ask(lambda work: work.tenants.hold_plan()) == expected
    assert await member.ask(lambda work: work.tenants.get()) == expected
    unknown = evolve(member, tenant_id=uuid4())
    assert await unknown.ask(lambda work: work.tenants.hold_plan()) is None
    assert await unknown.ask(lambda work: work.tenants.get()) is None


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
