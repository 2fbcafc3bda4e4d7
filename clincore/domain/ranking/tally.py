"""Adding up a case's rubrics by remedy: the part that all methods share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define

from clincore.domain.repertory import MAX_GRADE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clincore.domain.ranking.case import RankingCase

GRADES = range(MAX_GRADE + 1)
_STRONG = 3


@define
class Tally:
    """One remedy's sums over the rubrics it stands in, in whole numbers of the unit that the rubrics' are in.

    A method puts beside them the factor of the weighted sum, ``over / under``, and the score in millionths.
    """

    weighted: int
    raw: int
    strong: int
    places: list[int]
    """Where its hits stand among those of the case."""
    over: int = 1
    under: int = 1
    millionths: int = 0


@define
class Tallies:
    """The sums by remedy, and every hit of the case in rubric-id order: rubric, grade, and what it gives."""

    found: dict[str, Tally]
    rubric_ids: list[int]
    grades: list[int]
    given: list[int]
    unit: int


def tally(
    case: RankingCase, contributions: Mapping[int, Sequence[int]], raw: Mapping[int, Sequence[int]], unit: int
) -> Tallies:
    """Add up, by remedy, what each rubric gives at the remedy's grade, over ``unit``; eliminated remedies are left out.

    ``strong`` counts the Mind rubrics that hold the remedy at grade 3 or above.
    """
    found: dict[str, Tally] = {}
    rubric_ids: list[int] = []
    all_grades: list[int] = []
    given: list[int] = []
    for rubric in case.rubrics:
        gives, gives_raw, is_mind = contributions[rubric.id], raw[rubric.id], rubric.bucket.is_mind
        place = len(rubric_ids)
        for remedy, grade in rubric.grades.items():
            sums = found.get(remedy)
            if sums is None:
                found[remedy] = sums = Tally(gives[grade], gives_raw[grade], 0, [place])
            else:
                sums.weighted += gives[grade]
                sums.raw += gives_raw[grade]
                sums.places.append(place)
            if is_mind and grade >= _STRONG:
                sums.strong += 1
            place += 1
        grades = rubric.grades.values()
        rubric_ids.extend([rubric.id] * len(grades))
        all_grades.extend(grades)
        given.extend([gives[grade] for grade in grades])
    candidates = case.candidates()
    if candidates is not None:
        found = {remedy: sums for remedy, sums in found.items() if remedy in candidates}
    return Tallies(found, rubric_ids, all_grades, given, unit)
