"""The chain of revisions, read from the SQL files that come with the package.

A file begins with ``-- name: value`` lines (revision, revises, description, and for a down part that drops data
``down loses``), then has three parts, each under its line ``-- >>> up``, ``-- >>> down`` and ``-- >>> verify``. The
last is one query whose answer is true where the revision is really there.
"""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from clincore.domain.errors import MigrationError
from clincore.domain.migration import HEAD, Revision

_HEADER = re.compile(r"^-- (revision|revises|description|down loses):[ ]*(.*)$", re.MULTILINE)
_PART = re.compile(r"^-- >>> (up|down|verify)$", re.MULTILINE)
_QUALIFIED = re.compile(r"^[a-z_]+\.[a-z_]+(\.[a-z_]+)?$")


def read_chain(directory: Path | None = None) -> tuple[Revision, ...]:
    """Return the revisions, oldest first; raises MigrationError where the files are not one linear chain to HEAD."""
    folder = directory or _packaged()
    revisions = [_read(path) for path in sorted(folder.glob("*.sql"))]
    by_parent = {revision.revises: revision for revision in revisions}
    chain: list[Revision] = []
    parent: str | None = None
    while (revision := by_parent.pop(parent, None)) is not None:
        chain.append(revision)
        parent = revision.id
    if len(chain) != len(revisions) or not chain or chain[-1].id != HEAD:
        raise MigrationError(f"The migrations in {folder} are not one chain that ends at {HEAD}.")
    return tuple(chain)


def _packaged() -> Path:
    """The folder in the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[3]
    installed = package / "migrations_sql"
    return installed if installed.is_dir() else package.parent / "migrations_sql"


def _read(path: Path) -> Revision:
    content = path.read_bytes()
    text = content.decode()
    header = dict(_HEADER.findall(text))
    pieces = _PART.split(text)
    parts = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    loses = tuple(name.strip() for name in header.get("down loses", "").split(",") if name.strip())
    if {"revision", "revises", "description"} - header.keys() or {"up", "down", "verify"} - parts.keys():
        raise MigrationError(f"{path.name} lacks a header line or a part (up, down, verify).")
    if ";" not in parts["verify"]:
        raise MigrationError(f"{path.name}: its verify part is one query, closed by a semicolon.")
    if not all(map(_QUALIFIED.match, loses)):
        raise MigrationError(f"{path.name}: 'down loses' names tables as schema.table or schema.table.column.")
    return Revision(
        id=header["revision"],
        revises=header["revises"] or None,
        description=header["description"],
        loses=loses,
        up=parts["up"].strip(),
        down=parts["down"].strip(),
        verify=parts["verify"].rpartition(";")[0].strip(),
        file=path.name,
        checksum=sha256(content).hexdigest(),
    )
