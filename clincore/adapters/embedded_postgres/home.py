"""What lies where in the directory of an embedded server."""

from __future__ import annotations

import os
import re
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from clincore.adapters.embedded_postgres.accounts import Account, account_for
from clincore.adapters.embedded_postgres.address import PORT
from clincore.adapters.embedded_postgres.errors import DirectoryUnreachable, DirectoryUnusable

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
        self.note.unlink(missing_ok=True)
        with os.fdopen(self.open_file(self.note, os.O_WRONLY), "w", encoding="utf-8") as note:
            note.write(f"{sockets}\n")
        return sockets

    def remove_sockets(self) -> None:
        """Remove the directory of the socket that a former run has noted, if it is still there.

        Nothing but a socket's two files is ever deleted, whatever the note says, and nothing that a server answers
        on: the note may have come along with a copy of another server's directory.
        """
        with suppress(FileNotFoundError):
            noted = self.note.read_text(encoding="utf-8").strip()
            if not _SOCKETS_NAME.fullmatch(noted) or _remove(Path(noted)):
                self.note.unlink()

    def open_log(self) -> int:
        """Return a descriptor that appends to the log; a log grown large is put aside first."""
        with suppress(FileNotFoundError):
            if self.log.lstat().st_size > _LOG_LIMIT:
                self.log.replace(self.log.with_suffix(".log.1"))
        return self.open_file(self.log, os.O_WRONLY | os.O_APPEND)

    def open_file(self, path: Path, flags: int) -> int:
        """Return a descriptor of a file of ours, made if it does not exist.

        Links are not followed: where we are root, the directory is in the hands of another user.
        """
        flags |= os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return os.open(path, flags)
        if self.account is not None:
            # So that the next start may be that user's own.
            os.fchown(descriptor, self.account.uid, self.account.gid)
        return descriptor


def holds_database(directory: Path) -> bool:
    """Whether an embedded server has made its data in a directory."""
    return Home(directory).data.exists()


def socket_paths(sockets: Path) -> list[Path]:
    """Return what PostgreSQL puts in the directory of its socket, and the directory, in the order of removal."""
    return [sockets / f".s.PGSQL.{PORT}", sockets / f".s.PGSQL.{PORT}.lock", sockets]


def prepare_home(directory: Path) -> Home:
    """Return the home in ``directory``, which is made with mode 0700 if it does not exist.

    A directory that exists keeps its mode and owner. Raises DirectoryUnreachable and DirectoryUnusable.
    """
    path = directory.resolve()
    if path.exists() and not path.is_dir():
        raise DirectoryUnusable(path, "it is not a directory.")
    home = Home(path, account_for(path / "data"))
    _require_reachable(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
        if home.account is not None:
            home.account.own(path)
    _require_reachable(home)
    return home


def _require_reachable(home: Home) -> None:
    if home.account is not None and (blocked := home.account.blocked_at(home.path)) is not None:
        raise DirectoryUnreachable(home.path, blocked, home.account.name)


def _remove(sockets: Path) -> bool:
    """Remove a socket and its directory; return False where a server answers on it."""
    *files, directory = socket_paths(sockets)
    if _answers(files[0]):
        return False
    with suppress(OSError):
        for file in files:
            file.unlink(missing_ok=True)
        directory.rmdir()
    return True


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        return client.connect_ex(str(path)) == 0
