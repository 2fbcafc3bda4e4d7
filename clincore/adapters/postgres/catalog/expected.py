"""The reviewed schema of each revision, a text file in the package, and what sets a live one apart from it.

In the file, a line that begins with ``one role: `` or ``two roles: `` holds only where the owner serves from the
database too, or where the service has a role of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from clincore.adapters.postgres.catalog.reading import Catalog

if TYPE_CHECKING:
    from collections.abc import Iterable

ONE_ROLE: Final = "one role: "
TWO_ROLES: Final = "two roles: "
FOLDER: Final = Path(__file__).parents[3] / "data" / "catalog"


def expected_catalog(revision: str, *, is_of_one_role: bool) -> Catalog:
    """Return what the chain makes of an empty database up to a revision that it has."""
    own, other = (ONE_ROLE, TWO_ROLES) if is_of_one_role else (TWO_ROLES, ONE_ROLE)
    text = (FOLDER / f"{revision}.txt").read_text(encoding="utf-8")
    lines = (line.removeprefix(own) for line in text.splitlines() if not line.startswith(other))
    return Catalog(lines=tuple(sorted(lines)), is_of_one_role=is_of_one_role)


def catalog_text(of_one_role: Catalog, of_two_roles: Catalog) -> str:
    """Return the text of the file for a schema, given both ways of deploying it."""
    one, two = set(of_one_role.lines), set(of_two_roles.lines)
    lines = [*(one & two), *(ONE_ROLE + line for line in one - two), *(TWO_ROLES + line for line in two - one)]
    return "".join(f"{line}\n" for line in sorted(lines, key=_without_prefix))


def differences(expected: Catalog, found: Catalog) -> tuple[str, ...]:
    """Return the lines that only one of the two has, each with which."""
    missing, unexpected = set(expected.lines) - set(found.lines), set(found.lines) - set(expected.lines)
    told = [*_told("missing", missing), *_told("unexpected", unexpected)]
    return tuple(f"{how}: {line}" for line, how in sorted(told))


def _told(how: str, lines: Iterable[str]) -> list[tuple[str, str]]:
    return [(line, how) for line in lines]


def _without_prefix(line: str) -> tuple[str, str]:
    return (line.removeprefix(ONE_ROLE).removeprefix(TWO_ROLES), line)
