"""Keeps the derived file of every repertory that was opened: found again by content, rebuilt where it is damaged."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define

from clincore.adapters.sqlite_repertory.build import FORMAT, build
from clincore.adapters.sqlite_repertory.files import Note, Stamp, content_hash, replacing
from clincore.adapters.sqlite_repertory.source import check_is_sqlite, open_source
from clincore.domain.errors import RepertoryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clincore.domain.progress import Progress


@define
class CacheFile:
    """The derived file of one repertory, ready to be read; ``close`` removes it if it had to be a temporary one."""

    path: Path
    temporary: Path | None = None

    def close(self) -> None:
        if self.temporary is not None:
            shutil.rmtree(self.temporary, ignore_errors=True)


def cache_file(source: Path, directory: Path | None, progress: Progress) -> CacheFile:
    """Return the derived file of the repertory ``source``, building it where there is none that is sound.

    It is kept in ``directory``; without one in the user's cache directory or, where that cannot be written, in a
    temporary directory that nobody else can read. Raises RepertoryError.
    """
    check_is_sqlite(source)
    source = source.resolve()
    if directory is not None:
        return CacheFile(_sound_file(source, directory, progress))
    try:
        return CacheFile(_sound_file(source, user_cache_directory(), progress))
    except _CannotBeWritten:
        temporary = _temporary_directory()
        try:
            return CacheFile(_sound_file(source, temporary, progress), temporary)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


class _CannotBeWritten(RepertoryError):
    """The cache directory cannot be written."""


def user_cache_directory() -> Path:
    """Return the directory of this user for derived files; raises RepertoryError where the user has no home."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():
        try:
            base = Path.home() / ".cache"
        except RuntimeError as error:
            raise _CannotBeWritten from error
    return base / "clincore"


def _temporary_directory() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="clincore-"))
    except OSError as error:
        raise RepertoryError(
            "There is no place for the files that are derived from a repertory: neither the user's cache directory "
            "nor the temporary directory can be written. Name a cache directory."
        ) from error


def _sound_file(source: Path, directory: Path, progress: Progress) -> Path:
    """Return the derived file in ``directory``; files are read again only where their stamps have changed."""
    source_note = directory / f"{sha256(os.fsencode(source)).hexdigest()[:32]}.json"
    with _unchanged(source) as stamp:
        known = Note.read(source_note)
        if known is not None and known.stamp == stamp:
            content = known.sha256
        else:
            content = content_hash(source, progress, "reading the file")
        path = directory / f"{content}-{FORMAT}.sqlite"
        note = path.with_name(f"{path.name}.json")
        if not _is_sound(path, note):
            _build(source, content, path, note, progress)
    if stamp.is_settled():
        Note(stamp, content).write(source_note)
        if known is not None and known.sha256 != content:
            _forget(known.sha256, directory)
    _forget_older_formats(path)
    return path


def _forget(content: str, directory: Path) -> None:
    """Remove what was derived from a content that its file no longer has, unless another file has it.

    Whoever has it open goes on reading; where files that are open cannot be removed it stays.
    """
    with suppress(OSError):
        if any(note.sha256 == content for note in _source_notes(directory)):
            return
        for derived in directory.glob(f"{content}-*.sqlite*"):
            derived.unlink(missing_ok=True)


def _source_notes(directory: Path) -> Iterator[Note]:
    for path in directory.glob(f"{'[0-9a-f]' * 32}.json"):
        if (note := Note.read(path)) is not None:
            yield note


def _forget_older_formats(path: Path) -> None:
    content = path.name.partition("-")[0]
    older = {f"{content}-{number}.sqlite{suffix}" for number in range(1, FORMAT) for suffix in ("", ".json")}
    for name in older:
        with suppress(OSError):
            path.with_name(name).unlink(missing_ok=True)


@contextmanager
def _unchanged(source: Path) -> Iterator[Stamp]:
    try:
        before = Stamp.of(source)
        yield before
        after = Stamp.of(source)
    except OSError as error:
        raise RepertoryError(f"{source}: cannot be read ({error.strerror or error}).") from error
    if after != before:
        raise RepertoryError(f"{source}: was changed while it was read; try again.")


def _is_sound(path: Path, note: Path) -> bool:
    """Return whether the derived file is byte for byte the one that was built."""
    built = Note.read(note)
    if built is None:
        return False
    try:
        stamp = Stamp.of(path)
        if stamp == built.stamp:
            return True
        if content_hash(path) != built.sha256:
            return False
    except OSError:
        return False
    Note(stamp, built.sha256).write(note)
    return True


def _build(source: Path, content: str, path: Path, note: Path, progress: Progress) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with replacing(path) as temporary:
            with open_source(source) as opened:
                build(opened, content, temporary, progress)
            digest = content_hash(temporary)
        Note(Stamp.of(path), digest).write(note)
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _CannotBeWritten(f"The cache directory {path.parent} cannot be written ({reason}).") from error
