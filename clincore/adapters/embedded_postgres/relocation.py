"""A copy of PostgreSQL's binaries for a user who cannot get to the originals.

Root's virtual environment often lies below a closed directory such as /root. The copy is made once, belongs to
root, and is named by what it holds, so that it never has to change.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from clincore.adapters.embedded_postgres.binaries import MAJOR, Binaries
from clincore.adapters.embedded_postgres.errors import UntrustedCopy

if TYPE_CHECKING:
    from clincore.adapters.embedded_postgres.accounts import Account

_STORE = Path("/var/tmp")  # noqa: S108  a copy found there is trusted only if root alone can change it


def reachable_binaries(binaries: Binaries, account: Account | None, store: Path = _STORE) -> Binaries:
    """Return binaries that ``account`` can run: the given ones if it can get to them, else a copy in ``store``.

    Two processes may do this at once. Raises UntrustedCopy where somebody else took the copy's name.
    """
    if account is None or _open_to(binaries, account):
        return binaries
    target = store / f"clincore-postgres-{MAJOR}-{_digest(binaries)}"
    if not _complete(target, binaries):
        _copy(binaries, target)
    return Binaries(target)


def _open_to(binaries: Binaries, account: Account) -> bool:
    return all(account.blocked_at(path) is None for path in (*binaries.parts, binaries.postgres))


def _files(binaries: Binaries) -> list[tuple[str, int]]:
    """Return every file by its path below the root, and its size."""
    paths = (path for part in binaries.parts for path in part.rglob("*") if path.is_file())
    return sorted((path.relative_to(binaries.root).as_posix(), path.stat().st_size) for path in paths)


def _digest(binaries: Binaries) -> str:
    digest = hashlib.sha256()
    for name, _size in _files(binaries):
        with (binaries.root / name).open("rb") as file:
            digest.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()[:12]


def _complete(target: Path, binaries: Binaries) -> bool:
    """Tell whether ``target`` is a whole copy; a cleaner of temporary files may have taken some of it away."""
    try:
        status = target.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise UntrustedCopy(target)
    return _files(Binaries(target)) == _files(binaries)


def _copy(binaries: Binaries, target: Path) -> None:
    """Copy to a private name first: a copy under its own name is whole, and nobody else had a hand in it."""
    work = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=target.parent))
    try:
        new, old = work / "new", work / "old"
        for part in binaries.parts:
            shutil.copytree(part, new / part.relative_to(binaries.root), copy_function=shutil.copy)
        _open_to_all(new)
        try:
            new.rename(target)
        except OSError:
            # Something is there: the copy of a process that was faster, or one that lost files since it was made.
            if not _complete(target, binaries):
                target.rename(old)
                new.rename(target)
    finally:
        shutil.rmtree(work)


def _open_to_all(root: Path) -> None:
    for path in (root, *root.rglob("*")):
        executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if executable else 0o644)
