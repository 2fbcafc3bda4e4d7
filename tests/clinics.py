"""ClinCore on the real PostgreSQL and the starter repertory, at a time of the test's choosing."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar
from uuid import uuid4

from attrs import define, frozen

import clincore
from clincore.domain.api_key import make_api_key
from clincore.domain.identity import ApiKeyRecord, Plan, Role, Tenant

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

    from databases import FreshDatabase

    from clincore import Case, ClinCore, Clinic, NewKey

T = TypeVar("T")

NOW = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
TOKEN = "bootstrap token of these tests"  # noqa: S105
PAYLOAD = {
    "rubrics": [{"symptom_id": 3, "weight": 2}, {"symptom_id": 7}, {"symptom_id": 12}],
    "notes": "Ängste\nnachts",
}
ANOTHER_PAYLOAD = {"symptom_ids": [5, 6]}


@define
class SettableClock:
    """Tells the time that it was set to."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@frozen
class Ground:
    """ClinCore, opened on an event loop of its own; tests set up tenants of their own."""

    runner: asyncio.Runner
    stack: AsyncExitStack
    database: FreshDatabase | None
    clock: SettableClock
    core: ClinCore
    cache: Path

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    def open(self, **changes: Any) -> ClinCore:
        """Open ClinCore again on the same database, with other choices; it is closed in the end."""
        return self.run(self.stack.enter_async_context(clincore.open(**self.choices(**changes))))

    def choices(self, **changes: Any) -> dict[str, Any]:
        return {
            "database": self.core.resources.database,
            "cache_directory": self.cache,
            "clock": self.clock,
        } | changes

    def rows(self, query: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
        assert self.database is not None
        return self.database.rows(query, *parameters)

    def contents(self) -> dict[str, tuple[int, str]]:
        """Everything in the database, in a form that can be compared."""
        assert self.database is not None
        return self.database.contents()

    async def new_clinic(self, core: ClinCore | None = None) -> tuple[Clinic, NewKey]:
        """Set up a tenant, and return what the holder of its key can do."""
        core = core or self.core
        key = await core.tenants.create("Klinik am Berg")
        return core.clinic(key.api_key, request_id="request-1"), key


async def clinic_with(core: ClinCore, *, plan: Plan = Plan.FREE, expires_at: datetime | None = None) -> Clinic:
    """Set up a tenant on a plan, with an admin key that may end."""
    tenant_id = uuid4()
    key = make_api_key(tenant_id, core.resources.entropy.secret(32))
    record = ApiKeyRecord(
        tenant_id=tenant_id,
        id=uuid4(),
        key_hash=key.digest,
        label="of a test",
        role=Role.ADMIN,
        created_at=NOW,
        expires_at=expires_at,
    )
    async with core.resources.database.provisioning(tenant_id) as work:
        work.tenants.add(Tenant(id=tenant_id, name="Klinik", plan=plan, created_at=NOW))
        work.keys.add(record)
        await work.commit()
    return core.clinic(key.text)


@contextmanager
def opened(database: FreshDatabase | None, cache: Path, url: str | None = None, **choices: Any) -> Iterator[Ground]:
    """Open ClinCore on a database as its service, over another URL where given, or in memory without a database."""
    clock = SettableClock()
    url = url or (database.service_url if database else "memory:")
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        given: dict[str, Any] = {"clock": clock, "cache_directory": cache, "bootstrap_token": TOKEN} | choices
        core = runner.run(stack.enter_async_context(clincore.open(url, **given)))
        yield Ground(runner, stack, database, clock, core, cache)
        runner.run(stack.aclose())


async def new_case(clinic: Clinic, payload: dict[str, Any] | None = None) -> Case:
    """Enter a patient and a draft."""
    patient = await clinic.patients.create(full_name="Anna Example")
    return await clinic.cases.create(patient.id, payload or PAYLOAD)


async def finalized_case(clinic: Clinic, payload: dict[str, Any] | None = None) -> Case:
    """Enter a patient and a case, and finalize it."""
    draft = await new_case(clinic, payload)
    return (await clinic.cases.finalize(draft.id)).case
