"""A ranking: remedies in order, with ranks and ties, as every method's result is given.

Its rows, and those of the grid, are named tuples and no attrs classes: a ranking makes hundreds of them, and
would spend most of its time on that otherwise.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from operator import attrgetter, eq, or_
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from attrs import field, frozen

from clincore.domain.canonical_json import canonical_string

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from clincore.domain.canonical_json import JsonObject
    from clincore.domain.ranking.case import CaseType, Course
    from clincore.domain.ranking.tally import Tallies
    from clincore.domain.repertory import Remedy

N = TypeVar("N", bound=tuple[Any, ...])


class Score(NamedTuple):
    """What a method found for one remedy, before ranks are given; numbers are rounded to six places.

    ``factor`` is what the remedy's sums are multiplied by, as a fraction (over, under), so that one division, done
    last, rounds once: a score that ends at half a millionth, and remainders that are equal, are then seen to be so. A
    rubric's contribution is what it gives at the remedy's grade, times the factor.
    """

    remedy: str
    score: Decimal
    raw_score: Decimal
    coverage: Decimal
    rubrics_hit: int
    mind_strong_hits: int
    factor: tuple[Decimal | int, Decimal | int] = (1, 1)


class RankedRemedy(NamedTuple):
    """One row of a ranking; equal rows share a rank (1, 1, 3) and are marked ``tied``."""

    rank: int
    name: str
    tied: bool
    score: Score

    @property
    def remedy(self) -> str:
        return self.score.remedy

    def to_json(self) -> JsonObject:
        """The row as the contract has it: decimal numbers as strings with six places."""
        found = self.score
        return {
            "rank": self.rank,
            "remedy": found.remedy,
            "name": self.name,
            "score": str(found.score),
            "raw_score": str(found.raw_score),
            "coverage": str(found.coverage),
            "rubrics_hit": found.rubrics_hit,
            "mind_strong_hits": found.mind_strong_hits,
            "tied": self.tied,
        }

    def to_canonical(self) -> str:
        """The same as canonical JSON, written out: a result holds hundreds of rows, and most of its text is theirs."""
        _, score, raw_score, coverage, rubrics_hit, mind_strong_hits, _ = self.score
        return (
            f'{{"coverage":"{coverage}","mind_strong_hits":{mind_strong_hits:d},"name":{canonical_string(self.name)},'
            f'"rank":{self.rank:d},"raw_score":"{raw_score}","remedy":{canonical_string(self.score.remedy)},'
            f'"rubrics_hit":{rubrics_hit:d},"score":"{score}","tied":{"true" if self.tied else "false"}}}'
        )


@frozen(kw_only=True)
class Ranking:
    """All remedies that a method found for a case, best first; ``repertory`` is the edition's fingerprint."""

    rows: tuple[RankedRemedy, ...] = field(repr=False)
    method: str
    case_type: CaseType
    course: Course
    repertory: str
    tallies: Tallies | None = field(default=None, repr=False, eq=False)
    """What the scores were made of, where a method keeps it: a grid then needs no second reckoning."""

    @property
    def remedies_evaluated(self) -> int:
        return len(self.rows)

    def top(self, n: int) -> tuple[RankedRemedy, ...]:
        """The first ``n`` rows; 0 means all."""
        return self.rows[:n] if n else self.rows

    def to_json(self, top_n: int) -> JsonObject:
        """The ranking as the contract has it, with its first ``top_n`` rows (0: all)."""
        return {
            "ranking": [row.to_json() for row in self.top(top_n)],
            "method": self.method,
            "case_type": self.case_type.value,
            "course": self.course.value,
            "repertory": self.repertory,
            "remedies_evaluated": self.remedies_evaluated,
        }


def made(kind: type[N], *columns: Iterable[object]) -> list[N]:
    """Return a named tuple of each row of the columns, in half the time that its own constructor takes."""
    make: Callable[[tuple[object, ...]], N] = partial(tuple.__new__, kind)
    return list(map(make, zip(*columns, strict=True)))


def ranked(
    scores: Iterable[Score], remedies: Mapping[str, Remedy], *, by_raw_score: bool = False
) -> tuple[RankedRemedy, ...]:
    """Order by score, highest first, equal ones by abbreviation in code points, and give ranks.

    With ``by_raw_score`` equal scores are told apart by raw score first, and are tied only where both are equal.
    """
    ordered = sorted(scores, key=attrgetter("remedy"))
    if by_raw_score:
        ordered.sort(key=attrgetter("raw_score"), reverse=True)  # stable: equal ones stay as they are
    ordered.sort(key=attrgetter("score"), reverse=True)
    return with_ranks(ordered, remedies, by_raw_score=by_raw_score)


def with_ranks(
    ordered: Sequence[Score], remedies: Mapping[str, Remedy], *, by_raw_score: bool = False
) -> tuple[RankedRemedy, ...]:
    """Give ranks to scores that are in order; a remedy's name is empty where ``remedies`` does not know it."""
    if not ordered:
        return ()
    keys = [(found.score, found.raw_score) for found in ordered] if by_raw_score else [row.score for row in ordered]
    like_last = [False, *map(eq, keys, keys[1:])]
    rank = 0
    ranks = [rank if is_like_last else (rank := place) for place, is_like_last in enumerate(like_last, 1)]
    known = map(remedies.get, [found.remedy for found in ordered])
    names = [remedy.name if remedy else "" for remedy in known]
    tied = map(or_, like_last, [*like_last[1:], False])
    return tuple(made(RankedRemedy, ranks, names, tied, ordered))
