"""A service that is told to stop finishes what it is doing, with one process and with several."""

from __future__ import annotations

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest
from command_line import clincore, clincore_process, line_with, passable_directory, processes_naming, running
from service import SERVE, UVICORN, running_service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from databases import FreshDatabase, NewDatabase
    from service import Service

WORKERS = (*SERVE, "--workers", "2")
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def wait_until_refused(url: str) -> None:
    """Connect until nobody takes connections any more."""
    host, port = url.removeprefix("http://").split(":")
    while True:
        with suppress(ConnectionResetError):  # taken by the system, and not by the service
            try:
                socket.create_connection((host, int(port)), timeout=10).close()
            except ConnectionRefusedError:
                return


def children(process: int) -> set[int]:
    """Of a process, those started by any of its threads."""
    found: set[int] = set()
    for thread in Path(f"/proc/{process}/task").iterdir():
        found |= {int(child) for child in (thread / "children").read_text(encoding="ascii").split()}
    return found


def new_case(client: httpx.Client) -> str:
    patient = client.post("/patients", json={"full_name": "Ada Example"}).json()
    body = {"patient_id": patient["id"], "input_payload": {"symptom_ids": [8, 18]}}
    case_id: str = client.post("/cases", json=body).json()["case_id"]
    return case_id


def stopped_while_it_finalizes(service: Service, database: FreshDatabase) -> tuple[httpx.Response, int]:
    """Stop the service while a call waits for a lock; return the call's answer, and the service's exit code."""
    with (
        service.client(service.bootstrap()) as client,
        psycopg.connect(database.superuser_url) as superuser,
        ThreadPoolExecutor() as threads,
    ):
        case_id = new_case(client)
        superuser.execute("SELECT FROM public.cases WHERE id = %s FOR UPDATE", [case_id])
        answer = threads.submit(client.post, f"/cases/{case_id}/finalize")
        while database.rows(_WAITING) == [(0,)]:
            assert not answer.done()
        service.process.send_signal(signal.SIGTERM)
        wait_until_refused(service.url)
        superuser.rollback()
        return answer.result(30), service.process.wait(30)


@pytest.mark.parametrize(
    ("command", "code"),
    [(UVICORN, -signal.SIGTERM), (SERVE, 0), (WORKERS, 0)],
    ids=["uvicorn", "serve", "workers"],
)
def test_what_is_running_is_answered_and_new_connections_are_refused(
    command: Sequence[str], code: int, fresh_database: FreshDatabase
) -> None:
    with running_service(fresh_database.service_url, command=command) as service:
        answer, ended = stopped_while_it_finalizes(service, fresh_database)
    assert (answer.status_code, ended) == (200, code)
    stored = fresh_database.rows("SELECT status, result_signature FROM public.cases")
    assert stored == [("finalized", answer.json()["signature"])]


def test_a_worker_that_dies_is_replaced_and_its_place_is_taken_meanwhile(fresh_database: FreshDatabase) -> None:
    with (
        running_service(fresh_database.service_url, command=WORKERS) as service,
        service.client(service.bootstrap()) as client,
    ):
        before = children(service.process.pid)
        assert len(before) == 2
        killed = min(before)
        os.kill(killed, signal.SIGKILL)
        while children(service.process.pid) in (before, before - {killed}):
            with httpx.Client(base_url=service.url, headers=client.headers, timeout=30) as another:
                assert another.get("/cases").status_code == 200
        assert killed not in children(service.process.pid)
        assert len(children(service.process.pid)) == 2


def test_workers_end_where_the_process_that_started_them_is_killed(fresh_database: FreshDatabase) -> None:
    with running_service(fresh_database.service_url, command=WORKERS) as service:
        service.process.kill()
        wait_until_refused(service.url)


def test_memory_is_not_shared_between_workers() -> None:
    ended = clincore("serve", "--port", "0", "--workers", "2", DATABASE_URL="memory:", REPERTORY_DB_PATH="starter:")
    assert (ended.code, ended.out) == (2, "")
    assert "DATABASE_URL is memory:, which is the memory of one process: leave --workers away" in ended.err


def test_what_no_worker_can_serve_from_is_told_once(new_database: NewDatabase) -> None:
    with new_database(migrated=False) as made:
        ended = clincore_process(
            "serve", "--port", "0", "--workers", "3", DATABASE_URL=made.service_url, REPERTORY_DB_PATH="starter:"
        )
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.count("clincore migrate upgrade head") == 1


def test_workers_share_one_embedded_server() -> None:
    with passable_directory() as ground:
        directory = ground / "db"
        with running("serve", "--port", "0", "--workers", "2", "--embedded", directory) as process:
            url = line_with("ClinCore serves at ", process).removeprefix("ClinCore serves at ").split(" with ")[0]
            assert httpx.get(f"{url}/ready").status_code == 200
            assert len([line for line in processes_naming(directory / "data") if "supervisor" in line]) == 1
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        assert processes_naming(directory) == []
