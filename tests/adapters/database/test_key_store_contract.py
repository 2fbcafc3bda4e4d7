"""The store of API keys. For every database adapter."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from database_harness import (
    MINUTE,
    NOW,
    Harness,
    outcomes,
    scenario,
)
from hypothesis import settings

from clincore.domain.errors import (
    Unauthenticated,
)
from clincore.domain.identity import Role

if TYPE_CHECKING:
    pass

NOTES = "Ängste\r\n\U0001f98b ' \" \\"
FEW = settings(max_examples=25)


@scenario
async def test_a_key_comes_back_as_it_was_entered(harness: Harness) -> None:
    member = await (await harness.member()).with_key(
        label="Empfang Ä", expires_at=NOW + MINUTE, rotated_at=NOW, revoked_at=NOW, last_used_at=NOW
    )
    key = await member.key()
    assert key is not None
    assert (key.tenant_id, key.key_hash, key.label, key.role) == (
        member.tenant_id,
        member.digest,
        "Empfang Ä",
        Role.USER,
    )
    assert (key.created_at, key.expires_at, key.rotated_at, key.revoked_at, key.last_used_at) == (
        NOW,
        NOW + MINUTE,
        NOW,
        NOW,
        NOW,
    )


@scenario
async def test_a_key_is_retired_once(harness: Harness) -> None:
    member = await harness.member()

    async def retire(key_id: UUID) -> bool:
        return await member.ask_committed(
            lambda work: work.keys.retire(key_id, at=NOW, expires_at=NOW + timedelta(days=1))
        )

    revoked = await member.with_key(revoked_at=NOW)
    assert await retire(uuid4()) is False
    assert await retire(revoked.key_id) is False
    assert await retire(member.key_id) is True
    assert await retire(member.key_id) is False
    key = await member.key()
    assert key is not None
    assert (key.rotated_at, key.expires_at) == (NOW, NOW + timedelta(days=1))


@scenario
async def test_of_several_that_retire_one_key_at_once_one_wins(harness: Harness) -> None:
    member = await harness.member()

    async def retire() -> bool:
        async with member.work() as work:
            await work.flush()
            won = work.keys.retire(member.key_id, at=NOW, expires_at=NOW)
            await work.flush()
            await work.commit()
        return won.result()

    results = await outcomes(*(retire() for _ in range(8)))
    assert sum(result is True for result in results) == 1
    assert all(result in (True, False) or isinstance(result, Unauthenticated) for result in results)
