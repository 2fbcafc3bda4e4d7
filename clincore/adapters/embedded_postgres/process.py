"""The running server, seen from its owner."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from clincore.adapters.embedded_postgres.environment import ENVIRONMENT, postgres_arguments
from clincore.adapters.embedded_postgres.home import socket_paths

if TYPE_CHECKING:
    from clincore.adapters.embedded_postgres.binaries import Binaries
    from clincore.adapters.embedded_postgres.home import Home
    from clincore.adapters.embedded_postgres.lock import DirectoryLock
    from clincore.adapters.embedded_postgres.supervisor import Plan

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_LOADER = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_LAST_LINES = 20


@frozen
class ServerProcess:
    """A supervisor with its PostgreSQL, and the write end of the pipe that keeps both alive."""

    supervisor: subprocess.Popen[bytes]
    control: int
    log: Path
    log_start: int

    def ended(self) -> bool:
        """Tell whether PostgreSQL, and with it the supervisor, has ended."""
        return self.supervisor.poll() is not None

    def end(self) -> None:
        """Shut PostgreSQL down and wait until it has ended; the supervisor's patience bounds the time."""
        os.close(self.control)
        self.supervisor.wait()

    def last_lines(self) -> list[str]:
        """Return the last lines that this server has logged."""
        with self.log.open("rb") as log:
            log.seek(self.log_start)
            return log.read().decode(errors="replace").splitlines()[-_LAST_LINES:]


def launch(home: Home, binaries: Binaries, lock: DirectoryLock, sockets: Path, *, durable: bool) -> ServerProcess:
    """Start PostgreSQL; it need not answer yet, and may still end with an error."""
    log = home.open_log()
    log_start = os.fstat(log).st_size
    # The write end stays ours alone: Python makes it non-inheritable, and only the other one is passed on.
    reading, writing = os.pipe()
    plan: Plan = {
        "command": [str(binaries.postgres), *postgres_arguments(home.data, sockets, durable=durable)],
        "environment": ENVIRONMENT,
        "user": home.account.uid if home.account else None,
        "group": home.account.gid if home.account else None,
        "owner": os.getpid(),
        "control": reading,
        "lock": lock.descriptor,
        "sockets": [str(path) for path in socket_paths(sockets)],
    }
    try:
        supervisor = subprocess.Popen(  # noqa: S603  our own script
            [sys.executable, "-I", "-S", _SUPERVISOR, json.dumps(plan)],
            # What Python itself may need to be loaded, and none of the service's secrets.
            env={name: os.environ[name] for name in _LOADER if name in os.environ},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(reading, lock.descriptor),
            start_new_session=True,
        )
    except BaseException:
        os.close(writing)
        raise
    finally:
        os.close(reading)
        os.close(log)
    return ServerProcess(supervisor, writing, home.log, log_start)
