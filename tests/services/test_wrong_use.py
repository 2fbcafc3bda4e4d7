"""What a program does wrong when it embeds ClinCore: each mistake has a clear error, on every database alike."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import clincore
from clincore.domain.errors import DatabaseClosed, InvalidInput, Unauthenticated

if TYPE_CHECKING:
    from databases import FreshDatabase


@pytest.fixture(params=["memory", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    if request.param == "memory":
        return "memory:"
    fresh: FreshDatabase = request.getfixturevalue("fresh_database")
    return fresh.service_url


def test_what_is_no_uuid_is_refused_and_not_repeated(database_url: str) -> None:
    async def scene() -> None:
        async with clincore.open(database_url) as core:
            clinic = core.clinic((await core.tenants.create("Hill")).api_key)
            patient = await clinic.patients.create(full_name="Ada Example")
            wrong: list[Any] = [str(patient.id), "planted", None, patient]
            for value in wrong:
                for call in (
                    clinic.patients.get(value),
                    clinic.patients.edit(value, revision=1, phone="1"),
                    clinic.cases.get(value),
                    clinic.cases.create(value, {"symptom_ids": [8]}),
                    clinic.cases.edit(value, {"symptom_ids": [8]}, revision=1),
                    clinic.cases.rank(value),
                    clinic.cases.finalize(value),
                    clinic.cases.verify_replay(value),
                ):
                    with pytest.raises(InvalidInput, match=f"must be a UUID, not {type(value).__name__}$"):
                        await call
            status: Any = "finalized"
            with pytest.raises(InvalidInput, match="status: must be one of draft, finalized"):
                await clinic.cases.list(status=status)
            assert (await clinic.administration.usage()).total_calls == 1

    asyncio.run(scene())


def test_calls_after_the_close_say_so(database_url: str) -> None:
    async def scene() -> None:
        async with clincore.open(database_url) as core:
            clinic = core.clinic((await core.tenants.create("Hill")).api_key)
        with pytest.raises(DatabaseClosed, match="closed"):
            await clinic.patients.list()
        with pytest.raises(DatabaseClosed, match="closed"):
            await core.tenants.create("Late")

    asyncio.run(scene())


@pytest.mark.parametrize("key", [None, 7, b"clc_", "", "clc_x"])
def test_what_is_no_key_is_unauthenticated(key: Any) -> None:
    async def scene() -> None:
        async with clincore.open() as core:
            with pytest.raises(Unauthenticated):
                core.clinic(key)

    asyncio.run(scene())


def test_the_starter_repertory_may_be_named(database_url: str) -> None:
    async def scene() -> None:
        async with clincore.open(database_url, "starter:") as core:
            assert core.edition.name == "ClinCore Starter Repertory"
            with pytest.raises(InvalidInput):
                core.clinic((await core.tenants.create("Hill")).api_key, request_id="two words")

    asyncio.run(scene())
