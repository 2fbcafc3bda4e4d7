"""``clincore serve`` in the test's own process, spoken to over sockets byte by byte."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from attrs import frozen

import clincore
from clincore.domain.api_key import parse_api_key
from clincore.domain.call import Call
from clincore.domain.usage import Endpoint
from clincore.entrypoints.cli.serve import listening
from clincore.entrypoints.cli.uvicorn_server import serving
from clincore.entrypoints.http.app import Application
from clincore.entrypoints.http.lifecycle import Lifecycle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from clincore import ClinCore
    from clincore.entrypoints.cli.connections import Limits


@frozen
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


@frozen
class Ground:
    """A service in this process, on memory, seen through real sockets."""

    core: ClinCore
    port: int
    key: str

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    def head(self, method: str, path: str, *lines: str) -> bytes:
        return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", f"X-API-Key: {self.key}", *lines, "", ""]).encode()

    async def get(self, path: str) -> Answer:
        """Ask over a connection of its own."""
        reader, writer = await self.connect()
        writer.write(self.head("GET", path, "Connection: close"))
        answer = await read_answer(reader)
        writer.close()
        return answer

    async def enter_patient(self) -> Answer:
        """Enter a patient over a connection of its own."""
        body = b'{"full_name": "Ada Example"}'
        lines = ("Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close")
        reader, writer = await self.connect()
        writer.write(self.head("POST", "/patients", *lines) + body)
        answer = await read_answer(reader)
        writer.close()
        return answer

    @asynccontextmanager
    async def database_taken(self) -> AsyncIterator[None]:
        """Let every call with a key wait for the database until the block ends."""
        parsed = parse_api_key(self.key)
        call = Call(
            tenant_id=parsed.tenant_id,
            key_digest=parsed.digest,
            endpoint=Endpoint.LIST_CASES,
            admin_only=False,
            request_id="the-test",
            at=self.core.resources.clock.now(),
        )
        async with self.core.resources.database.unit_of_work(call):
            yield


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    async with asyncio.timeout(20):
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
    return Answer(int(first.split()[1]), headers, json.loads(body))


async def read_last_answer(reader: asyncio.StreamReader) -> Answer:
    """The answer, after which the connection ends."""
    answer = await read_answer(reader)
    async with asyncio.timeout(20):
        assert await reader.read() == b""
    return answer


def refusal(answer: Answer) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"]
    assert answer.headers["connection"] == "close"
    return answer.status, answer.body["type"].removeprefix("urn:clincore:problem:")


@asynccontextmanager
async def served(core: ClinCore, limits: Limits) -> AsyncIterator[int]:
    """Serve until the block ends; yield the port."""
    with listening("127.0.0.1", 0) as listener:
        async with serving(Application(Lifecycle(lambda: nullcontext(core)), calls_at_once=8), listener, limits):
            yield listener.getsockname()[1]


def run(tmp_path: Path, limits: Limits, scene: Callable[[Ground], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with clincore.open("memory:", cache_directory=tmp_path) as core:
            key = (await core.tenants.create("Clinic")).api_key
            async with served(core, limits) as port:
                await scene(Ground(core, port, key))

    asyncio.run(whole())
