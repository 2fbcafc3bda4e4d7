"""The lock that keeps a second server off a directory.

It is a ``flock``, held through a descriptor that the supervisor and PostgreSQL share with us: the directory stays
locked until all of it has ended, however it ended. The file holds the process id of the owner, and nothing while
the server shuts down.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import time
from typing import TYPE_CHECKING

from attrs import frozen

from clincore.adapters.embedded_postgres.errors import DirectoryInUse

if TYPE_CHECKING:
    from clincore.adapters.embedded_postgres.home import Home

_INTERVAL = 0.05
_GRACE = 0.5
"""Seconds until an owner that seems to live is believed: one that was killed may stay a zombie for a moment."""
_PATIENCE = 40.0
"""Seconds that a server may take to shut down; the supervisor uses force long before."""


@frozen
class DirectoryLock:
    """A lock that is held."""

    descriptor: int

    def announce_end(self) -> None:
        """Tell newcomers that it is worth waiting."""
        os.ftruncate(self.descriptor, 0)

    def release(self) -> None:
        """Let go; the directory is free as soon as PostgreSQL, should it still run, has ended too."""
        os.close(self.descriptor)


async def lock(home: Home) -> DirectoryLock:
    """Return the lock on ``home``, after waiting for a server there that is shutting down.

    Raises DirectoryInUse where the server's owner lives, or the server does not end.
    """
    descriptor = home.open_file(home.lock, os.O_RDWR)
    try:
        await _acquire(descriptor, home)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except BaseException:
        os.close(descriptor)
        raise
    return DirectoryLock(descriptor)


async def _acquire(descriptor: int, home: Home) -> None:
    began = time.monotonic()
    while not _try(descriptor):
        pid = _owner(descriptor)
        waited = time.monotonic() - began
        if waited > _PATIENCE or (waited > _GRACE and pid is not None and _lives(pid)):
            raise DirectoryInUse(home.path, pid)
        await asyncio.sleep(_INTERVAL)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        if exc.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise
    return True


def _owner(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # It is another user's.
        pass
    return True
