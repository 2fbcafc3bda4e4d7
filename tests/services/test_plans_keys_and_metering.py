"""The free plan's month, the rotation of keys, what is metered and what is logged, and who sees what."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from clinics import ANOTHER_PAYLOAD, NOW, PAYLOAD, TOKEN, Ground, clinic_with, new_case, opened

from clincore.domain.errors import (
    AlreadyBootstrapped,
    CaseAlreadyFinalized,
    CaseNotFound,
    ClinCoreError,
    InvalidInput,
    PlanLimitReached,
    Unauthenticated,
)
from clincore.domain.identity import Plan, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databases import NewDatabase

    from clincore import Clinic


@pytest.fixture(scope="module", params=["memory", "postgres"])
def ground(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    cache = tmp_path_factory.mktemp("cache")
    if request.param == "memory":
        with opened(None, cache) as ground:
            yield ground
    else:
        with new_database() as database, opened(database, cache) as ground:
            yield ground


@pytest.fixture(autouse=True)
def at_now(ground: Ground) -> Iterator[None]:
    yield
    ground.clock.at = NOW


# --- plans --------------------------------------------------------------------------------------------------------


def test_past_the_free_plan_new_cases_alone_are_refused(ground: Ground) -> None:
    async def scene() -> None:
        clinic, _ = await ground.new_clinic(core)
        case = await new_case(clinic)
        await clinic.cases.create(case.patient_id, PAYLOAD)
        before = await clinic.administration.usage()
        with pytest.raises(PlanLimitReached) as refused:
            await clinic.cases.create(case.patient_id, PAYLOAD)
        assert str(refused.value) == (
            "The free plan allows 2 new cases in a calendar month (UTC) and 2 are used. "
            "Change the plan, or continue on 2026-04-01."
        )
        assert (await clinic.administration.usage()).total_calls == before.total_calls + 1
        await clinic.cases.edit(case.id, ANOTHER_PAYLOAD, revision=1)
        await clinic.cases.finalize(case.id)
        await clinic.cases.verify_replay(case.id)
        await clinic.patients.create(full_name="Bernd Beispiel")
        assert len((await clinic.cases.list()).items) == 2

    core = ground.open(free_tier_limit=2)
    ground.run(scene())


@pytest.mark.parametrize(
    ("last", "renewal"),
    [
        (datetime(2026, 1, 31, 23, 59, 59, 999999, tzinfo=UTC), "2026-02-01"),
        (datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "2027-01-01"),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), "2028-03-01"),
    ],
)
def test_a_month_ends_at_midnight_utc(ground: Ground, last: datetime, renewal: str) -> None:
    async def scene() -> None:
        ground.clock.at = last.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        clinic, _ = await ground.new_clinic(core)
        case = await new_case(clinic)
        ground.clock.at = last
        with pytest.raises(PlanLimitReached, match=renewal):
            await clinic.cases.create(case.patient_id, PAYLOAD)
        ground.clock.at = datetime.fromisoformat(f"{renewal}T00:00:00+00:00")
        await clinic.cases.create(case.patient_id, PAYLOAD)
        with pytest.raises(PlanLimitReached):
            await clinic.cases.create(case.patient_id, PAYLOAD)

    core = ground.open(free_tier_limit=1)
    ground.run(scene())


def test_of_twenty_cases_at_once_with_one_left_one_is_made(ground: Ground) -> None:
    async def scene() -> None:
        clinic, _ = await ground.new_clinic(core)
        case = await new_case(clinic)
        results = await asyncio.gather(
            *(clinic.cases.create(case.patient_id, PAYLOAD) for _ in range(20)), return_exceptions=True
        )
        made = [result for result in results if not isinstance(result, BaseException)]
        assert len(made) == 1
        assert sum(isinstance(result, PlanLimitReached) for result in results) == 19
        assert len((await clinic.cases.list()).items) == 2
        assert (await clinic.administration.usage()).calls_by_endpoint["POST /cases"] == 2

    core = ground.open(free_tier_limit=2)
    ground.run(scene())


def test_what_is_wrong_with_an_input_is_said_before_the_plan(ground: Ground) -> None:
    async def scene() -> None:
        clinic, _ = await ground.new_clinic(core)
        patient = await clinic.patients.create(full_name="Anna")
        with pytest.raises(InvalidInput):
            await clinic.cases.create(patient.id, {"symptom_ids": [999999]})
        with pytest.raises(PlanLimitReached):
            await clinic.cases.create(patient.id, PAYLOAD)

    core = ground.open(free_tier_limit=0)
    ground.run(scene())


@pytest.mark.parametrize("plan", [Plan.PAID, Plan.SUBSCRIPTION])
def test_a_paid_plan_has_no_limit(ground: Ground, plan: Plan) -> None:
    clinic = ground.run(clinic_with(ground.open(free_tier_limit=1), plan=plan))
    case = ground.run(new_case(clinic))
    for _ in range(3):
        ground.run(clinic.cases.create(case.patient_id, PAYLOAD))


# --- keys ---------------------------------------------------------------------------------------------------------


def test_without_a_grace_the_old_key_is_dead_at_once(ground: Ground) -> None:
    async def scene() -> None:
        clinic, key = await ground.new_clinic()
        new = await clinic.keys.rotate()
        assert (new.tenant_id, new.key_id == key.key_id, new.api_key == key.api_key) == (key.tenant_id, False, False)
        for call in (clinic.patients.list, clinic.keys.rotate, clinic.administration.usage):
            with pytest.raises(Unauthenticated):
                await call()
        await ground.core.clinic(new.api_key).administration.usage()

    ground.run(scene())


def test_with_a_grace_the_old_key_lives_on_to_its_last_moment(ground: Ground) -> None:
    async def scene() -> None:
        clinic, _ = await ground.new_clinic()
        new = ground.core.clinic((await clinic.keys.rotate(grace_seconds=3600)).api_key)
        ground.clock.at = NOW + timedelta(seconds=3600) - timedelta(microseconds=1)
        await clinic.patients.list()
        with pytest.raises(Unauthenticated):
            await clinic.keys.rotate()
        await new.patients.list()
        ground.clock.at = NOW + timedelta(seconds=3600)
        with pytest.raises(Unauthenticated):
            await clinic.patients.list()
        await new.patients.list()
        assert (await new.administration.usage()).calls_by_endpoint == {
            "GET /patients": 3,
            "POST /auth/api-keys/rotate": 1,
        }

    ground.run(scene())


def test_a_successor_keeps_role_and_label_and_is_a_new_key(ground: Ground) -> None:
    async def scene() -> None:
        clinic, key = await ground.new_clinic()
        new = await clinic.keys.rotate(grace_seconds=60)
        async with ground.core.resources.database.provisioning(key.tenant_id) as work:
            asked = work.keys.get(key.key_id), work.keys.get(new.key_id)
            await work.flush()
        before, after = (pending.result() for pending in asked)
        assert before is not None
        assert after is not None
        assert (after.role, after.label) == (before.role, before.label) == (Role.ADMIN, "first admin key")
        assert (before.rotated_at, before.expires_at) == (NOW, NOW + timedelta(seconds=60))
        assert (after.rotated_at, after.expires_at, after.last_used_at) == (None, None, None)
        assert after.key_hash != before.key_hash
        assert new.api_key not in repr((before, after, new))

    ground.run(scene())


def test_a_successor_of_a_key_that_ends_ends_with_it(ground: Ground) -> None:
    """And a grace never lengthens a life."""

    async def scene() -> None:
        clinic = await clinic_with(ground.core, expires_at=NOW + timedelta(hours=1))
        new = ground.core.clinic((await clinic.keys.rotate(grace_seconds=7200)).api_key)
        ground.clock.at = NOW + timedelta(hours=1)
        for holder in (clinic, new):
            with pytest.raises(Unauthenticated):
                await holder.patients.list()

    ground.run(scene())


@pytest.mark.parametrize("grace", [0, 60])
def test_of_several_rotations_of_one_key_at_once_one_wins(ground: Ground, grace: int) -> None:
    async def scene() -> None:
        clinic, _ = await ground.new_clinic()
        results = await asyncio.gather(
            *(clinic.keys.rotate(grace_seconds=grace) for _ in range(8)), return_exceptions=True
        )
        won = [result for result in results if not isinstance(result, BaseException)]
        assert len(won) == 1
        assert sum(isinstance(result, Unauthenticated) for result in results) == 7
        usage = await ground.core.clinic(won[0].api_key).administration.usage()
        assert usage.calls_by_endpoint == {"POST /auth/api-keys/rotate": 1}

    ground.run(scene())


def test_of_several_bootstraps_at_once_one_wins(ground: Ground) -> None:
    async def scene() -> None:
        results = await asyncio.gather(
            *(ground.core.tenants.bootstrap(f"Clinic {number}", TOKEN) for number in range(8)), return_exceptions=True
        )
        won = [result for result in results if not isinstance(result, BaseException)]
        assert len(won) == 1
        assert sum(isinstance(result, AlreadyBootstrapped) for result in results) == 7
        await ground.core.clinic(won[0].api_key).administration.usage()

    ground.run(scene())


# --- metering, the log, and the walls ------------------------------------------------------------------------------


async def whole_day(clinic: Clinic) -> dict[str, int]:
    """Make every call at least once, refused ones in between, and return what is to be counted."""
    case = await new_case(clinic)
    patient_id = case.patient_id
    await clinic.patients.get(patient_id)
    await clinic.patients.list("anna")
    await clinic.patients.edit(patient_id, revision=1, full_name="Anna Other")
    await clinic.cases.get(case.id)
    await clinic.cases.list()
    await clinic.cases.list(patient_id=patient_id)
    await clinic.cases.edit(case.id, ANOTHER_PAYLOAD, revision=1)
    await clinic.cases.rank(case.id)
    await clinic.rankings.rank(PAYLOAD)
    await clinic.cases.finalize(case.id)
    for call in (
        clinic.cases.finalize(case.id),
        clinic.cases.rank(case.id),
        clinic.cases.get(uuid4()),
        clinic.cases.create(uuid4(), PAYLOAD),
        clinic.cases.create(patient_id, {"symptom_ids": [999999]}),
        clinic.patients.get(uuid4()),
        clinic.patients.edit(patient_id, revision=1, full_name="Stale"),
        clinic.rankings.rank({"symptom_ids": [999999]}),
        clinic.keys.rotate(grace_seconds=-1),
    ):
        with pytest.raises(ClinCoreError):
            await call
    await clinic.cases.verify_replay(case.id)
    await clinic.cases.verify_replay(case.id)
    return {
        "POST /patients": 1,
        "GET /patients/{id}": 1,
        "GET /patients": 1,
        "PATCH /patients/{id}": 1,
        "POST /cases": 1,
        "GET /cases/{id}": 1,
        "GET /cases": 2,
        "PATCH /cases/{id}": 1,
        "GET /cases/{id}/ranking": 1,
        "POST /repertory/rankings": 1,
        "POST /cases/{id}/finalize": 1,
        "POST /cases/{id}/verify-replay": 2,
    }


def test_every_answered_call_is_counted_once_and_a_refused_one_never(ground: Ground) -> None:
    async def scene() -> None:
        clinic, _ = await ground.new_clinic()
        other, _ = await ground.new_clinic()
        expected = await whole_day(clinic)
        report = await clinic.administration.usage()
        assert report.calls_by_endpoint == expected
        assert report.total_calls == report.last_24h_count == sum(expected.values())
        ground.clock.at = NOW.replace(second=0, microsecond=0) + timedelta(days=1, minutes=1)
        again = await clinic.administration.usage()
        assert again.calls_by_endpoint == expected | {"GET /admin/usage": 1}
        assert again.last_24h_count == 0
        assert (await other.administration.usage()).total_calls == 0

    ground.run(scene())


def test_every_access_to_a_record_is_logged_once_and_a_refused_one_never(ground: Ground) -> None:
    async def scene() -> None:
        from clincore.domain.page import PageRequest

        clinic, key = await ground.new_clinic()
        await whole_day(clinic)
        async with ground.core.resources.database.provisioning(key.tenant_id) as work:
            asked = work.access_log.list(PageRequest(limit=200))
            await work.flush()
        log = asked.result().items
        patient_id = next(entry.record_id for entry in log if entry.record_type == "patient" and entry.record_id)
        assert sorted((entry.record_type.value, entry.action.value, entry.filter or "") for entry in log) == [
            ("case", "CREATE", ""),
            ("case", "FINALIZE", ""),
            ("case", "LIST", ""),
            ("case", "LIST", f"patient_id={patient_id}"),
            ("case", "RANK", ""),
            ("case", "UPDATE", ""),
            ("case", "VERIFY", ""),
            ("case", "VERIFY", ""),
            ("case", "VIEW", ""),
            ("patient", "CREATE", ""),
            ("patient", "LIST", "q=anna"),
            ("patient", "UPDATE", ""),
            ("patient", "VIEW", ""),
        ]
        assert {(entry.key_id, entry.request_id, entry.at) for entry in log} == {(key.key_id, "request-1", NOW)}

    ground.run(scene())


def test_of_several_that_finalize_one_case_at_once_one_wins(ground: Ground) -> None:
    async def scene() -> None:
        clinic, _ = await ground.new_clinic()
        case = await new_case(clinic)
        results = await asyncio.gather(*(clinic.cases.finalize(case.id) for _ in range(8)), return_exceptions=True)
        won = [result for result in results if not isinstance(result, BaseException)]
        assert len(won) == 1
        assert sum(isinstance(result, CaseAlreadyFinalized) for result in results) == 7
        stored = await clinic.cases.get(case.id)
        assert stored == won[0].case
        assert (await clinic.cases.verify_replay(case.id)).expected == won[0].signature

    ground.run(scene())


def test_a_clinic_never_sees_another(ground: Ground) -> None:
    async def scene() -> None:
        mine, _ = await ground.new_clinic()
        theirs, _ = await ground.new_clinic()
        case = await new_case(theirs)
        assert (await mine.patients.list()).items == ()
        assert (await mine.cases.list()).items == ()
        with pytest.raises(CaseNotFound):
            await mine.cases.get(case.id)
        with pytest.raises(CaseNotFound):
            await mine.cases.finalize(case.id)
        assert await theirs.cases.get(case.id) == case
        page = await theirs.cases.list(limit=1)
        assert page.items == (case,)

    ground.run(scene())
