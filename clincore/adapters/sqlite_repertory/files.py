"""Files that appear whole or not at all, and what is known of a file's content without reading it again."""

from __future__ import annotations

import json
import os
import secrets
import time
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from clincore.domain.progress import silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clincore.domain.progress import Progress

_BLOCK = 1024 * 1024
_COARSE_CLOCK_NS = 2_000_000_000
_FINE_CLOCK_NS = 50_000_000


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a new path beside ``target`` to be written; it takes the target's place when the block ends well.

    The content is on the disk before it is seen under the target's name; after an error nothing is left behind.
    """
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        temporary.open("xb").close()
        yield temporary
        _sync(temporary)
        temporary.replace(target)
        with suppress(OSError):  # some systems cannot sync a directory; the rename itself has happened
            _sync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)
        temporary.with_name(temporary.name + "-journal").unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def content_hash(path: Path, progress: Progress = silent, step: str = "") -> str:
    """Return the SHA-256 of a file's content in hex."""
    total, done, digest = path.stat().st_size, 0, sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            done += len(block)
            progress(step, done, total)
    return digest.hexdigest()


@frozen
class Stamp:
    """What the file system tells of a file; while it stays the same, the content is taken to be the same."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        status = path.stat()
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)

    def is_settled(self) -> bool:
        """Return whether a later change would show in the times, as it does once their clock has ticked on.

        A clock that shows whole seconds only is given two of them.
        """
        changed = max(self.mtime_ns, self.ctime_ns)
        tick = _FINE_CLOCK_NS if changed % 1_000_000_000 else _COARSE_CLOCK_NS
        return time.time_ns() - changed > tick


@frozen
class Note:
    """A file's content hash, and the stamp the file had when it was taken."""

    stamp: Stamp
    sha256: str

    @classmethod
    def read(cls, path: Path) -> Note | None:
        """Return the note kept at ``path``; None where there is none, or what stands there is not one."""
        try:
            written = json.loads(path.read_bytes())
            size, mtime_ns, ctime_ns, inode = (int(number) for number in written["stamp"])
            return cls(Stamp(size, mtime_ns, ctime_ns, inode), str(written["sha256"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Keep the note at ``path``, if that can be: a note saves time and is never needed."""
        stamp = [self.stamp.size, self.stamp.mtime_ns, self.stamp.ctime_ns, self.stamp.inode]
        with suppress(OSError), replacing(path) as temporary:
            temporary.write_text(json.dumps({"stamp": stamp, "sha256": self.sha256}), encoding="ascii")
