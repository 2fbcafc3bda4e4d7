"""The starter repertory: small, written for ClinCore, packaged as text and built by the importer everyone uses."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from clincore.adapters.sqlite_repertory.importing import write_repertory
from clincore.adapters.sqlite_repertory.kent_rows import KentRows
from clincore.domain.errors import RepertoryError

if TYPE_CHECKING:
    from pathlib import Path

NAME = "ClinCore Starter Repertory"
EDITION = "1"
_TABLES = ("rubrics.tsv", "grades.tsv", "remedies.tsv")


def starter_repertory(directory: Path) -> Path:
    """Return the starter repertory's file in ``directory``, written there unless it is; raises RepertoryError.

    Its name follows its content, so that another version of ClinCore writes another file.
    """
    data = files("clincore") / "data" / "starter"
    digest = sha256(f"{NAME}\n{EDITION}\n".encode())
    try:
        for table in _TABLES:
            digest.update(sha256((data / table).read_bytes()).digest())
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RepertoryError(f"The starter repertory cannot be written to {directory} ({error}).") from error
    path = directory / f"clincore-starter-{digest.hexdigest()[:12]}.sqlite"
    if not path.is_file():
        write_repertory(KentRows(data), path, name=NAME, edition=EDITION, overwrite=True)
    return path
