"""What the model is run on: memory, a PostgreSQL, and a service that runs on one."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final, LiteralString
from uuid import UUID

import psycopg
from attrs import evolve
from service import TOKEN, running_service

from clincore.adapters.memory.database import MemoryDatabase
from clincore.adapters.postgres.database import PostgresDatabase
from clincore.domain.signature import SignedResult
from clincore.testing.model import Tampering, http_target, services_target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from databases import FreshDatabase

    from clincore.domain.case import Finalization
    from clincore.ports.database import Database
    from clincore.testing.model import HttpTarget, ServicesTarget

_LIMIT: Final = 2
_CHANGES: Final[dict[Tampering, LiteralString]] = {
    Tampering.TEXT: "UPDATE public.cases SET result_text = result_text || ' ' WHERE tenant_id = %s AND id = %s",
    Tampering.SIGNATURE: (
        "UPDATE public.cases SET result_signature = reverse(result_signature) WHERE tenant_id = %s AND id = %s"
    ),
    Tampering.INPUT: (
        "UPDATE public.cases SET input_payload = '{\"symptom_ids\": [1]}' WHERE tenant_id = %s AND id = %s"
    ),
    Tampering.SNAPSHOT: "UPDATE public.cases SET ranking_snapshot = '[]' WHERE tenant_id = %s AND id = %s",
}


@contextmanager
def memory_target(cache: Path, database: MemoryDatabase | None = None) -> Iterator[ServicesTarget]:
    database = database or MemoryDatabase()

    @asynccontextmanager
    async def opened() -> AsyncIterator[Database]:
        yield database
        await database.close()

    def tamper(tenant_id: str, case_id: str, how: Tampering) -> None:
        cases = database._tables.tenants[UUID(tenant_id)].cases
        case = cases[UUID(case_id)]
        if how is Tampering.INPUT:
            cases[case.id] = evolve(case, input_payload={"symptom_ids": [1]})
        else:
            cases[case.id] = evolve(case, finalization=_tampered(case.require_finalized(), how))

    with services_target(opened, tamper=tamper, cache_directory=cache) as target:
        yield target


def _tampered(done: Finalization, how: Tampering) -> Finalization:
    if how is Tampering.SNAPSHOT:
        return evolve(done, ranking_snapshot=[])
    text, signature = done.signed.text, done.signed.signature
    signed = SignedResult(text + " ", signature) if how is Tampering.TEXT else SignedResult(text, signature[::-1])
    return evolve(done, signed=signed)


@contextmanager
def postgres_target(database: FreshDatabase, cache: Path) -> Iterator[ServicesTarget]:
    with services_target(
        opening(database.service_url),
        open_as_operator=opening(database.owner_url),
        tamper=tampering(database),
        cache_directory=cache,
    ) as target:
        yield target


@contextmanager
def service_target(database: FreshDatabase, cache: Path) -> Iterator[HttpTarget]:
    """A service process on the database, and its operator."""
    with (
        running_service(database.service_url, FREE_TIER_LIMIT=str(_LIMIT), LOG_LEVEL="ERROR") as service,
        http_target(
            service.url,
            opening(database.owner_url),
            bootstrap_token=TOKEN,
            free_tier_limit=_LIMIT,
            tamper=tampering(database),
            cache_directory=cache,
        ) as target,
    ):
        yield target


def opening(url: str) -> Callable[[], AbstractAsyncContextManager[Database]]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Database]:
        database = PostgresDatabase(url, max_connections=2, timeout=20)
        yield database
        await database.close()

    return opened


def tampering(database: FreshDatabase) -> Callable[[str, str, Tampering], None]:
    def tamper(tenant_id: str, case_id: str, how: Tampering) -> None:
        """Change a row as the superuser can: without triggers, past row-level security."""
        with psycopg.connect(database.superuser_url) as connection:
            connection.execute("SET session_replication_role = replica")
            assert connection.execute(_CHANGES[how], (tenant_id, case_id)).rowcount == 1

    return tamper
