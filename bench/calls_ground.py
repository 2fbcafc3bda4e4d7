"""What the calls are measured on: a durable PostgreSQL with ClinCore's two roles, one clinic's records, a server."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
from attrs import frozen
from psycopg import sql
from psycopg.conninfo import make_conninfo

import clincore
from clincore.adapters.embedded_postgres.address import DATABASE, SERVICE
from clincore.adapters.embedded_postgres.server import EmbeddedPostgres
from clincore.adapters.postgres.migrations.runner import PostgresMigrations
from clincore.domain.identity import Plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from uuid import UUID

    from clincore.adapters.embedded_postgres.address import EmbeddedAddress

PATIENTS: Final = 1_000
CASES: Final = 20_000
FIRST_CASE: Final = 1_000_000
FIRST_DRAFT: Final = 10_000_000
_RUNNING: Final = re.compile(r"http://127\.0\.0\.1:(\d+)")
_SETTINGS: Final = ("DATABASE_", "MIGRATION_", "BACKUP_", "REPERTORY_", "MCARE_", "BOOTSTRAP_", "FREE_TIER_", "LOG_")
_ENTER_PATIENTS: Final = """
    INSERT INTO public.patients (tenant_id, id, full_name, revision, created_at, updated_at)
    SELECT %(tenant_id)s, md5(n::text)::uuid, 'Patient ' || n, 1, now() - interval '40 days', now() - interval '40 days'
    FROM generate_series(0, %(count)s - 1) AS n
"""
# Of another month: the free plan counts this month's.
_ENTER_CASES: Final = """
    INSERT INTO public.cases (tenant_id, id, patient_id, status, input_payload, revision, created_at, updated_at)
    SELECT %(tenant_id)s, md5(n::text)::uuid, md5((n %% %(patients)s)::text)::uuid, 'draft',
           %(payloads)s::jsonb -> (n %% %(kinds)s), 1, now() - interval '40 days', now() - interval '40 days'
    FROM generate_series(%(first)s, %(first)s + %(count)s - 1) AS n
"""
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@frozen(kw_only=True)
class Ground:
    """A running server of one clinic's records; ``payloads`` are the inputs of its cases, in turn."""

    address: EmbeddedAddress
    log: Path
    postmaster: int
    tenant_id: UUID
    api_key: str
    payloads: Sequence[dict[str, Any]]

    @property
    def _superuser(self) -> str:
        return make_conninfo(self.address.superuser_url, dbname=DATABASE)

    def enter_drafts(self, first: int, count: int) -> None:
        """Enter the drafts numbered from ``first`` on."""
        given = {
            "tenant_id": self.tenant_id,
            "first": first,
            "count": count,
            "patients": PATIENTS,
            "payloads": json.dumps(self.payloads),
            "kinds": len(self.payloads),
        }
        with closing(psycopg.connect(self._superuser, autocommit=True)) as connection:
            connection.execute(_ENTER_CASES, given)

    def settle(self) -> None:
        """Let no run pay for what the one before has left to be written or cleaned up."""
        with closing(psycopg.connect(self._superuser, autocommit=True)) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")

    @contextmanager
    def statements_logged(self, settings: dict[str, str]) -> Iterator[None]:
        """Let the server log what new connections of the service's role send."""
        role = sql.Identifier(SERVICE)
        with closing(psycopg.connect(self._superuser, autocommit=True)) as connection:
            for name, value in settings.items():
                connection.execute(sql.SQL("ALTER ROLE {} SET {} = {}").format(role, sql.Identifier(name), value))
            try:
                yield
            finally:
                connection.execute(sql.SQL("ALTER ROLE {} RESET ALL").format(role))

    def postgres_cpu(self) -> float:
        """Return the seconds of CPU that the server's processes have taken, those included that have ended."""
        processes = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
        living = sum(cpu_of(process) for process in processes if _stat(process)[1:2] == [str(self.postmaster)])
        return living + cpu_of(self.postmaster) + cpu_of(self.postmaster, of_ended_children=True)


def _stat(process: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; none where the process has ended."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def cpu_of(process: int, *, of_ended_children: bool = False) -> float:
    """Return the seconds of CPU that a process has taken, or its children that have ended; 0 where it has ended."""
    fields = _stat(process)
    first = 13 if of_ended_children else 11
    return (int(fields[first]) + int(fields[first + 1])) / _TICKS if fields else 0.0


def resident(process: int) -> float:
    """Return the megabytes of a process that are resident."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


@asynccontextmanager
async def opened_ground(folder: Path, repertory: Path, payloads: Sequence[dict[str, Any]]) -> AsyncIterator[Ground]:
    """Run PostgreSQL with everything written through to the disk, with a paying clinic's records in it."""
    directory = folder / "postgres"
    async with EmbeddedPostgres(directory, durable=True) as address:
        await PostgresMigrations(address.owner_url, SERVICE).upgrade("head", lambda _: None)
        async with clincore.open(address.service_url, repertory, cache_directory=folder) as core:
            key = await core.tenants.create("Measured", plan=Plan.PAID)
        (pid_file,) = directory.rglob("postmaster.pid")
        ground = Ground(
            address=address,
            log=directory / "server.log",
            postmaster=int(pid_file.read_text(encoding="ascii").split()[0]),
            tenant_id=key.tenant_id,
            api_key=key.api_key,
            payloads=payloads,
        )
        with closing(psycopg.connect(make_conninfo(address.superuser_url, dbname=DATABASE))) as connection:
            connection.execute(_ENTER_PATIENTS, {"tenant_id": key.tenant_id, "count": PATIENTS})
            connection.commit()
        ground.enter_drafts(FIRST_CASE, CASES)
        yield ground


@contextmanager
def running(command: Sequence[str], log: Path, **settings: str) -> Iterator[tuple[int, int]]:
    """Run a server; yield its process id and its port, which it tells in its log."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            command,
            env={**inherited, "PYTHONPATH": os.pathsep.join(sys.path), **settings},
            stdout=output,
            stderr=output,
        )
    try:
        yield process.pid, _port_in(log, process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _port_in(log: Path, process: subprocess.Popen[bytes]) -> int:
    """Wait until the server says in its log where it listens."""
    while process.poll() is None:
        if found := _RUNNING.search(log.read_text(encoding="utf-8")):
            return int(found.group(1))
        time.sleep(0.05)
    raise SystemExit(f"the server does not start:\n{log.read_text(encoding='utf-8')}")
