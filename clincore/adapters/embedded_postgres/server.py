"""The embedded server: PostgreSQL on a directory, from start to stop."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import psycopg
from attrs import define

from clincore.adapters.embedded_postgres.address import EmbeddedAddress
from clincore.adapters.embedded_postgres.binaries import find_binaries
from clincore.adapters.embedded_postgres.cluster import ensure_cluster
from clincore.adapters.embedded_postgres.errors import DirectoryUnusable, ServerFailed
from clincore.adapters.embedded_postgres.home import prepare_home
from clincore.adapters.embedded_postgres.lock import lock
from clincore.adapters.embedded_postgres.process import launch
from clincore.adapters.embedded_postgres.relocation import reachable_binaries
from clincore.adapters.embedded_postgres.setup import ensure_roles_and_database
from clincore.adapters.embedded_postgres.threads import finish

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from clincore.adapters.embedded_postgres.binaries import Binaries
    from clincore.adapters.embedded_postgres.home import Home
    from clincore.adapters.embedded_postgres.lock import DirectoryLock
    from clincore.adapters.embedded_postgres.process import ServerProcess

_READY_WITHIN = 120.0
"""Seconds; after a loss of power PostgreSQL first reads its write-ahead log."""
_INTERVAL = 0.02


class EmbeddedPostgres:
    """PostgreSQL 18 on one directory, for this process alone.

    It ends with ``stop``, and with this process, even where that is killed. ``durable`` False makes it faster, at
    the price of the data after a crash of the machine: for test suites.
    """

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self._directory = directory
        self._durable = durable
        self._run: _Run | None = None

    async def start(self) -> EmbeddedAddress:
        """Return the address of the server once it answers; at first use, make its data, roles and database.

        Raises EmbeddedPostgresError: nothing is running then.
        """
        run = _Run()
        try:
            address = await run.open(self._directory, durable=self._durable)
        except BaseException as exc:
            await finish(run.close)
            if isinstance(exc, OSError):
                raise DirectoryUnusable(self._directory, str(exc)) from exc
            raise
        self._run = run
        return address

    async def stop(self) -> None:
        """Shut the server down, and return when it has ended; connections that are open are closed."""
        run, self._run = self._run, None
        if run is not None:
            await finish(run.close)

    async def __aenter__(self) -> EmbeddedAddress:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


@define
class _Run:
    """What one start has opened so far, to be closed in the opposite order."""

    home: Home | None = None
    lock: DirectoryLock | None = None
    server: ServerProcess | None = None

    async def open(self, directory: Path, *, durable: bool) -> EmbeddedAddress:
        home = await finish(prepare_home, directory)
        binaries = await finish(lambda: reachable_binaries(find_binaries(), home.account))
        self.lock = await lock(home)
        self.home = home
        sockets = await finish(self._launch, home, self.lock, binaries, durable=durable)
        address = EmbeddedAddress.at(sockets, binaries.folder)
        connection = await self._connect(home, address)
        async with connection:
            try:
                await ensure_roles_and_database(connection)
            except psycopg.Error as exc:
                raise ServerFailed(home.path, "could not be set up", [str(exc)]) from exc
        return address

    def close(self) -> None:
        try:
            if self.lock is not None:
                self.lock.announce_end()
            if self.server is not None:
                self.server.end()
            if self.home is not None:
                self.home.remove_sockets()
        finally:
            if self.lock is not None:
                self.lock.release()

    def _launch(self, home: Home, lock: DirectoryLock, binaries: Binaries, *, durable: bool) -> Path:
        home.remove_sockets()
        ensure_cluster(home, binaries, lock, durable=durable)
        sockets = home.make_sockets()
        self.server = launch(home, binaries, lock, sockets, durable=durable)
        return sockets

    async def _connect(self, home: Home, address: EmbeddedAddress) -> psycopg.AsyncConnection[Any]:
        """Return the superuser's connection as soon as the server takes one."""
        assert self.server is not None
        deadline = time.monotonic() + _READY_WITHIN
        while True:
            try:
                return await psycopg.AsyncConnection.connect(address.superuser_url, autocommit=True)
            except psycopg.OperationalError as exc:
                if self.server.ended():
                    raise ServerFailed(home.path, "did not start", self.server.last_lines()) from exc
                if time.monotonic() > deadline:
                    what = f"does not answer after {_READY_WITHIN:.0f} seconds"
                    raise ServerFailed(home.path, what, self.server.last_lines()) from exc
            await asyncio.sleep(_INTERVAL)
