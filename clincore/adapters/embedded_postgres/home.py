"""What lies where in the directory of an embedded server."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from clincore.adapters.embedded_postgres.accounts import Account, account_for
from clincore.adapters.embedded_postgres.address import PORT
from clincore.adapters.embedded_postgres.errors import DirectoryUnreachable

_SOCKETS = "/tmp"  # noqa: S108  a socket's path must be short; mkdtemp makes a private directory in it
_SOCKETS_PREFIX = "clincore-pg-"
_SOCKETS_NAME = re.compile(rf"{re.escape(_SOCKETS)}/{_SOCKETS_PREFIX}\w+")
_LOG_LIMIT = 10_000_000


@frozen
class Home:
    """The directory that holds one server's data, lock and log."""

    path: Path
    account: Account | None = None
    """The user PostgreSQL runs as; None for ourselves."""

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.path / "data"

    @property
    def lock(self) -> Path:
        """Locked while a server runs here."""
        return self.path / "lock"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.path / "server.log"

    @property
    def note(self) -> Path:
        """Names the directory of the socket, so that one left behind can be found."""
        return self.path / "socket"

    def make_private(self, prefix: str, parent: Path | str) -> Path:
        """Make a new directory that only the user PostgreSQL runs as can open."""
        made = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        if self.account is not None:
            self.account.own(made)
        return made

    def make_sockets(self) -> Path:
        """Make the directory of the socket, and note where it is."""
        sockets = self.make_private(_SOCKETS_PREFIX, _SOCKETS)
        # Never through a link: where we are root, the directory belongs to somebody else.
        self.note.unlink(missing_ok=True)
        with self.note.open("x", encoding="utf-8") as note:
            note.write(f"{sockets}\n")
        return sockets

    def remove_sockets(self) -> None:
        """Remove the directory of the socket that a former run has noted, if it is still there.

        Nothing but a socket's two files is ever deleted, whatever the note says.
        """
        with suppress(FileNotFoundError):
            noted = self.note.read_text(encoding="utf-8").strip()
            if _SOCKETS_NAME.fullmatch(noted):
                remove_sockets(noted)
            self.note.unlink()

    def open_log(self) -> int:
        """Return a descriptor that appends to the log; a log grown large is put aside first."""
        with suppress(FileNotFoundError):
            if self.log.lstat().st_size > _LOG_LIMIT:
                self.log.replace(self.log.with_suffix(".log.1"))
        return os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def remove_sockets(directory: str) -> None:
    """Remove a socket's files and their directory."""
    for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
        with suppress(OSError):
            os.unlink(f"{directory}/{name}")
    with suppress(OSError):
        os.rmdir(directory)


def prepare_home(directory: Path) -> Home:
    """Return the home in ``directory``, which is made with mode 0700 if it does not exist.

    A directory that exists keeps its mode and owner. Raises DirectoryUnreachable.
    """
    path = directory.resolve()
    home = Home(path, account_for(path / "data"))
    _require_reachable(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if not path.is_dir():
            raise
    else:
        if home.account is not None:
            home.account.own(path)
    _require_reachable(home)
    return home


def _require_reachable(home: Home) -> None:
    if home.account is not None and (blocked := home.account.blocked_at(home.path)) is not None:
        raise DirectoryUnreachable(home.path, blocked, home.account.name)
