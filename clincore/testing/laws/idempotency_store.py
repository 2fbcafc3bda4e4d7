"""The laws of the idempotency keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from clincore.domain.idempotency import FirstAnswer
from clincore.domain.usage import Endpoint
from clincore.testing.suite.expecting import at_once
from clincore.testing.suite.law import law
from clincore.testing.suite.records import (
    NOW,
    digest_of,
)

if TYPE_CHECKING:
    from clincore.testing.suite.database import DatabaseGround
    from clincore.testing.suite.members import Member


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


@law()
async def what_a_key_made_is_kept_for_its_tenant_and_endpoint_alone(ground: DatabaseGround) -> None:
    member, other = await ground.member(), await ground.member()
    made, elsewhere = answer(), answer()
    await keep(member, "once", made)
    await keep(member, "once", elsewhere, Endpoint.CREATE_PATIENT)
    assert await find(member, "once") == made
    assert await find(member, "once", Endpoint.CREATE_PATIENT) == elsewhere
    assert await find(member, "Once") is None
    assert await find(other, "once") is None
    assert await find(await member.with_key(), "once") == made


@law()
async def what_a_key_made_is_forgotten_after_24_hours(ground: DatabaseGround) -> None:
    member = await ground.member()
    day = timedelta(days=1)
    made = answer()
    await keep(member, "once", made)
    assert await find(member, "once", at=NOW + day - timedelta(microseconds=1)) == made
    assert await find(member, "once", at=NOW + day) is None
    again = answer(NOW + day)
    await keep(member, "once", again)
    assert await find(member, "once", at=NOW + day) == again


@law()
async def what_was_not_committed_made_nothing(ground: DatabaseGround) -> None:
    member = await ground.member()
    kept = answer()
    await keep(member, "before", kept)
    async with member.work(Endpoint.CREATE_CASE, at=NOW + timedelta(days=1)) as work:
        work.idempotency.keep("once", answer(NOW + timedelta(days=1)))
        await work.flush()
    assert await find(member, "once") is None
    assert await find(member, "before") == kept


@law()
async def of_several_calls_with_one_key_at_once_one_makes_something(ground: DatabaseGround) -> None:
    """The others find what it made, or that it still runs; none makes anything else."""
    member = await ground.member()

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

    results = await at_once(*(call() for _ in range(10)))
    assert {result for result in results if result} == {await find(member, "once")}


@law()
async def a_key_is_held_until_its_unit_of_work_ends(ground: DatabaseGround) -> None:
    member = await ground.member()

    async def hold() -> bool:
        async with member.work(Endpoint.CREATE_CASE) as work:
            held = work.idempotency.hold("once")
            await work.flush()
        return held.result()

    assert await hold() is True
    assert await hold() is True
