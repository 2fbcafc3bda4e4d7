"""Uvicorn as the command line runs it: on a socket that is bound already, and quiet."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from clincore.domain.errors import ClinCoreError
from clincore.entrypoints.cli.http_protocol import ProblemProtocol
from clincore.entrypoints.cli.telling import tell

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Iterator

_OPTIONS: Final[dict[str, Any]] = {
    "http": ProblemProtocol,
    "log_config": None,
    "access_log": False,
    "server_header": False,
    "lifespan": "on",
}


class ServiceFailed(ClinCoreError):
    """The service did not start."""


def serve(listener: socket.socket, address: str) -> None:
    """Serve ``clincore.api.main:app`` until a signal ends it; raises ServiceFailed where it does not start."""
    server = _Announcing(uvicorn.Config("clincore.api.main:app", **_OPTIONS), address)
    log = _ServerLog(server)
    logger = logging.getLogger("uvicorn.error")
    logger.handlers[:] = [log]
    logger.propagate = False
    try:
        server.run(sockets=[listener])
    except SystemExit:
        raise ServiceFailed(log.reason) from None
    if not server.started:
        raise ServiceFailed(log.reason)


@asynccontextmanager
async def serving(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    """Serve an application beside the running task, leaving signals to it; connections wait until it is ready."""
    listener.listen()
    server = _WithoutSignals(uvicorn.Config(app, **_OPTIONS))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


class _Announcing(uvicorn.Server):
    """Says where it serves once it does."""

    def __init__(self, config: uvicorn.Config, address: str) -> None:
        super().__init__(config)
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            tell(f"ClinCore serves at {self._address}; Ctrl-C stops it.")


class _WithoutSignals(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _ServerLog(logging.Handler):
    """Keeps what is said before the start as the reason of a failed one; tells what is said later."""

    def __init__(self, server: uvicorn.Server) -> None:
        super().__init__(logging.WARNING)
        self._server = server
        self._said: list[str] = []

    @property
    def reason(self) -> str | None:
        """What was said first, which is the cause; what follows only says that it ends."""
        return self._said[0] if self._said else None

    def emit(self, record: logging.LogRecord) -> None:
        if self._server.started:
            logging.getLogger().handle(record)
        else:
            self._said.append(record.getMessage())
