"""A process that runs PostgreSQL for as long as its owner lives, and not longer.

Run as a script with one argument, a ``Plan`` in JSON; needs nothing but the standard library. Its owner holds the
write end of a pipe: the end of that pipe, for whatever reason it comes, is the one order this process knows.
Signals are not orders: a service manager sends SIGTERM to everybody at once, and the owner may still have work.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

_ENDINGS = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, None))
"""Fast shutdown, immediate shutdown, force: each with the seconds it is given."""

_STEADY_SECONDS = 1.0
"""A server that ran for this long and then ended by itself, killed for lack of memory perhaps, is run again."""
_TRIES = 20
"""How often at most: what is left of the old one may have to end first."""
_PAUSE_SECONDS = 0.25

_PR_SET_PDEATHSIG = 1


class Plan(TypedDict):
    """What to run, and when to end it."""

    command: list[str]
    environment: dict[str, str]
    user: int | None
    group: int | None
    owner: int
    control: int
    """The read end of the owner's pipe."""
    lock: int
    sockets: list[str]
    """The directory of the socket and the files in it, in the order in which they are removed."""


def main(plan: Plan) -> int:
    """Run PostgreSQL; return 0 if it was ended, 1 if it ended by itself and could not be run again."""
    wakeup = _signals()
    ends = [plan["control"], *_owner(plan["owner"])]
    tries = 0
    while True:
        server, began = _launch(plan), time.monotonic()
        ended = _wait(server, wakeup, ends)
        tries = _TRIES if time.monotonic() - began >= _STEADY_SECONDS else tries - 1
        if ended or tries <= 0 or (ended := bool(select.select(ends, [], [], _PAUSE_SECONDS)[0])):
            break
    if ended:
        # An empty lock file tells newcomers that it is worth waiting.
        os.ftruncate(plan["lock"], 0)
    _end(server)
    _remove(plan["sockets"])
    if ended:
        # A fork of the owner may share the lock, and must not keep it.
        fcntl.flock(plan["lock"], fcntl.LOCK_UN)
    return 0 if ended else 1


def _launch(plan: Plan) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603
        plan["command"],
        env=plan["environment"],
        cwd="/",
        user=plan["user"],
        group=plan["group"],
        extra_groups=[] if plan["user"] is not None else None,
        stdin=subprocess.DEVNULL,
        # PostgreSQL shares the lock, so that it is held for as long as it runs, even without us.
        pass_fds=(plan["lock"],),
        preexec_fn=_die_with_parent,  # noqa: PLW1509  there are no threads here
    )


def _signals() -> int:
    """Ignore signals, without PostgreSQL's inheriting that; return a descriptor that tells of each."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return reading


def _die_with_parent() -> None:
    """Have the kernel shut PostgreSQL down if even the supervisor is killed (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)


def _owner(pid: int) -> list[int]:
    """Return a descriptor that tells of the owner's end even where a fork of it still holds the pipe."""
    descriptors: list[int] = []
    if sys.platform == "linux":
        # Where the owner has ended already, or the kernel is too old, the pipe tells it alone.
        with suppress(OSError, AttributeError):
            descriptors.append(os.pidfd_open(pid))
    return descriptors


def _wait(server: subprocess.Popen[bytes], wakeup: int, ends: list[int]) -> bool:
    """Return True when one of ``ends`` tells that the owner wants an end, False when PostgreSQL has ended."""
    while server.poll() is None:
        ready, _, _ = select.select([wakeup, *ends], [], [])
        if any(end in ready for end in ends):
            return True
        os.read(wakeup, 1024)
    return False


def _end(server: subprocess.Popen[bytes]) -> None:
    for number, seconds in _ENDINGS:
        server.send_signal(number)
        try:
            server.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return


def _remove(sockets: list[str]) -> None:
    *files, directory = map(Path, sockets)
    # PostgreSQL has removed its files already, unless it was killed.
    with suppress(OSError):
        for file in files:
            file.unlink(missing_ok=True)
        directory.rmdir()


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
