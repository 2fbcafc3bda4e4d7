"""``clincore serve`` starts the service, or says in one message why not; what it started ends with it."""

from __future__ import annotations

import json
import os
import signal
import socket
from contextlib import suppress
from http.client import HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from command_line import clincore, clincore_process, line_with, passable_directory, processes_naming, running

from clincore.entrypoints.cli.serve import default_directory

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from databases import NewDatabase

MEMORY = {"DATABASE_URL": "memory:", "REPERTORY_DB_PATH": "starter:"}


@pytest.fixture
def ground() -> Iterator[Path]:
    with passable_directory() as made:
        yield made


@pytest.fixture(scope="module")
def memory_service() -> Iterator[str]:
    """A service in memory for the whole module; the address it serves at."""
    with running("serve", "--port", "0", **MEMORY) as process:
        yield address_of(process)
        process.terminate()


def address_of(process: subprocess.Popen[str]) -> str:
    """Wait until the service says where it serves."""
    return line_with("ClinCore serves at ", process).removeprefix("ClinCore serves at ").split(";")[0]


def test_embedded_brings_its_own_postgres_and_takes_it_away(ground: Path) -> None:
    directory = ground / "db"
    arguments = ("serve", "--embedded", directory, "--port", 0)
    with running(*arguments, BOOTSTRAP_TOKEN="a token") as process:  # noqa: S106
        started = line_with("Starting: ", process)
        assert f"PostgreSQL on {directory}, with the starter repertory" in started
        assert "/bootstrap" in line_with("The first clinic ", process)
        url = address_of(process)
        assert httpx.get(f"{url}/ready").status_code == 200
        answer = httpx.post(
            f"{url}/bootstrap", json={"tenant_name": "First"}, headers={"Authorization": "Bearer a token"}
        )
        assert answer.status_code == 201
        assert "server" not in answer.headers
        assert processes_naming(directory / "data")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert processes_naming(directory) == []


def test_without_a_token_it_says_how_the_first_clinic_is_set_up(ground: Path) -> None:
    with running("serve", "--port", "0", "--embedded", ground / "db") as process:
        assert "BOOTSTRAP_TOKEN" in line_with("The first clinic ", process)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


def test_ctrl_c_stops_it() -> None:
    with running("serve", "--port", "0", **MEMORY) as process:
        assert httpx.get(f"{address_of(process)}/health").json() == {"status": "ok"}
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


@pytest.mark.parametrize(
    ("sent", "status", "name"),
    [
        (b"GET /health HTTP/1.1\r\n\r\n", 400, "unreadable-request"),
        (b"nonsense\r\n\r\n", 400, "unreadable-request"),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n", 400, "unreadable-request"),
        (b"POST /patients HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "unreadable-request"),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 200_000, 431, "headers-too-large"),
    ],
    ids=["no host", "no request line", "no header", "broken chunk", "headers without end"],
)
def test_what_is_no_http_is_answered_with_a_problem_and_an_id(
    memory_service: str, sent: bytes, status: int, name: str
) -> None:
    line = socket.create_connection(("127.0.0.1", urlsplit(memory_service).port or 0), timeout=20)
    with line, HTTPResponse(line) as answer:
        with suppress(ConnectionResetError, BrokenPipeError):  # it may hang up before all is sent
            line.sendall(sent)
        answer.begin()
        problem = json.loads(answer.read())
    assert (answer.status, problem["status"], problem["type"]) == (status, status, f"urn:clincore:problem:{name}")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Connection"] == "close"
    assert UUID(answer.headers["X-Request-ID"])
    assert httpx.get(f"{memory_service}/health").status_code == 200


def test_every_missing_setting_is_named_at_once() -> None:
    ended = clincore_process("serve", "--port", "0")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: ClinCore cannot start:\n")
    assert "DATABASE_URL is not set" in ended.err
    assert "REPERTORY_DB_PATH is not set" in ended.err


def test_a_wrong_parameter_of_the_engine_is_named(tmp_path: Path) -> None:
    config = tmp_path / "mcare.json"
    config.write_text('{"alpha": -1, "omega": 1}')
    ended = clincore("serve", "--port", "0", MCARE_CONFIG_PATH=str(config), **MEMORY)
    assert (ended.code, ended.out) == (2, "")
    assert "alpha: must be a number" in ended.err
    assert "omega: is not a parameter" in ended.err


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = clincore("serve", "--port", port, **MEMORY)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        f"error: Cannot listen on 127.0.0.1, port {port}: address already in use. "
        "Choose another with --host and --port.\n"
    )


def test_a_host_that_is_none_is_one_clear_line() -> None:
    ended = clincore("serve", "--host", "256.0.0.1.", **MEMORY)
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert ended.err.startswith("error: Cannot listen on 256.0.0.1., port 8000: ")


def test_a_database_before_the_head_stops_the_start(new_database: NewDatabase) -> None:
    with new_database(migrated=False) as made:
        ended = clincore_process("serve", "--port", "0", DATABASE_URL=made.service_url, REPERTORY_DB_PATH="starter:")
    assert (ended.code, ended.out) == (1, "")
    assert [line for line in ended.err.splitlines() if line.startswith("error: ")] == ended.err.splitlines()[-1:]
    assert "clincore migrate upgrade head" in ended.err


def test_a_foreign_file_for_a_repertory_stops_the_start(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.sqlite"
    foreign.write_text("no repertory")
    ended = clincore_process("serve", "--port", "0", DATABASE_URL="memory:", REPERTORY_DB_PATH=str(foreign))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines()[-1].startswith(f"error: {foreign}")


def test_the_default_directory_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_directory() == tmp_path / "clincore"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert default_directory() == Path.home() / ".local" / "share" / "clincore"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_directory() == Path("/var/lib/clincore")
