"""An archive and the manifest beside it: written under other names, and there only once both are whole."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

import msgspec
from attrs import frozen

from clincore.domain.backup import Manifest
from clincore.domain.errors import BackupRefused, RestoreRefused

_SUFFIX: Final = ".manifest.json"
_PARTIAL: Final = ".partial"
_PRIVATE: Final = 0o600


class _Document(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    format: Literal["clincore-backup/1"] = "clincore-backup/1"
    made_at: datetime
    server_version: str
    program_version: str
    revision: str
    size: int
    sha256: str
    tenants: dict[UUID, dict[str, int]]


@frozen
class ArchiveFile:
    """Where one archive is, or is to be; the path is absolute, because programs run elsewhere."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> ArchiveFile:
        return cls(path.absolute())

    @property
    def manifest(self) -> Path:
        return self.path.with_name(self.path.name + _SUFFIX)

    @property
    def partial(self) -> Path:
        """What the archive is called until it is whole."""
        return self.path.with_name(self.path.name + _PARTIAL)

    # --- writing ------------------------------------------------------------------------------------

    def require_new(self) -> None:
        """Raise BackupRefused where something has the archive's name, or its manifest's."""
        for path in (self.path, self.manifest):
            if path.is_symlink() or path.exists():
                raise BackupRefused(f"{path} is there already; nothing was written. Choose another name.")
        if not self.path.parent.is_dir():
            raise BackupRefused(f"There is no folder {self.path.parent}; nothing was written.")

    def begin(self) -> None:
        """Make the unfinished archive, empty and private; raises BackupRefused."""
        self.require_new()
        try:
            os.close(os.open(self.partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, _PRIVATE))
        except FileExistsError:
            raise BackupRefused(
                f"{self.partial} is there: another backup is writing it, or one was killed. Where none is running, "
                "remove it."
            ) from None
        except OSError as error:
            raise BackupRefused(f"{self.path} cannot be written: {error.strerror}. Nothing was written.") from None

    def digest(self, path: Path) -> tuple[int, str]:
        """Return the size in bytes and the SHA-256 (hex) of a file; raises OSError."""
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()

    def finish(self, manifest: Manifest) -> None:
        """Give the whole archive its name, with its manifest beside it; raises BackupRefused and OSError."""
        draft = self.manifest.with_name(self.manifest.name + _PARTIAL)
        try:
            descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, _PRIVATE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(_document(manifest)), indent=1) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            _sync(self.partial)
            self.require_new()
            draft.rename(self.manifest)
            try:
                self.partial.rename(self.path)
            except BaseException:
                self.manifest.unlink()
                raise
        finally:
            draft.unlink(missing_ok=True)
        _sync(self.path.parent)

    def discard(self) -> None:
        """Remove the unfinished archive."""
        with suppress(OSError):
            self.partial.unlink(missing_ok=True)

    # --- reading ------------------------------------------------------------------------------------

    def require_there(self) -> None:
        """Raise RestoreRefused where there is no such file."""
        if not self.path.is_file():
            raise RestoreRefused(f"There is no file {self.path}.")

    def checked_manifest(self) -> Manifest | None:
        """Return the manifest, None where there is none; raises RestoreRefused where the archive is not its own."""
        self.require_there()
        try:
            text = self.manifest.read_bytes()
        except FileNotFoundError:
            return None
        try:
            manifest = _manifest(msgspec.json.decode(text, type=_Document))
        except msgspec.MsgspecError as error:
            raise RestoreRefused(
                f"{self.manifest} cannot be read as a backup's manifest ({error}). Without it the archive can be "
                "restored, and is compared with nothing."
            ) from None
        size, sha256 = self.digest(self.path)
        if size != manifest.size:
            raise RestoreRefused(
                f"{self.path} is not the archive that was made: it has {size} bytes, its manifest says "
                f"{manifest.size}. Nothing was restored."
            )
        if sha256 != manifest.sha256:
            raise RestoreRefused(
                f"{self.path} is not the archive that was made: its SHA-256 is {sha256}, its manifest says "
                f"{manifest.sha256}. Nothing was restored."
            )
        return manifest


def _document(manifest: Manifest) -> _Document:
    return _Document(
        made_at=manifest.made_at,
        server_version=manifest.server_version,
        program_version=manifest.program_version,
        revision=manifest.revision,
        size=manifest.size,
        sha256=manifest.sha256,
        tenants={tenant_id: dict(tables) for tenant_id, tables in sorted(manifest.counts.items())},
    )


def _manifest(document: _Document) -> Manifest:
    return Manifest(
        made_at=document.made_at,
        server_version=document.server_version,
        program_version=document.program_version,
        revision=document.revision,
        size=document.size,
        sha256=document.sha256,
        counts=document.tenants,
    )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
