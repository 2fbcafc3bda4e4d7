"""The laws of admission: which keys are let in, and what a refused one leaves behind."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.access import Action, RecordType
from clincore.domain.call import Record
from clincore.domain.errors import Forbidden, Unauthenticated
from clincore.domain.identity import Role
from clincore.domain.patient import Patient
from clincore.domain.usage import Endpoint
from clincore.testing.suite.expecting import outcomes, refused, started
from clincore.testing.suite.law import law
from clincore.testing.suite.records import (
    MINUTE,
    NOW,
    digest_of,
    new_patient,
    renamed,
)

if TYPE_CHECKING:
    from clincore.ports.database import UnitOfWork
    from clincore.testing.suite.database import DatabaseGround


async def ask_for_everything(work: UnitOfWork, patient: Patient) -> None:
    """Ask for every kind of change, log and count."""
    record = Record(RecordType.PATIENT, patient.id)
    work.patients.get(patient.id)
    work.access_log.touched(Action.VIEW, record)
    work.access_log.listed(RecordType.PATIENT, "q=a")
    work.usage.count()
    work.usage.count(record)
    await work.commit()


WRONG = ("unknown", "of another tenant", "expired", "expiring now", "revoked")


@law(given(wrong=st.sampled_from(WRONG), writes=st.booleans()))
async def a_key_that_is_not_valid_is_refused_and_nothing_is_written(
    ground: DatabaseGround, wrong: str, writes: bool
) -> None:
    member, other = await ground.member(), await ground.member()
    patient = await member.patient()
    stranger = {
        "unknown": evolve(member, digest=digest_of(uuid4())),
        "of another tenant": evolve(member, digest=other.digest),
        "expired": await member.with_key(expires_at=NOW - MINUTE),
        "expiring now": await member.with_key(expires_at=NOW),
        "revoked": await member.with_key(revoked_at=NOW - MINUTE),
    }[wrong]
    before = await member.held(), await stranger.key()
    async with stranger.work() as work:
        if writes:
            work.patients.add(new_patient(member))
        with refused(Unauthenticated):
            await ask_for_everything(work, patient)
    assert (await member.held(), await stranger.key()) == before


@law(given(writes=st.booleans()))
async def a_key_without_the_role_is_forbidden_and_nothing_is_written(ground: DatabaseGround, writes: bool) -> None:
    """Not even its last use is kept."""
    admin = await ground.member()
    patient = await admin.patient()
    user = await admin.with_key(role=Role.USER)
    before = await admin.held(), await user.key()
    async with user.work(Endpoint.USAGE, admin_only=True) as work:
        if writes:
            work.patients.add(new_patient(admin))
        with refused(Forbidden):
            await ask_for_everything(work, patient)
    assert (await admin.held(), await user.key()) == before
    async with admin.work(Endpoint.USAGE, admin_only=True) as work:
        await work.commit()


@law()
async def a_key_is_valid_until_the_moment_it_expires(ground: DatabaseGround) -> None:
    member = await (await ground.member()).with_key(expires_at=NOW + timedelta(microseconds=1))
    assert await outcomes(member.do()) == [None]
    async with member.work() as work:
        await work.commit()
        assert work.principal.key_id == member.key_id


@law()
async def the_last_use_is_kept_to_the_hour(ground: DatabaseGround) -> None:
    member = await ground.member()
    hour = NOW.replace(minute=0, second=0, microsecond=0)

    async def used_at(offset: timedelta) -> object:
        await member.do(at=hour + offset)
        key = await member.key()
        return key.last_used_at if key else None

    assert await used_at(timedelta(minutes=26)) == hour
    assert await used_at(timedelta(minutes=59)) == hour
    assert await used_at(timedelta(minutes=60)) == hour + timedelta(hours=1)
    assert await used_at(timedelta(minutes=59)) == hour + timedelta(hours=1)


@law()
async def a_call_that_was_admitted_is_logged_and_counted_even_where_its_key_ends_meanwhile(
    ground: DatabaseGround,
) -> None:
    member = await ground.member()
    patient = await member.patient()
    record = Record(RecordType.PATIENT, patient.id)
    async with member.work() as work:
        await work.flush()
        ending = started(
            member.ask_committed(lambda work: work.keys.retire(member.key_id, at=NOW, expires_at=NOW - MINUTE))
        )
        await asyncio.wait({ending}, timeout=0.2)
        work.patients.replace(renamed(patient, "Edited"))
        work.access_log.touched(Action.UPDATE, record)
        work.usage.count(record)
        await work.commit()
    assert await ending is True
    held = await member.held()
    assert [patient.details.full_name for patient in held.patients] == ["Edited"]
    assert [(entry.action, entry.record_id) for entry in held.log] == [(Action.UPDATE, patient.id)]
    assert held.usage.total_calls == 1
