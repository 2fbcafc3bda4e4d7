"""The file: what was committed, one line a unit of work, in the order of the commits."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Self

from attrs import define, field

from clincore.domain.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from pathlib import Path


@define
class Journal:
    """An append-only file, locked for one process; a line is there whole, and on the disk, or not at all."""

    _descriptor: int
    _size: int = field(repr=False)
    lines: list[str] = field(repr=False)
    """What it held when it was opened."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Raises DatabaseUnavailable where another database has the file open."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _sync_directory(path.parent)
            content = path.read_bytes()
            whole = content[: content.rfind(b"\n") + 1]  # a line without its end was never committed
            os.ftruncate(descriptor, len(whole))
        except OSError as error:
            os.close(descriptor)
            raise DatabaseUnavailable(f"The file {path} is open elsewhere, or cannot be read.") from error
        return cls(descriptor, len(whole), whole.decode().split("\n")[:-1])

    def append(self, line: str) -> None:
        """Write a line and wait until it is on the disk; raises DatabaseUnavailable, and then it is not there."""
        content = f"{line}\n".encode()
        try:
            written = os.write(self._descriptor, content)
            if written != len(content):
                raise OSError("the disk is full")
            os.fsync(self._descriptor)
        except OSError as error:
            os.ftruncate(self._descriptor, self._size)
            raise DatabaseUnavailable("The file could not be written; nothing was.") from error
        self._size += len(content)

    def close(self) -> None:
        os.close(self._descriptor)


def _sync_directory(directory: Path) -> None:
    """Make the file's name last too."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
