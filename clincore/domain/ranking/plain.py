"""Two plain methods beside MCARE, without factors and without a chronic rule."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING

from attrs import field, frozen

from clincore.domain.errors import InvalidInput, Problem
from clincore.domain.ranking.arithmetic import CONTEXT, MILLION, MILLIONTH, half_even, six_places, whole_numbers
from clincore.domain.ranking.ranking import Ranking, Score, ranked
from clincore.domain.ranking.stability import Contender, Contest
from clincore.domain.ranking.tally import GRADES, strong_hits, tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clincore.domain.canonical_json import JsonObject
    from clincore.domain.ranking.case import RankingCase


@frozen
class SumOfGrades:
    """``sum-of-grades/1``: score = raw score = Σ w·g."""

    name: str = field(default="sum-of-grades/1", init=False)
    parameters: JsonObject = field(factory=dict, init=False)

    def with_parameters(self, parameters: JsonObject) -> SumOfGrades:
        _refuse_parameters(self.name, parameters)
        return self

    def contributions(self, case: RankingCase) -> Mapping[int, tuple[Decimal, ...]]:
        """Return w·g of each rubric for the grades 0 to 5."""
        return _weighted_grades(case)

    def rank(self, case: RankingCase) -> Ranking:
        """Rank every remedy that stands in a rubric of the case."""
        return _rank(self.name, case, by_coverage=False)

    def contest(self, case: RankingCase) -> Contest:
        """Return all remedies with w·g of each rubric."""
        return _contest(case, by_coverage=False)


@frozen
class Coverage:
    """``coverage/1``: score = rubrics hit, raw score = Σ w·g; ordered by both, tied only where both are equal."""

    name: str = field(default="coverage/1", init=False)
    parameters: JsonObject = field(factory=dict, init=False)

    def with_parameters(self, parameters: JsonObject) -> Coverage:
        _refuse_parameters(self.name, parameters)
        return self

    def contributions(self, case: RankingCase) -> Mapping[int, tuple[Decimal, ...]]:
        """Return 1 for each rubric at any grade."""
        one_each = tuple(Decimal(min(grade, 1)) for grade in GRADES)
        return {rubric.id: one_each for rubric in case.rubrics}

    def rank(self, case: RankingCase) -> Ranking:
        """Rank every remedy that stands in a rubric of the case."""
        return _rank(self.name, case, by_coverage=True)

    def contest(self, case: RankingCase) -> Contest:
        """Return the remedies that hit the most rubrics, with w·g of each; no weight helps the others."""
        return _contest(case, by_coverage=True)


def _refuse_parameters(name: str, parameters: JsonObject) -> None:
    if parameters:
        raise InvalidInput([Problem("parameters", f"{name} takes none")])


def _weighted_grades(case: RankingCase) -> dict[int, tuple[Decimal, ...]]:
    with localcontext(CONTEXT):
        return {rubric.id: tuple(rubric.weight * grade for grade in GRADES) for rubric in case.rubrics}


def _rank(method: str, case: RankingCase, *, by_coverage: bool) -> Ranking:
    with localcontext(CONTEXT):
        gives, unit = whole_numbers(_weighted_grades(case))
        tallies = tally(case, [gives[rubric.id] for rubric in case.rubrics], unit)
        strong = strong_hits(case)
        scores = []
        for (remedy, hits), total in zip(tallies.places.items(), tallies.sums(tallies.given), strict=True):
            raw = half_even(total * MILLION, tallies.unit)[0] * MILLIONTH  # three decimals: nothing is rounded
            scores.append(
                Score(
                    remedy=remedy,
                    score=six_places(Decimal(len(hits))) if by_coverage else raw,
                    raw_score=raw,
                    coverage=six_places(Decimal(len(hits)) / len(case.rubrics)),
                    rubrics_hit=len(hits),
                    mind_strong_hits=strong.get(remedy, 0),
                )
            )
        return Ranking(
            rows=ranked(scores, case.statistics.remedies, by_raw_score=by_coverage),
            method=method,
            case_type=case.case_type,
            course=case.course,
            repertory=case.fingerprint,
        )


def _contest(case: RankingCase, *, by_coverage: bool) -> Contest:
    candidates = case.candidates()
    parts: defaultdict[str, dict[int, Fraction]] = defaultdict(dict)
    for rubric in case.rubrics:
        for remedy, grade in rubric.grades.items():
            if candidates is None or remedy in candidates:
                parts[remedy][rubric.id] = Fraction(rubric.weight) * grade
    most = max((len(given) for given in parts.values()), default=0)
    return Contest(
        contenders=[
            Contender(remedy=remedy, parts=given)
            for remedy, given in parts.items()
            if not by_coverage or len(given) == most
        ]
    )
