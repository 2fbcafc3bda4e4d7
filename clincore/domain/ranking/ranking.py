"""A ranking: remedies in order, with ranks and ties, as every method's result is given."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clincore.domain.canonical_json import JsonObject
    from clincore.domain.ranking.case import CaseType, Course


@frozen
class Factor:
    """What a remedy's sums are multiplied by, as a fraction, so that one division, done last, rounds once.

    A score that ends at half a millionth, and remainders that are equal, are then seen to be so.
    """

    over: Decimal = Decimal(1)
    under: Decimal = Decimal(1)


@frozen(kw_only=True)
class Score:
    """What a method found for one remedy, before ranks are given; numbers are rounded to six places.

    The contribution of a rubric is what it gives at the remedy's grade, times ``factor``.
    """

    remedy: str
    score: Decimal
    raw_score: Decimal
    coverage: Decimal
    rubrics_hit: int
    mind_strong_hits: int
    factor: Factor = Factor()


@frozen(kw_only=True)
class RankedRemedy:
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


@frozen(kw_only=True)
class Ranking:
    """All remedies that a method found for a case, best first; ``repertory`` is the edition's fingerprint."""

    rows: tuple[RankedRemedy, ...] = field(repr=False)
    method: str
    case_type: CaseType
    course: Course
    repertory: str

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


def order(scores: Iterable[Score]) -> list[Score]:
    """Highest score first, equal ones by abbreviation in code points."""
    return sorted(scores, key=lambda found: (-found.score, found.remedy))


def ranked(scores: Iterable[Score], names: dict[str, str], *, by_raw_score: bool = False) -> tuple[RankedRemedy, ...]:
    """Give ranks; with ``by_raw_score`` equal scores are told apart by raw score first."""
    keyed = [((-found.score, -found.raw_score if by_raw_score else 0), found) for found in scores]
    keyed.sort(key=lambda pair: (pair[0], pair[1].remedy))
    rows: list[RankedRemedy] = []
    for position, (key, found) in enumerate(keyed):
        after = position > 0 and keyed[position - 1][0] == key
        before = position + 1 < len(keyed) and keyed[position + 1][0] == key
        rank = rows[-1].rank if after else position + 1
        rows.append(RankedRemedy(rank=rank, name=names.get(found.remedy, ""), tied=after or before, score=found))
    return tuple(rows)
