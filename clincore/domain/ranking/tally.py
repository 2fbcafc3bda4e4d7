"""The hits of a case, remedies in rubrics, and their sums by remedy: the part that all methods share.

All of it is in columns, one value a hit or a remedy: an object for each would cost most of a ranking's time.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING

from attrs import frozen

from clincore.domain.ranking.case import MIND
from clincore.domain.repertory import MAX_GRADE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clincore.domain.ranking.case import RankingCase

GRADES = range(MAX_GRADE + 1)
_STRONG = 3


@frozen
class Tallies:
    """Every hit of a case in rubric-id order: rubric, grade, and what it gives, in whole numbers over ``unit``."""

    places: Mapping[str, Sequence[int]]
    """Where each remedy's hits stand; eliminated remedies have none."""
    rubric_ids: Sequence[int]
    grades: Sequence[int]
    given: Sequence[int]
    unit: int

    def sums(self, values: Sequence[int]) -> list[int]:
        """Add up, for each remedy in the order of ``places``, what the hits have."""
        at = values.__getitem__
        return [at(hits[0]) if len(hits) == 1 else sum(map(at, hits)) for hits in self.places.values()]


def tally(case: RankingCase, gives: Sequence[Sequence[int]], unit: int) -> Tallies:
    """Gather the hits of a case; ``gives`` holds what each of its rubrics gives at the grades 0 to 5, over ``unit``."""
    places: dict[str, tuple[int, ...]] = {}
    for place, remedy in enumerate(chain.from_iterable([rubric.grades for rubric in case.rubrics])):
        if remedy in places:
            places[remedy] += (place,)
        else:
            places[remedy] = (place,)  # tuples, not lists: most remedies stand in one rubric or two
    candidates = case.candidates()
    return Tallies(
        places if candidates is None else {remedy: hits for remedy, hits in places.items() if remedy in candidates},
        [rubric.id for rubric in case.rubrics for _ in rubric.grades],
        [grade for rubric in case.rubrics for grade in rubric.grades.values()],
        at_grades(case, gives),
        unit,
    )


def at_grades(case: RankingCase, values: Sequence[Sequence[int]]) -> list[int]:
    """Return for each hit its rubric's value at the hit's grade; ``values`` holds six for each rubric of the case."""
    return [row[grade] for rubric, row in zip(case.rubrics, values, strict=True) for grade in rubric.grades.values()]


def strong_hits(case: RankingCase) -> Mapping[str, int]:
    """Return how many Mind rubrics hold a remedy at grade 3 or above; remedies without one are 0."""
    strong: defaultdict[str, int] = defaultdict(int)
    for rubric in case.rubrics:
        if rubric.bucket in MIND:
            for remedy, grade in rubric.grades.items():
                if grade >= _STRONG:
                    strong[remedy] += 1
    return strong
