"""What metering costs, as ratios in one run: python bench/usage.py [EVENTS]

On a durable PostgreSQL: the usage report and the plan's guard of a clinic with EVENTS events (5,000,000) beside one
with none; then the calls a second of one clinic at 16 connections beside 16 clinics with one each.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg.conninfo import make_conninfo

import clincore
from clincore.adapters.embedded_postgres.address import DATABASE, SERVICE
from clincore.adapters.embedded_postgres.server import EmbeddedPostgres
from clincore.adapters.postgres.migrations.runner import PostgresMigrations

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from clincore import ClinCore, Clinic

_EVENTS: Final = 5_000_000
_BATCH: Final = 500_000
_PAIRS: Final = 300
_CONNECTIONS: Final = 16
_SECONDS: Final = 4.0
_ROUNDS: Final = 5
_UNLIMITED: Final = 10_000_000
# Ten keys and twenty endpoints, over the last 400 days.
_ENTER: Final = """
    INSERT INTO public.usage_events (tenant_id, key_id, endpoint, occurred_at)
    SELECT %(tenant_id)s, md5((n %% 10)::text)::uuid, 'GET /' || n %% 20, now() - interval '400 days' * random()
    FROM generate_series(1, %(count)s) n
"""


async def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else _EVENTS
    with tempfile.TemporaryDirectory(prefix="clincore-bench-") as folder:
        await asyncio.to_thread(Path(folder).chmod, 0o711)
        async with EmbeddedPostgres(Path(folder) / "postgres", durable=True) as address:
            await PostgresMigrations(address.owner_url, SERVICE).upgrade("head", lambda _: None)
            superuser = make_conninfo(address.superuser_url, dbname=DATABASE)
            async with clincore.open(
                address.service_url, cache_directory=Path(folder), pool_size=_CONNECTIONS, free_tier_limit=_UNLIMITED
            ) as core:
                await _with_and_without_events(core, superuser, events)
                await _hot_tenant(core)


async def _with_and_without_events(core: ClinCore, superuser: str, events: int) -> None:
    empty, full = await core.tenants.create("None"), await core.tenants.create("Many")
    _enter(superuser, full.tenant_id, events)
    calls: list[Callable[[], Awaitable[object]]] = []

    def create(clinic: Clinic, patient_id: UUID) -> Callable[[], Awaitable[object]]:
        return lambda: clinic.cases.create(patient_id, {"symptom_ids": [1]})

    kinds = ("GET /admin/usage", "POST /cases (with the plan's guard)")
    for key in (empty, full):
        clinic = core.clinic(key.api_key)
        patient = await clinic.patients.create(full_name="Anna Example")
        calls += [clinic.administration.usage, create(clinic, patient.id)]
    took = await _alternating(calls)
    for number, kind in enumerate(kinds):
        without, with_events = (statistics.median(took[number + 2 * which]) * 1000 for which in (0, 1))
        print(
            f"{kind}: {with_events:.2f} ms with {events:,} events, {without:.2f} ms with none, "
            f"ratio {with_events / without:.2f}"
        )


def _enter(superuser: str, tenant_id: UUID, events: int) -> None:
    with closing(psycopg.connect(superuser, autocommit=True)) as connection:
        for first in range(0, events, _BATCH):
            connection.execute(_ENTER, {"tenant_id": tenant_id, "count": min(_BATCH, events - first)})
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


async def _alternating(calls: Sequence[Callable[[], Awaitable[object]]]) -> list[list[float]]:
    """Return how long each call took, every time that it was its turn."""
    took: list[list[float]] = [[] for _ in calls]
    for _ in range(_PAIRS):
        for number, call in enumerate(calls):
            started = time.perf_counter()
            await call()
            took[number].append(time.perf_counter() - started)
    return took


async def _hot_tenant(core: ClinCore) -> None:
    clinics = [core.clinic((await core.tenants.create(f"Clinic {n}")).api_key) for n in range(_CONNECTIONS)]
    cases = []
    for clinic in clinics:
        patient = await clinic.patients.create(full_name="Anna Example")
        cases.append(await clinic.cases.create(patient.id, {"symptom_ids": [1]}))
    spread = list(zip(clinics, (case.id for case in cases), strict=True))
    hot = spread[:1] * _CONNECTIONS
    rates: dict[str, list[float]] = {"one clinic": [], "sixteen": []}
    for _ in range(_ROUNDS):
        for name, callers in (("one clinic", hot), ("sixteen", spread)):
            rates[name].append(await _rate(callers))
    one, many = (statistics.median(rates[name]) for name in ("one clinic", "sixteen"))
    print(
        f"GET /cases/{{id}}, in Python, at {_CONNECTIONS} connections: {one:.0f} calls/s of one clinic, {many:.0f} of "
        f"{_CONNECTIONS} clinics, ratio {one / many:.2f}"
    )


async def _rate(callers: Sequence[tuple[Clinic, UUID]]) -> float:
    """Return the calls a second, each caller's one after the other."""
    end = time.perf_counter() + _SECONDS

    async def call(clinic: Clinic, case_id: UUID) -> int:
        made = 0
        while time.perf_counter() < end:
            await clinic.cases.get(case_id)
            made += 1
        return made

    started = time.perf_counter()
    made = await asyncio.gather(*(call(clinic, case_id) for clinic, case_id in callers))
    return sum(made) / (time.perf_counter() - started)


asyncio.run(main())
