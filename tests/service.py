"""A running service: the real server process, on a free port, in an environment of its own."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from attrs import define, field, frozen

import clincore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TOKEN = "the-operators-token-of-this-test"  # noqa: S105 - of a service that lives for one test
_RUNNING = re.compile(r"(?:Uvicorn running on|ClinCore serves at) (http://127\.0\.0\.1:\d+)")
UVICORN = ("-m", "uvicorn", "clincore.api.main:app")
SERVE = ("-m", "clincore.entrypoints.cli", "serve")
_SETTINGS = (
    "DATABASE_",
    "MIGRATION_",
    "BACKUP_",
    "REPERTORY_",
    "MCARE_",
    "BOOTSTRAP_",
    "FREE_TIER_",
    "LOG_",
    "UVICORN_",
)


def environment(**settings: str) -> dict[str, str]:
    """The caller's environment with these settings and no others of ClinCore's."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    return {**inherited, **settings}


@define
class Service:
    """A server process; ``log`` is what it has written so far."""

    process: subprocess.Popen[str]
    url: str = ""
    _lines: list[str] = field(factory=list)

    @property
    def log(self) -> str:
        return "".join(self._lines)

    def read_log(self) -> None:
        """Read the log to its end, noting the address; runs in a thread."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)
            if found := _RUNNING.search(line):
                self.url = found.group(1)
                self._up.set()
        self._up.set()

    _up: threading.Event = field(factory=threading.Event)

    def wait_until_up(self) -> None:
        assert self._up.wait(60), self.log
        assert self.url, self.log

    def client(self, key: str | None = None) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"X-API-Key": key} if key else {}, timeout=30)

    def bootstrap(self) -> str:
        """Set up the first clinic; return its admin key."""
        with self.client() as client:
            answer = client.post(
                "/bootstrap", json={"tenant_name": "First"}, headers={"Authorization": f"Bearer {TOKEN}"}
            )
        assert answer.status_code == 201, answer.text
        key: str = answer.json()["api_key"]
        return key


@frozen
class Clinics:
    """A running service with two clinics in it, each seen through a client with an admin key."""

    service: Service
    first: httpx.Client
    second: httpx.Client


def new_tenant(database_url: str) -> str:
    """Set up another tenant through the services; return its admin key."""

    async def create() -> str:
        async with clincore.open(database_url) as core:
            return (await core.tenants.create("Second")).api_key

    return asyncio.run(create())


def started(command: Sequence[str] = UVICORN, /, **settings: str) -> tuple[Service, threading.Thread]:
    """Start a server process without waiting for it."""
    process = subprocess.Popen(
        [sys.executable, *command, "--port", "0"],
        env=environment(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    service = Service(process)
    reader = threading.Thread(target=service.read_log)
    reader.start()
    return service, reader


@contextmanager
def running_service(database_url: str, *, command: Sequence[str] = UVICORN, **settings: str) -> Iterator[Service]:
    """Run the service on a database until the block ends."""
    defaults = {"DATABASE_URL": database_url, "REPERTORY_DB_PATH": "starter:", "BOOTSTRAP_TOKEN": TOKEN}
    service, reader = started(command, **{**defaults, **settings})
    try:
        service.wait_until_up()
        yield service
    finally:
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(30)
        reader.join(30)
        assert service.process.stdout is not None
        service.process.stdout.close()


def refused_start(*, command: Sequence[str] = UVICORN, **settings: str) -> tuple[int, str]:
    """Start a server that is expected to end by itself; return its exit code and its log."""
    service, reader = started(command, **settings)
    code = service.process.wait(60)
    reader.join(30)
    assert service.process.stdout is not None
    service.process.stdout.close()
    return code, service.log


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    """The problem details of a refusal, whose form is checked."""
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"].startswith("urn:clincore:problem:")
    assert problem["title"]
    assert problem["detail"]
    return problem
