"""The unprivileged user that PostgreSQL runs as where ClinCore runs as root."""

from __future__ import annotations

import os
import pwd
import stat
from typing import TYPE_CHECKING

from attrs import frozen

from clincore.adapters.embedded_postgres.errors import NoAccount

if TYPE_CHECKING:
    from pathlib import Path

_CANDIDATES = ("postgres", "nobody")


@frozen
class Account:
    """A user of this machine, without supplementary groups."""

    name: str
    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Give a file or directory that we have made to this user."""
        os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def can_search(self, path: Path) -> bool:
        """Tell whether the mode of ``path`` lets this user execute it, or pass through it if it is a directory."""
        status = path.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)

    def blocked_at(self, path: Path) -> Path | None:
        """Return the first directory on the way to ``path``, itself included, that is closed to this user.

        ``path`` is absolute and resolved; what does not exist yet closes nothing.
        """
        for step in (*reversed(path.parents), path):
            if step.exists() and not self.can_search(step):
                return step
        return None


def account_for(data: Path) -> Account | None:
    """Return the user to run PostgreSQL as: None for ourselves, unless we are root.

    A data directory that exists is run as its owner, because PostgreSQL accepts nobody else: the user that was
    chosen when it was made need not be the one that would be chosen today. Raises NoAccount.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (status := data.stat()).st_uid != 0:
        return Account(_name(status.st_uid), status.st_uid, status.st_gid)
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise NoAccount


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
