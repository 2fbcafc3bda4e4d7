"""What an operator does: tenants, plans and keys, on a database that was opened as its owner."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from clinics import NOW, PAYLOAD, Ground, new_case, opened
from hypothesis import given, settings
from hypothesis import strategies as st

from clincore.domain.errors import (
    InvalidInput,
    KeyNotFound,
    PlanLimitReached,
    RightsMissing,
    StorageFault,
    TenantNotFound,
    Unauthenticated,
)
from clincore.domain.identity import KeyState, Plan, Role, Tenant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from databases import NewDatabase

    from clincore.services.tenants import Tenants

DAY = timedelta(days=1)


@pytest.fixture(scope="module", params=["memory", "postgres"])
def ground(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    cache = tmp_path_factory.mktemp("cache")
    if request.param == "memory":
        with opened(None, cache) as ground:
            yield ground
    else:
        with new_database() as database, opened(database, cache, database.owner_url) as ground:
            yield ground


@pytest.fixture(autouse=True)
def at_now(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "ground" in request.fixturenames:
        request.getfixturevalue("ground").clock.at = NOW


def later(ground: Ground, by: timedelta = timedelta(seconds=1)) -> datetime:
    ground.clock.at += by
    return ground.clock.at


# --- tenants --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", Plan)
def test_a_tenant_is_listed_with_its_plan_newest_first(ground: Ground, plan: Plan) -> None:
    async def scene() -> None:
        tenants = ground.core.tenants
        before = await tenants.list()
        made = []
        for name in ("  Klinik Ä ", "Second"):
            key = await tenants.create(name, plan=plan)
            made.append(Tenant(id=key.tenant_id, name=name.strip(), plan=plan, created_at=ground.clock.at))
            later(ground, timedelta(days=400))
        listed = await tenants.list()
        assert [tenant for tenant in listed if tenant in made] == made[::-1]
        assert sorted(tenant.id for tenant in listed) == sorted(tenant.id for tenant in (*before, *made))
        assert list(listed) == sorted(listed, key=lambda one: (one.created_at, one.id), reverse=True)

    ground.run(scene())


def test_a_plan_holds_from_the_next_case_on(ground: Ground) -> None:
    async def scene() -> None:
        clinic, key = await ground.new_clinic(core)
        other, _ = await ground.new_clinic(core)
        case, foreign = await new_case(clinic), await new_case(other)
        with pytest.raises(PlanLimitReached):
            await clinic.cases.create(case.patient_id, PAYLOAD)
        for plan in (Plan.PAID, Plan.SUBSCRIPTION):
            await core.tenants.set_plan(key.tenant_id, plan)
            await clinic.cases.create(case.patient_id, PAYLOAD)
        with pytest.raises(PlanLimitReached):
            await other.cases.create(foreign.patient_id, PAYLOAD)
        await core.tenants.set_plan(key.tenant_id, Plan.FREE)
        with pytest.raises(PlanLimitReached):
            await clinic.cases.create(case.patient_id, PAYLOAD)

    core = ground.open(free_tier_limit=1)
    ground.run(scene())


# --- keys -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_a_key_lets_its_holder_in_as_its_role_says(ground: Ground, role: Role) -> None:
    async def scene() -> None:
        first = await ground.core.tenants.create("Hill")
        key = await ground.core.tenants.keys.create(first.tenant_id, label="  Empfang Ä ", role=role)
        assert (key.tenant_id, key.key_id == first.key_id) == (first.tenant_id, False)
        clinic = ground.core.clinic(key.api_key)
        await clinic.patients.create(full_name="Anna")
        if role is Role.ADMIN:
            await clinic.administration.usage()
        newest, oldest = sorted(
            await ground.core.tenants.keys.list(first.tenant_id), key=lambda one: one.record.id == first.key_id
        )
        assert (newest.record.label, newest.record.role, newest.state) == ("Empfang Ä", role, KeyState.VALID)
        assert (newest.record.created_at, newest.record.expires_at) == (NOW, None)
        assert newest.record.last_used_at == NOW.replace(minute=0, second=0, microsecond=0)
        assert (oldest.record.label, oldest.record.role) == ("first admin key", Role.ADMIN)
        for secret in (key.api_key, "Empfang"):
            assert secret not in repr((key, newest, ground.core.tenants))

    ground.run(scene())


def test_a_key_ends_at_the_moment_that_was_set(ground: Ground) -> None:
    async def scene() -> None:
        first = await ground.core.tenants.create("Hill")
        ends = (NOW + DAY).astimezone(timezone(timedelta(hours=5, minutes=45)))
        key = await ground.core.tenants.keys.create(first.tenant_id, label="guest", expires_at=ends)
        clinic = ground.core.clinic(key.api_key)
        later(ground, DAY - timedelta(microseconds=1))
        await clinic.patients.list()
        assert await state_of(ground.core.tenants, key.tenant_id, key.key_id) is KeyState.VALID
        later(ground, timedelta(microseconds=1))
        with pytest.raises(Unauthenticated):
            await clinic.patients.list()
        assert await state_of(ground.core.tenants, key.tenant_id, key.key_id) is KeyState.EXPIRED

    ground.run(scene())


async def state_of(tenants: Tenants, tenant_id: UUID, key_id: UUID) -> KeyState:
    (state,) = [key.state for key in await tenants.keys.list(tenant_id) if key.record.id == key_id]
    return state


def test_a_rotated_key_is_valid_in_its_grace_and_rotated_after_it(ground: Ground) -> None:
    async def scene() -> None:
        clinic, old = await ground.new_clinic()
        new = await clinic.keys.rotate(grace_seconds=60)
        tenants = ground.core.tenants
        assert await state_of(tenants, old.tenant_id, old.key_id) is KeyState.VALID
        later(ground, timedelta(seconds=60))
        assert await state_of(tenants, old.tenant_id, old.key_id) is KeyState.ROTATED
        assert await state_of(tenants, old.tenant_id, new.key_id) is KeyState.VALID

    ground.run(scene())


def test_a_revoked_key_is_refused_at_once_and_the_others_live(ground: Ground) -> None:
    async def scene() -> None:
        clinic, first = await ground.new_clinic()
        keys = ground.core.tenants.keys
        second = await keys.create(first.tenant_id, label="second", role=Role.ADMIN)
        user = await keys.create(first.tenant_id, label="front desk")
        await clinic.patients.list()
        assert await keys.revoke(first.tenant_id, first.key_id) == 1
        for call in (clinic.patients.list, clinic.keys.rotate, clinic.keys.check):
            with pytest.raises(Unauthenticated):
                await call()
        await ground.core.clinic(second.api_key).administration.usage()
        await ground.core.clinic(user.api_key).patients.list()
        assert await state_of(ground.core.tenants, first.tenant_id, first.key_id) is KeyState.REVOKED

    ground.run(scene())


def test_the_last_admin_key_is_revoked_too_and_another_can_be_made(ground: Ground) -> None:
    """Keys that have ended, or whose role is another, do not count as left."""

    async def scene() -> None:
        keys = ground.core.tenants.keys
        first = await ground.core.tenants.create("Hill")
        await keys.create(first.tenant_id, label="front desk")
        ended = await keys.create(first.tenant_id, label="guest", role=Role.ADMIN, expires_at=NOW + DAY)
        later(ground, DAY)
        assert await keys.revoke(first.tenant_id, first.key_id) == 0
        again = await keys.create(first.tenant_id, label="new", role=Role.ADMIN)
        await ground.core.clinic(again.api_key).administration.usage()
        assert await keys.revoke(first.tenant_id, ended.key_id) == 1

    ground.run(scene())


def test_a_key_is_revoked_once_and_of_several_at_once_one_wins(ground: Ground) -> None:
    async def scene() -> None:
        keys = ground.core.tenants.keys
        first = await ground.core.tenants.create("Hill")
        results = await asyncio.gather(
            *(keys.revoke(first.tenant_id, first.key_id) for _ in range(8)), return_exceptions=True
        )
        assert [result for result in results if not isinstance(result, BaseException)] == [0]
        assert sum(isinstance(result, KeyNotFound) for result in results) == 7
        (kept,) = await keys.list(first.tenant_id)
        later(ground)
        with pytest.raises(KeyNotFound, match=f"There is no key {first.key_id}, or it is revoked already"):
            await keys.revoke(first.tenant_id, first.key_id)
        assert await keys.list(first.tenant_id) == (kept,)

    ground.run(scene())


def test_more_keys_than_a_page_holds_are_all_listed_and_all_counted(ground: Ground) -> None:
    async def scene() -> None:
        keys = ground.core.tenants.keys
        first = await ground.core.tenants.create("Hill")
        made = []
        for number in range(205):
            key = await keys.create(first.tenant_id, label=f"{number}", role=Role.ADMIN)
            made.append(key.key_id)
            later(ground, timedelta(microseconds=number % 3))
        listed = await keys.list(first.tenant_id)
        assert {key.record.id for key in listed} == {first.key_id, *made}
        assert list(listed) == sorted(listed, key=lambda one: (one.record.created_at, one.record.id), reverse=True)
        assert await keys.revoke(first.tenant_id, made[0]) == 205

    ground.run(scene())


# --- what is refused ------------------------------------------------------------------------------------------------

EXPIRY = "expires_at: must be a time with its time zone"
WRONG: list[tuple[str, Any]] = [
    ("tenant_name: is empty", lambda tenants, *_: tenants.create("  ")),
    ("tenant_name: must be a text", lambda tenants, *_: tenants.create(7)),
    ("tenant_name: has 201 characters", lambda tenants, *_: tenants.create("x" * 201)),
    ("tenant_name: holds a control character", lambda tenants, *_: tenants.create("planted\x1b[31m")),
    ("tenant_name: holds a control character", lambda tenants, *_: tenants.create("planted\ud800")),
    ("plan: must be one of free, paid, subscription", lambda tenants, *_: tenants.create("Hill", plan="planted")),
    ("plan: must be one of free, paid, subscription", lambda tenants, t, _: tenants.set_plan(t, "paid")),
    ("plan: must be one of free, paid, subscription", lambda tenants, t, _: tenants.set_plan(t, None)),
    ("tenant_id: must be a UUID, not str", lambda tenants, t, _: tenants.set_plan(str(t), Plan.PAID)),
    ("tenant_id: must be a UUID, not str", lambda tenants, t, _: tenants.keys.create(str(t), label="x")),
    ("tenant_id: must be a UUID, not NoneType", lambda tenants, *_: tenants.keys.list(None)),
    ("tenant_id: must be a UUID, not int", lambda tenants, _, k: tenants.keys.revoke(7, k)),
    ("key_id: must be a UUID, not str", lambda tenants, t, k: tenants.keys.revoke(t, str(k))),
    ("label: is empty", lambda tenants, t, _: tenants.keys.create(t, label="")),
    ("label: must be a text", lambda tenants, t, _: tenants.keys.create(t, label=None)),
    ("label: has 201 characters", lambda tenants, t, _: tenants.keys.create(t, label="x" * 201)),
    ("label: holds a control character", lambda tenants, t, _: tenants.keys.create(t, label="planted\x00")),
    ("role: must be one of admin, user", lambda tenants, t, _: tenants.keys.create(t, label="x", role="admin")),
    ("role: must be one of admin, user", lambda tenants, t, _: tenants.keys.create(t, label="x", role=Plan.FREE)),
    (
        "expires_at: must be in the future",
        lambda tenants, t, _: tenants.keys.create(t, label="x", expires_at=NOW),
    ),
    (
        "expires_at: must be in the future",
        lambda tenants, t, _: tenants.keys.create(t, label="x", expires_at=datetime(1, 1, 1, tzinfo=UTC)),
    ),
    (EXPIRY, lambda tenants, t, _: tenants.keys.create(t, label="x", expires_at=NOW.replace(tzinfo=None) + DAY)),
    (EXPIRY, lambda tenants, t, _: tenants.keys.create(t, label="x", expires_at="2999-01-01")),
    (
        "expires_at: must be in the year 9999 (UTC) at the latest",
        lambda tenants, t, _: tenants.keys.create(
            t, label="x", expires_at=datetime.fromisoformat("9999-12-31T23:59:59-14:00")
        ),
    ),
    (EXPIRY, lambda tenants, t, _: tenants.keys.create(t, label="x", expires_at=(NOW + DAY).date())),
]


async def everything(ground: Ground) -> list[object]:
    """All that the operator sees, tenant by tenant."""
    tenants = ground.core.tenants
    return [(tenant, await tenants.keys.list(tenant.id)) for tenant in await tenants.list()]


@pytest.mark.parametrize(("said", "call"), WRONG)
def test_wrong_input_is_named_not_repeated_and_nothing_is_written(ground: Ground, said: str, call: Any) -> None:
    async def scene() -> None:
        first = await ground.core.tenants.create("Hill")
        before = await everything(ground)
        with pytest.raises(InvalidInput) as refused:
            await call(ground.core.tenants, first.tenant_id, first.key_id)
        assert str(refused.value).startswith(said)
        assert "planted" not in str(refused.value)
        assert await everything(ground) == before

    ground.run(scene())


def test_a_key_s_end_is_kept_in_utc(ground: Ground) -> None:
    async def scene() -> None:
        tenants, first = ground.core.tenants, await ground.core.tenants.create("Hill")
        end = datetime.fromisoformat("2999-01-01T00:00:00+02:00")
        made = await tenants.keys.create(first.tenant_id, label="x", expires_at=end)
        keys = await tenants.keys.list(first.tenant_id)
        (listed,) = [key.record for key in keys if key.record.id == made.key_id]
        assert str(listed.expires_at) == "2998-12-31 22:00:00+00:00"

    ground.run(scene())


def test_an_unknown_tenant_is_refused_and_does_not_come_to_be(ground: Ground) -> None:
    async def scene() -> None:
        tenants, first = ground.core.tenants, await ground.core.tenants.create("Hill")
        unknown = uuid4()
        before = await everything(ground)
        calls: list[Awaitable[object]] = [
            tenants.set_plan(unknown, Plan.PAID),
            tenants.keys.create(unknown, label="x"),
            tenants.keys.list(unknown),
            tenants.keys.revoke(unknown, first.key_id),
        ]
        for call in calls:
            with pytest.raises(TenantNotFound) as refused:
                await call
            assert str(refused.value) == f"There is no tenant {unknown}."
        assert await everything(ground) == before

    ground.run(scene())


def test_a_key_of_another_tenant_is_as_unknown_as_one_that_never_was(ground: Ground) -> None:
    async def scene() -> None:
        tenants = ground.core.tenants
        first, second = await tenants.create("Hill"), await tenants.create("Valley")
        before = await everything(ground)
        for key_id in (second.key_id, uuid4()):
            with pytest.raises(KeyNotFound) as refused:
                await tenants.keys.revoke(first.tenant_id, key_id)
            assert str(refused.value) == f"There is no key {key_id}, or it is revoked already."
        assert await everything(ground) == before
        await ground.core.clinic(second.api_key).patients.list()

    ground.run(scene())


@settings(max_examples=15)
@given(names=st.lists(st.text("aä ß\U0001f98b", min_size=1, max_size=5).filter(str.strip), min_size=1, max_size=4))
def test_names_and_labels_come_back_as_they_were_given(ground: Ground, names: list[str]) -> None:
    async def scene() -> None:
        tenants = ground.core.tenants
        made = {(await tenants.create(name)).tenant_id: name for name in names}
        listed = {tenant.id: tenant.name for tenant in await tenants.list()}
        assert {tenant_id: listed[tenant_id] for tenant_id in made} == {id: name.strip() for id, name in made.items()}
        tenant_id = next(iter(made))
        labels = {(await tenants.keys.create(tenant_id, label=name)).key_id: name.strip() for name in names}
        found = {key.record.id: key.record.label for key in await tenants.keys.list(tenant_id)}
        assert {key_id: found[key_id] for key_id in labels} == labels

    ground.run(scene())


def test_what_the_service_has_no_right_to_names_the_owners_url_and_writes_nothing(
    new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Where the owner and the service are two roles, the service sets tenants up, and manages keys; no more."""

    async def scene() -> None:
        tenants = service.core.tenants
        first = await tenants.create("Hill", plan=Plan.PAID)
        key = await tenants.keys.create(first.tenant_id, label="second", role=Role.ADMIN)
        assert await tenants.keys.revoke(first.tenant_id, first.key_id) == 1
        assert len(await tenants.keys.list(first.tenant_id)) == 2
        before = service.contents()
        for call in (tenants.list(), tenants.set_plan(first.tenant_id, Plan.FREE)):
            with pytest.raises(RightsMissing, match="set MIGRATION_DATABASE_URL to the owner's URL") as refused:
                await call
            assert isinstance(refused.value, StorageFault)
            assert refused.value.__suppress_context__
        assert service.contents() == before
        await service.core.clinic(key.api_key).patients.list()

    with new_database() as database, opened(database, tmp_path_factory.mktemp("cache")) as service:
        service.run(scene())
