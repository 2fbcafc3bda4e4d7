"""The database goes away and comes back, and the server is killed, while many clients work."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import pytest
from databases import FreshDatabase
from load import Address, Clerk, Ledger, hold_against_what_is_stored
from postgres_server import server_that_fails
from service import SERVE, TOKEN, Service, running_service, started

from clincore.adapters.embedded_postgres.address import SERVICE
from clincore.adapters.postgres.migrations.runner import PostgresMigrations

if TYPE_CHECKING:
    import threading
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    import httpx
    from databases import Server
    from postgres_server import Cluster

KILLS = 50
CALLS_BETWEEN_KILLS = 12


@pytest.fixture
def failing(postgres_18: Server) -> Iterator[tuple[Cluster, FreshDatabase]]:
    """A server of its own with a database at the head."""
    with server_that_fails(postgres_18.address.binaries) as (cluster, address):
        asyncio.run(PostgresMigrations(address.owner_url, SERVICE).upgrade("head", lambda _: None))
        superuser_url = address.superuser_url.removesuffix("/postgres") + "/clincore"
        yield (
            cluster,
            FreshDatabase(
                name="clincore",
                owner_url=address.owner_url,
                service_url=address.service_url,
                superuser_url=superuser_url,
            ),
        )


def paid_clinic(service: Service, database: FreshDatabase) -> str:
    """Set up a clinic without a limit of cases; return its key."""
    key = service.bootstrap()
    database.rows("UPDATE public.tenants SET plan = 'paid'")
    return key


def new_patient(client: httpx.Client) -> str:
    patient_id: str = client.post("/patients", json={"full_name": "Ada Example"}).json()["id"]
    return patient_id


@asynccontextmanager
async def working(clerks: Sequence[Clerk]) -> AsyncIterator[None]:
    """Let all clients work until the block ends."""
    tasks = [asyncio.create_task(clerk.work()) for clerk in clerks]
    try:
        yield
    finally:
        for clerk in clerks:
            clerk.is_over = True
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [one for one in ended if one is not None] == []


async def seconds_until_all_are_served(ledger: Ledger, clerks: Sequence[Clerk]) -> tuple[float, float]:
    """Return after how long the first client was answered with success, and the last one."""
    loop = asyncio.get_running_loop()
    before = [clerk.done for clerk in clerks]
    began = loop.time()
    await ledger.until(lambda: any(clerk.done > done for clerk, done in zip(clerks, before, strict=True)))
    first = loop.time() - began
    await ledger.until(lambda: all(clerk.done > done for clerk, done in zip(clerks, before, strict=True)))
    return first, loop.time() - began


def test_under_load_the_database_is_pulled_away_and_comes_back(failing: tuple[Cluster, FreshDatabase]) -> None:
    """Every answer is a success or 503 with Retry-After; service is back within two seconds of the database."""
    cluster, database = failing

    async def scene(service: Service, key: str, patient_id: str) -> Ledger:
        ledger, address = Ledger(), Address()
        address.becomes(service.url)
        clerks = [Clerk(ledger, key, patient_id, address) for _ in range(24)]

        async def outage(begin: Callable[[], None], end: Callable[[], None]) -> None:
            answered, refused = ledger.all_answered, ledger.refused
            await ledger.until(lambda: ledger.all_answered >= answered + 100)
            await asyncio.to_thread(begin)
            await ledger.until(lambda: ledger.refused >= refused + 30)
            await asyncio.to_thread(end)
            first, last = await seconds_until_all_are_served(ledger, clerks)
            assert first < 2
            assert last < 10  # nobody is left behind; how soon is the machine's affair, on which all of them work

        async with working(clerks):
            await outage(lambda: cluster.stop("immediate"), cluster.start)
            await outage(cluster.freeze, cluster.thaw)
            await outage(lambda: cluster.stop("fast"), cluster.start)
        return ledger

    with running_service(database.service_url, DATABASE_POOL_SIZE="6", DATABASE_POOL_TIMEOUT="1") as service:
        key = paid_clinic(service, database)
        with service.client(key) as client:
            ledger = asyncio.run(scene(service, key, new_patient(client)))
            hold_against_what_is_stored(ledger, client, database)


@pytest.mark.parametrize("command", [SERVE, (*SERVE, "--workers", "2")], ids=["serve", "workers"])
def test_a_database_that_comes_and_must_not_be_served_from_ends_the_service(
    postgres_18: Server, command: Sequence[str]
) -> None:
    with server_that_fails(postgres_18.address.binaries) as (cluster, address):
        cluster.stop()
        with running_service(address.service_url, command=command, DATABASE_POOL_TIMEOUT="1") as service:
            with service.client() as anyone:
                waiting = anyone.get("/cases", headers={"X-API-Key": "any"})
                assert (waiting.status_code, waiting.headers["retry-after"]) == (503, "1")
            cluster.start()
            assert service.process.wait(60) == 1
    assert "clincore migrate upgrade head" in service.log
    assert "Traceback" not in service.log


@contextmanager
def successive_services(database_url: str) -> Iterator[Callable[[], Service]]:
    """Hand out one service after the other; each is being started while the one before it serves."""
    settings = {
        "DATABASE_URL": database_url,
        "REPERTORY_DB_PATH": "starter:",
        "BOOTSTRAP_TOKEN": TOKEN,
        "LOG_LEVEL": "WARNING",
    }
    made: list[tuple[Service, threading.Thread]] = [started(SERVE, **settings)]

    def next_service() -> Service:
        service = made[-1][0]
        service.wait_until_up()
        made.append(started(SERVE, **settings))
        return service

    try:
        yield next_service
    finally:
        for service, _ in made:
            service.process.kill()
        for service, reader in made:
            service.process.wait(30)
            reader.join(30)
            assert service.process.stdout is not None
            service.process.stdout.close()


def test_a_server_killed_fifty_times_under_load_loses_nothing_it_has_answered(fresh_database: FreshDatabase) -> None:
    async def scene(next_service: Callable[[], Service], key: str, patient_id: str) -> Ledger:
        ledger, address = Ledger(), Address()
        async with working([Clerk(ledger, key, patient_id, address) for _ in range(8)]):
            for _ in range(KILLS):
                service = await asyncio.to_thread(next_service)
                address.becomes(service.url)
                enough = ledger.all_answered + CALLS_BETWEEN_KILLS
                await ledger.until(lambda enough=enough: ledger.all_answered >= enough)  # type: ignore[misc]
                address.is_lost()
                service.process.kill()
            address.becomes((await asyncio.to_thread(next_service)).url)
        return ledger

    with successive_services(fresh_database.service_url) as next_service:
        service = next_service()
        key = paid_clinic(service, fresh_database)
        with service.client(key) as client:
            patient_id = new_patient(client)
        ledger = asyncio.run(scene(next_service, key, patient_id))
        with next_service().client(key) as client:
            hold_against_what_is_stored(ledger, client, fresh_database)
    assert ledger.unanswered.total() >= KILLS
