"""What a repertory holds: its edition, its rubrics with graded remedies, and how often a remedy stands in it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from attrs import field, frozen

from clincore.domain.inclusion import TreeHead

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clincore.domain.canonical_json import JsonObject

MAX_GRADE = 5


@frozen(kw_only=True)
class Edition:
    """Which repertory it is; the fingerprint is the Merkle root over its rubrics (64 hex digits)."""

    name: str
    edition: str
    fingerprint: str
    rubrics: int
    remedies: int
    grades: int

    @property
    def head(self) -> TreeHead:
        """What proofs of its rubrics are checked against."""
        return TreeHead(fingerprint=self.fingerprint, rubrics=self.rubrics)

    def identity(self) -> JsonObject:
        """What is signed of it."""
        return {"name": self.name, "edition": self.edition, "fingerprint": self.fingerprint}


class Rubric(NamedTuple):
    """One rubric: its path of texts from the chapter down, and its remedies' grades, 1 to 5, by abbreviation.

    A named tuple and no attrs class: every ranking makes as many as it has rubrics.
    """

    id: int
    path: Sequence[str]
    grades: Mapping[str, int]

    @property
    def chapter(self) -> str:
        return self.path[0]

    @property
    def text(self) -> str:
        """The path as people read it."""
        return " > ".join(self.path)


@frozen(kw_only=True)
class Remedy:
    """One remedy: abbreviation, Latin name (empty where the source has none), and how many rubrics it stands in."""

    abbreviation: str
    name: str
    frequency: int


@frozen(kw_only=True)
class RemedyStatistics:
    """All remedies that stand in a rubric at a counting grade, by abbreviation, and the median of their frequencies."""

    remedies: Mapping[str, Remedy] = field(repr=False)
    median_frequency: Decimal


def median_of(frequencies: list[int]) -> Decimal:
    """Return the median, the mean of the two middle ones where their number is even; 0 of none."""
    ordered = sorted(frequencies)
    if not ordered:
        return Decimal(0)
    upper = ordered[len(ordered) // 2]
    lower = ordered[(len(ordered) - 1) // 2]
    return Decimal(f"{(lower + upper) // 2}.{(lower + upper) % 2 * 5}")  # exact in any decimal context


@frozen(kw_only=True)
class RubricTag:
    """What the tags file says of a rubric: its bucket, or None to go by its chapter, and two flags."""

    bucket: str | None = None
    ailments_from: bool = False
    delusions: bool = False


@frozen(kw_only=True)
class RubricHit:
    """One line of a search result: the rubric, how many remedies it has, and the best-graded ones (highest first)."""

    id: int
    path: tuple[str, ...]
    remedies: int
    best: tuple[tuple[str, int], ...]


@frozen(kw_only=True)
class RubricPage:
    """A page of a search result and the cursor of the next one, None on the last."""

    hits: tuple[RubricHit, ...]
    next: str | None


@frozen(kw_only=True)
class RubricLine:
    """A rubric as it stands in the tree: its own text, and how many remedies and how many rubrics below it it has."""

    id: int
    text: str
    remedies: int
    children: int


@frozen(kw_only=True)
class CrossReference:
    """Where a rubric's text sends the reader, as it is written, and the rubrics found there; often there is none."""

    text: str
    rubrics: tuple[RubricLine, ...]


@frozen(kw_only=True)
class RubricFamily:
    """What stands around a rubric: above it, from the chapter down; beside it; right below it; and what it refers to.

    All but the parents stand in repertory order.
    """

    parents: tuple[RubricLine, ...]
    siblings: tuple[RubricLine, ...]
    children: tuple[RubricLine, ...]
    cross_references: tuple[CrossReference, ...]


_REFERENCE = re.compile(r"(?:\(\s*|^)(?:see(?: also)?|compare|cf\.?)\s+([^()]+)", re.IGNORECASE)


def references_in(text: str) -> tuple[str, ...]:
    """Return where a rubric's text sends the reader: "slow (See Feeble; Dribbling)" to Feeble and to Dribbling."""
    return tuple(
        target for found in _REFERENCE.findall(text) for part in found.split(";") if (target := part.strip(" .,"))
    )
