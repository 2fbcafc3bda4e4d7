"""Several processes that serve on one socket, and the one that starts them, replaces them and ends them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, Final

import click
from attrs import define, field

from clincore.database_url import DatabaseKind
from clincore.domain.errors import ClinCoreError, SettingsError
from clincore.entrypoints.cli.running import Terminated, run
from clincore.entrypoints.cli.telling import tell
from clincore.entrypoints.cli.worker import TOLD

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from clincore.settings import Settings

_WORKER: Final = (sys.executable, "-m", "clincore.entrypoints.cli.worker")
_END_SECONDS: Final = 40.0
"""More than a worker grants what it is still answering."""
_AGAIN_SECONDS: Final = 1.0
"""Before a worker is replaced that did not live long enough to serve."""


class WorkerFailed(ClinCoreError):
    """A worker did not start."""

    def __init__(self, how: str) -> None:
        super().__init__(f"A worker {how} before it served.")


def serve_with_workers(listener: socket.socket, address: str, count: int, settings: Settings) -> None:
    """Serve with so many processes until a signal ends it, after the last answer of each.

    The first one starts alone: what it cannot serve from is told once, and what it derives from a repertory is there
    for the others. An embedded server belongs to this process. Raises SettingsError for ``memory:``.
    """
    if settings.database.kind is DatabaseKind.MEMORY:
        raise SettingsError(
            [
                "DATABASE_URL is memory:, which is the memory of one process: leave --workers away, or name a "
                "PostgreSQL database (or embedded:DIRECTORY)."
            ]
        )
    try:
        run(_serve(listener, address, count, settings))
    except Terminated as ended:
        if ended.signal != signal.SIGTERM:
            raise


async def _serve(listener: socket.socket, address: str, count: int, settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        environment = dict(os.environ)
        if settings.database.directory is not None:
            from clincore.wiring import start_embedded_at_head

            started = start_embedded_at_head(settings.database.directory)
            environment["DATABASE_URL"] = await stack.enter_async_context(started)
        workers = [_Worker(listener, environment) for _ in range(count)]
        stack.push_async_callback(_end, workers)
        stack.callback(listener.close)  # so that nobody waits for a process that takes no more connections
        await workers[0].start()
        await _each(worker.start() for worker in workers[1:])
        tell(f"ClinCore serves at {address} with {count} workers; Ctrl-C stops it.")
        await _each(worker.keep() for worker in workers)


async def _end(workers: Iterable[_Worker]) -> None:
    await asyncio.gather(*(worker.end() for worker in workers))


async def _each(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all of it at once; what fails first ends the rest, and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


@define
class _Worker:
    """A place for a worker's process, which is filled again where it ends."""

    _listener: socket.socket
    _environment: dict[str, str]
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)
    _line: socket.socket | None = field(default=None, init=False)
    """The worker says on it that it serves, and ends where it is cut."""

    async def start(self) -> None:
        """Start a process, and return once it serves; raises WorkerFailed, and Exit where it has told why not."""
        if not await self._started():
            raise WorkerFailed(await self._how_it_ended())

    async def keep(self) -> None:
        """Replace the process whenever it dies; raises Exit where it has told why it cannot serve."""
        while True:
            tell(f"A worker {await self._how_it_ended()}; another takes its place.")
            while not await self._started():
                tell(f"A worker {await self._how_it_ended()} before it served; another is tried.")
                await asyncio.sleep(_AGAIN_SECONDS)

    async def end(self) -> None:
        """Let the process finish what it is answering, and return when it has ended."""
        process = self._process
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(_END_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._line is not None:
            self._line.close()

    async def _started(self) -> bool:
        if self._line is not None:
            self._line.close()
        self._line, its = socket.socketpair()
        self._line.setblocking(False)
        handed = (self._listener.fileno(), its.fileno())
        with its:
            # In a session of its own, so that Ctrl-C reaches this process alone.
            self._process = await asyncio.create_subprocess_exec(
                *_WORKER,
                *map(str, handed),
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=handed,
                start_new_session=True,
            )
        return bool(await asyncio.get_running_loop().sock_recv(self._line, 1))

    async def _how_it_ended(self) -> str:
        """Wait until the process has ended; raises Exit where it has told why it cannot serve."""
        assert self._process is not None
        code = await self._process.wait()
        if code > TOLD:
            raise click.exceptions.Exit(code - TOLD)
        return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
