"""From where the database is to where it is to be, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clincore.domain.errors import MigrationError
from clincore.domain.migration import BASE, Direction, Revision, Step

if TYPE_CHECKING:
    from collections.abc import Sequence


def plan(chain: Sequence[Revision], current: str | None, target: str, direction: Direction) -> list[Step]:
    """Return the steps; a target is ``head``, ``base``, a revision (or its unique beginning), ``+N`` or ``-N``.

    Raises MigrationError for a target that does not exist or lies in the other direction.
    """
    here = _position(chain, current)
    there = _target(chain, here, target)
    if direction == "upgrade":
        if there < here:
            raise MigrationError(f"The database is at {current}, past {target}: use 'clincore migrate downgrade'.")
        return [Step(revision, direction) for revision in chain[here:there]]
    if there > here:
        raise MigrationError(f"The database is at {current or BASE}, before {target}: use 'clincore migrate upgrade'.")
    return [Step(revision, direction) for revision in reversed(chain[there:here])]


def resolve(chain: Sequence[Revision], current: str | None, target: str) -> str | None:
    """Return the revision that a target means, None for base; raises MigrationError."""
    there = _target(chain, _position(chain, current), target)
    return chain[there - 1].id if there else None


def _position(chain: Sequence[Revision], current: str | None) -> int:
    """How many revisions of the chain are applied."""
    if current is None:
        return 0
    ids = [revision.id for revision in chain]
    if current not in ids:
        raise MigrationError(f"The database is at {current}, which this version of ClinCore does not know.")
    return ids.index(current) + 1


def _target(chain: Sequence[Revision], here: int, target: str) -> int:
    if target == "head":
        return len(chain)
    if target == BASE:
        return 0
    if target[:1] in ("+", "-") and target[1:].isdecimal():
        there = here + int(target)
        if not 0 <= there <= len(chain):
            raise MigrationError(f"{target} leads out of the chain: {here} of {len(chain)} revisions are applied.")
        return there
    found = [index for index, revision in enumerate(chain, 1) if revision.id.startswith(target)]
    if len(found) != 1 or not target:
        raise MigrationError(
            f"There is no revision {target!r}; there are {', '.join(revision.id for revision in chain)}, "
            "head, base, +N and -N."
        )
    return found[0]
