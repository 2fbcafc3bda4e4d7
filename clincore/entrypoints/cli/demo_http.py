"""The HTTP part of the demo: the real application on a free port of this machine."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, nullcontext
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from clincore.entrypoints.cli.serve import listening
from clincore.entrypoints.cli.uvicorn_server import serving
from clincore.entrypoints.http.app import Application
from clincore.entrypoints.http.lifecycle import Lifecycle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from clincore.services.core import ClinCore

_HOST: Final = "127.0.0.1"
_PATIENCE: Final = 20.0


@frozen
class Answer:
    status: int
    body: dict[str, Any]


@frozen
class Caller:
    """Makes calls to the service at ``port``."""

    port: int

    @property
    def address(self) -> str:
        return f"http://{_HOST}:{self.port}"

    async def get(self, path: str, api_key: str) -> Answer:
        return await asyncio.to_thread(self._get, path, api_key)

    def _get(self, path: str, api_key: str) -> Answer:
        connection = HTTPConnection(_HOST, self.port, timeout=_PATIENCE)
        try:
            connection.request("GET", path, headers={"X-API-Key": api_key})
            response = connection.getresponse()
            return Answer(response.status, json.loads(response.read()))
        finally:
            connection.close()


@asynccontextmanager
async def serving_http(core: ClinCore) -> AsyncIterator[Caller]:
    """Serve an opened core over HTTP until the block ends."""
    with listening(_HOST, 0) as listener:
        async with serving(Application(Lifecycle(lambda: nullcontext(core))), listener):
            yield Caller(listener.getsockname()[1])
