"""The laws of the store of API keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.errors import Unauthenticated
from clincore.domain.identity import Role
from clincore.testing.suite.expecting import outcomes, pages, pages_while, refused
from clincore.testing.suite.law import law
from clincore.testing.suite.records import (
    ALL,
    MINUTE,
    NOW,
)

if TYPE_CHECKING:
    from clincore.testing.suite.database import DatabaseGround


OFFSETS = st.lists(st.integers(0, 3), max_size=9)
"""Seconds at which records were made: most moments are shared."""


@law()
async def a_key_comes_back_as_it_was_entered(ground: DatabaseGround) -> None:
    member = await (await ground.member()).with_key(
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


@law()
async def a_key_is_retired_once(ground: DatabaseGround) -> None:
    member = await ground.member()

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


@law()
async def of_several_that_retire_one_key_at_once_one_wins(ground: DatabaseGround) -> None:
    member = await ground.member()

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


@law()
async def a_key_is_revoked_once_and_is_not_let_in_again(ground: DatabaseGround) -> None:
    member = await ground.member()
    before = await member.key()
    assert before is not None

    async def revoke(key_id: UUID, at: datetime) -> bool:
        return await member.ask_committed(lambda work: work.keys.revoke(key_id, at=at))

    revoked = await member.with_key(revoked_at=NOW)
    assert await revoke(uuid4(), NOW) is False
    assert await revoke(revoked.key_id, NOW + MINUTE) is False
    assert await revoke(member.key_id, NOW) is True
    assert await revoke(member.key_id, NOW + MINUTE) is False
    assert await member.key() == evolve(before, revoked_at=NOW)
    assert await revoked.key() == evolve(
        before, id=revoked.key_id, key_hash=revoked.digest, role=Role.USER, revoked_at=NOW
    )
    with refused(Unauthenticated):
        await member.do()


@law()
async def a_key_that_was_rotated_or_has_expired_is_revoked_too(ground: DatabaseGround) -> None:
    """It may be in its grace, and it never comes back, whatever the clock."""
    member = await ground.member()
    for fields in ({"rotated_at": NOW, "expires_at": NOW + MINUTE}, {"expires_at": NOW - MINUTE}):
        other = await member.with_key(**fields)
        assert await member.ask_committed(lambda work, one=other: work.keys.revoke(one.key_id, at=NOW)) is True  # type: ignore[misc]
        with refused(Unauthenticated):
            await other.do(at=NOW - 2 * MINUTE)


@law()
async def a_revocation_that_is_not_committed_leaves_the_key(ground: DatabaseGround) -> None:
    member = await ground.member()
    assert await member.ask(lambda work: work.keys.revoke(member.key_id, at=NOW)) is True
    await member.do()


@law()
async def of_several_that_revoke_one_key_at_once_one_wins(ground: DatabaseGround) -> None:
    member = await ground.member()
    results = await outcomes(
        *(member.ask_committed(lambda work: work.keys.revoke(member.key_id, at=NOW)) for _ in range(8))
    )
    assert sorted(map(repr, results)) == ["False"] * 7 + ["True"]


@law()
async def a_key_that_is_revoked_and_rotated_at_once_ends_and_has_no_two_ends(ground: DatabaseGround) -> None:
    """Where the rotation comes second it finds the key revoked; where it comes first both are kept."""
    member = await ground.member()
    revoked, retired = await outcomes(
        member.ask_committed(lambda work: work.keys.revoke(member.key_id, at=NOW)),
        member.ask_committed(lambda work: work.keys.retire(member.key_id, at=NOW, expires_at=NOW)),
    )
    key = await member.key()
    assert key is not None
    assert (revoked, key.revoked_at) == (True, NOW)
    assert (key.rotated_at is not None) is retired


@law()
async def every_key_is_listed_whatever_has_become_of_it(ground: DatabaseGround) -> None:
    member = await ground.member()
    others = [
        await member.with_key(**fields)
        for fields in ({"revoked_at": NOW}, {"expires_at": NOW}, {"rotated_at": NOW, "expires_at": NOW}, {})
    ]
    expected = [await one.key() for one in (member, *others)]
    listed = (await member.ask(lambda work: work.keys.list(ALL))).items
    assert set(listed) == set(expected)
    stranger = await ground.member()
    assert (await stranger.ask(lambda work: work.keys.list(ALL))).items == (await stranger.key(),)


@law()
async def of_those_who_hold_the_admin_keys_the_second_sees_what_the_first_did(ground: DatabaseGround) -> None:
    member = await ground.member()
    admins = [await member.with_key(role=Role.ADMIN) for _ in range(2)]
    await member.with_key(role=Role.USER)

    async def revoke(key_id: UUID) -> list[UUID]:
        async with member.database.provisioning(member.tenant_id) as work:
            held = work.keys.hold_admins()
            work.keys.revoke(key_id, at=NOW)
            await work.commit()
        return [key.id for key in held.result()]

    seen = await outcomes(*(revoke(admin.key_id) for admin in admins))
    counts = sorted(len(held) for held in seen if not isinstance(held, BaseException))
    assert len(counts) == 2
    assert counts[1] == counts[0] + 1
    left = await member.ask(lambda work: work.keys.hold_admins())
    assert len(left) == counts[0] - 1


@law(given(offsets=OFFSETS, limit=st.integers(1, 5)))
async def pages_of_keys_are_complete_without_repeats_newest_first(
    ground: DatabaseGround, offsets: list[int], limit: int
) -> None:
    member = await ground.member()
    holders = [member, *[await member.with_key(created_at=NOW + timedelta(seconds=offset)) for offset in offsets]]
    entered = [key for holder in holders if (key := await holder.key())]
    assert len(entered) == len(offsets) + 1
    found = await pages(lambda page: member.ask(lambda work: work.keys.list(page)), limit)
    assert found == sorted(entered, key=lambda key: (key.created_at, key.id), reverse=True)


@law(given(before=OFFSETS, entered=st.lists(OFFSETS, max_size=3), limit=st.integers(1, 4)), examples=15)
async def pages_of_keys_are_complete_while_others_enter_some(
    ground: DatabaseGround, before: list[int], entered: list[list[int]], limit: int
) -> None:
    """What was there comes once and in order; of what is entered beside the reading some may come, and none twice."""
    member = await ground.member()

    async def enter(offsets: list[int]) -> list[UUID]:
        return [(await member.with_key(created_at=NOW + timedelta(seconds=offset))).key_id for offset in offsets]

    old = {member.key_id, *await enter(before)}
    found = await pages_while(
        lambda page: member.ask(lambda work: work.keys.list(page)), limit, [enter(each) for each in entered]
    )
    places = [(key.created_at, key.id) for key in found]
    assert places == sorted(set(places), reverse=True)
    assert old <= {key.id for key in found} <= {key.id for key in (await member.held()).keys}
