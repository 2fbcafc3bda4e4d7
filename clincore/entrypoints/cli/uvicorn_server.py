"""Uvicorn as the command line runs it: on a socket that is bound already, and quiet."""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import signal
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click
import uvicorn

from clincore.domain.errors import ClinCoreError
from clincore.entrypoints.cli.connections import Connection, Limits, watch
from clincore.entrypoints.cli.running import Terminated
from clincore.entrypoints.cli.telling import FAILED
from clincore.entrypoints.http.service import make_app

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Iterator

_OPTIONS: Final[dict[str, Any]] = {
    "log_config": None,
    "access_log": False,
    "server_header": False,
    "lifespan": "on",
    "ws": "none",
    "proxy_headers": False,
    "backlog": 256,  # accepted in one go, before any of them is counted
}


_FILES: Final = 1024
"""More than the repertory and the pool of connections to the database need."""


class ServiceFailed(ClinCoreError):
    """The service did not start."""


def serve(listener: socket.socket, begun: Callable[[Callable[[], None]], None]) -> None:
    """Serve until a signal ends it, after the last answer; raises ServiceFailed where it does not start.

    ``begun`` is called once it serves, with what ends it too.
    """
    app = make_app()
    limits = Limits()
    _allow_descriptors(limits)
    server = _Announcing(app, limits, begun)
    log = _ServerLog(server)
    logger = logging.getLogger("uvicorn.error")
    logger.handlers[:] = [log]
    logger.propagate = False
    try:
        with _terminated():
            server.run(sockets=[listener])
    except SystemExit:
        raise ServiceFailed(log.reason) from None
    except Terminated:
        if not server.started:
            raise
    if not server.started:
        raise ServiceFailed(log.reason)
    if app.failure is not None:  # which the log has told
        raise click.exceptions.Exit(FAILED)


def _allow_descriptors(limits: Limits) -> None:
    """Let the process have as many connections as it may hold at once, and files besides, where the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * limits.connections + _FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


@asynccontextmanager
async def serving(app: Any, listener: socket.socket, limits: Limits | None = None) -> AsyncIterator[None]:
    """Serve an application beside the running task, leaving signals to it; connections wait until it is ready."""
    listener.listen()
    server = _WithoutSignals(app, limits or Limits())
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


@contextmanager
def _terminated() -> Iterator[None]:
    """Raise Terminated in the block for the SIGTERM that uvicorn passes on once it has stopped."""

    def end(number: int, _frame: object) -> None:
        raise Terminated(signal.Signals(number))

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Server(uvicorn.Server):
    """Watches its connections, until the last of them is gone."""

    def __init__(self, app: Any, limits: Limits) -> None:
        http: Any = partial(Connection, limits=limits)
        super().__init__(uvicorn.Config(app, http=http, timeout_graceful_shutdown=limits.grace, **_OPTIONS))
        self._every = limits.look

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        watching = asyncio.create_task(watch(self.server_state.connections, self._every))
        try:
            await super().serve(sockets)
        finally:
            watching.cancel()


class _Announcing(_Server):
    """Says so once it serves."""

    def __init__(self, app: Any, limits: Limits, begun: Callable[[Callable[[], None]], None]) -> None:
        super().__init__(app, limits)
        self._begun = begun

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            gc.collect()
            gc.freeze()  # what is loaded now stays: no collection needs to look at it again
            self._begun(self._end)

    def _end(self) -> None:
        self.should_exit = True


class _WithoutSignals(_Server):
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
