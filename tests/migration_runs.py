"""What the tests of the migrations share: a runner that is told one command at a time, and rows of every revision."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg

from clincore.adapters.embedded_postgres.address import SERVICE
from clincore.adapters.postgres.catalog.reading import Catalog, read_catalog
from clincore.adapters.postgres.migrations.runner import PostgresMigrations

if TYPE_CHECKING:
    from databases import FreshDatabase, Server

    from clincore.domain.migration import Revision, Step

IDS = [
    "0001_core_init",
    "20f4b88b6b43",
    "34bf50c7d602",
    "9ab846c6a33b",
    "256690bbd45e",
    "0e397e47435e",
    "a96162dee369",
    "b1c2d3e4f505",
]
SQL_FILES = Path(__file__).parents[1] / "migrations_sql"


class Run:
    """One database's migrations, run one command at a time; ``done`` are the revisions that it told of."""

    def __init__(self, url: str, service_role: str = SERVICE, chain: tuple[Revision, ...] | None = None) -> None:
        self.migrations = PostgresMigrations(url, service_role, chain)
        self.done: list[str] = []

    def _tell(self, step: Step) -> None:
        self.done.append(step.revision.id)

    def current(self) -> str | None:
        return asyncio.run(self.migrations.current())

    def upgrade(self, target: str = "head") -> None:
        asyncio.run(self.migrations.upgrade(target, self._tell))

    def downgrade(self, target: str, *, allow_data_loss: bool = False) -> None:
        asyncio.run(self.migrations.downgrade(target, self._tell, allow_data_loss=allow_data_loss))


def enter_rows(database: FreshDatabase, revision: str) -> None:
    """Enter a tenant's rows in every table and column that a revision has, as the superuser."""
    at = IDS.index(revision)
    tenant, patient = uuid4(), uuid4()
    with psycopg.connect(database.superuser_url) as connection:
        connection.execute("INSERT INTO public.tenants (id, name, created_at) VALUES (%s, 'Clinic', now())", [tenant])
        connection.execute("INSERT INTO clincore.tenant_directory (id) VALUES (%s)", [tenant])
        connection.execute(
            "INSERT INTO public.patients VALUES (%s, %s, 'Anna', NULL, NULL, 1, now(), now())", [tenant, patient]
        )
        for _ in range(2):
            _enter_case(connection, tenant, patient, at)
        if at >= 5:
            connection.execute(
                """INSERT INTO public.access_logs (tenant_id, key_id, action, record_type, record_id, request_id, at)
                   VALUES (%s, gen_random_uuid(), 'VIEW', 'patient', %s, '', now())""",
                [tenant, patient],
            )
        if at >= 6:
            connection.execute(
                """INSERT INTO public.api_keys (tenant_id, id, key_hash, label, role, created_at)
                   VALUES (%s, gen_random_uuid(), repeat('0', 64), 'first', 'admin', now())""",
                [tenant],
            )
            connection.execute("INSERT INTO clincore.bootstrap (used_at) VALUES (now()) ON CONFLICT DO NOTHING")
            connection.execute("UPDATE public.tenants SET plan = 'paid' WHERE id = %s", [tenant])
        if at >= 7:
            connection.execute(
                """INSERT INTO public.usage_events (tenant_id, key_id, endpoint, occurred_at)
                   VALUES (%s, gen_random_uuid(), 'GET /cases', now())""",
                [tenant],
            )
            connection.execute(
                "INSERT INTO clincore.idempotency_keys VALUES (%s, '', 'once', '', gen_random_uuid(), now())", [tenant]
            )


def _enter_case(connection: psycopg.Connection[Any], tenant: UUID, patient: UUID, at: int) -> None:
    case = uuid4()
    connection.execute(
        """INSERT INTO public.cases (tenant_id, id, patient_id, status, input_payload, revision, created_at, updated_at)
           VALUES (%s, %s, %s, 'draft', '{"symptom_ids": [1]}', 1, now(), now())""",
        [tenant, case, patient],
    )
    if at == 2:
        connection.execute(
            "UPDATE public.cases SET ranking_snapshot = '[]', finalized_at = now() WHERE id = %s", [case]
        )
    if at >= 3:
        connection.execute(
            """UPDATE public.cases SET status = 'finalized', ranking_snapshot = '[]', finalized_at = now(),
                                       result_text = '{}', result_signature = repeat('0', 64) WHERE id = %s""",
            [case],
        )
    if at >= 4:
        connection.execute(
            "UPDATE public.cases SET replay_verdict = 'verified', replay_verified_at = now() WHERE id = %s", [case]
        )


def totals(database: FreshDatabase) -> dict[str, int]:
    """How many rows each table holds."""
    return {name: count for name, (count, _) in database.contents().items()}


def tables(database: FreshDatabase) -> list[str]:
    return sorted(totals(database))


def run_script(postgres: Server, url: str, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [postgres.psql, "--no-psqlrc", "--quiet", "--dbname", url],
        input=script,
        env={"LC_ALL": "C.UTF-8", "PGCLIENTENCODING": "UTF8"},
        capture_output=True,
        text=True,
        check=False,
    )


def catalog_at(url: str, service_role: str = SERVICE) -> Catalog:
    """Return the normalized catalog of a database."""

    async def read() -> Catalog:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            return await read_catalog(connection, service_role)

    return asyncio.run(read())
