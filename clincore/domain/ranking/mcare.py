"""MCARE 6.1: weighted grades by bucket and case type, corrected for coverage and for a remedy's frequency.

    c(s,r)      = M[g] · w(s) · W[case type][b(s)] · (A if ailments-from) · (D if delusion) · (S if n(s) ≤ 15 and g ≥ 2)
    weighted(r) = Σ c(s,r)
    cf(r)       = 1 + β · (coverage − τ)/(1 − τ) where coverage ≥ τ, else 1
    ff(r)       = (freq(r) / max(1, median freq))^α
    score(r)    = weighted(r) · cf(r) / ff(r)

For a chronic course, of the first five each without a Mind rubric at grade 3 or above has its score multiplied by
0.85, and all are ordered again.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Final

from attrs import evolve, field, frozen

from clincore.domain.ranking.arithmetic import CONTEXT, power, six_places
from clincore.domain.ranking.case import CaseRubric, CaseType, Course, RankingCase
from clincore.domain.ranking.parameters import McareParameters
from clincore.domain.ranking.ranking import Factor, Ranking, Score, order, ranked
from clincore.domain.ranking.tally import GRADES, Tally, remedy_names, tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clincore.domain.canonical_json import JsonObject

_FIRST: Final = 5
_PENALTY: Final = Decimal("0.85")
_SMALL: Final = 15
_SMALL_FROM_GRADE: Final = 2


@frozen
class Mcare:
    """The ranking method ``mcare/6.1``."""

    settings: McareParameters = field(factory=McareParameters)
    name: str = field(default="mcare/6.1", init=False)

    @property
    def parameters(self) -> JsonObject:
        return self.settings.to_json()

    def with_parameters(self, parameters: JsonObject) -> Mcare:
        return Mcare(McareParameters.from_json(parameters))

    def contributions(self, case: RankingCase) -> Mapping[int, tuple[Decimal, ...]]:
        """Return c(s,r) of each rubric for a remedy at grade 0 to 5."""
        case_type = case.case_type
        with localcontext(CONTEXT):
            return {rubric.id: self._contribution(rubric, case_type) for rubric in case.rubrics}

    def rank(self, case: RankingCase) -> Ranking:
        """Rank every remedy that stands in a rubric of the case."""
        with localcontext(CONTEXT):
            raw = {rubric.id: tuple(self._value(grade) * rubric.weight for grade in GRADES) for rubric in case.rubrics}
            found = tally(case, self.contributions(case), raw)
            factors = {remedy: self._factor(case, remedy, sums) for remedy, sums in found.items()}
            scores = [_score(case, remedy, sums, factors[remedy]) for remedy, sums in found.items()]
            if case.course is Course.CHRONIC:
                scores = _with_chronic_rule(scores, found)
            return Ranking(
                rows=ranked(scores, remedy_names(case, found)),
                method=self.name,
                case_type=case.case_type,
                course=case.course,
                repertory=case.fingerprint,
            )

    def _value(self, grade: int) -> Decimal:
        return self.settings.grade_values[grade] if grade else Decimal(0)

    def _contribution(self, rubric: CaseRubric, case_type: CaseType) -> tuple[Decimal, ...]:
        settings = self.settings
        weight = rubric.weight * settings.bucket_weights[case_type][rubric.bucket]
        if rubric.ailments_from:
            weight *= settings.ailments_from
        if rubric.delusions:
            weight *= settings.delusions
        small = settings.small_rubric if len(rubric.grades) <= _SMALL else Decimal(1)
        return tuple(self._value(grade) * weight * (small if grade >= _SMALL_FROM_GRADE else 1) for grade in GRADES)

    def _factor(self, case: RankingCase, remedy: str, sums: Tally) -> Factor:
        """cf / ff, the coverage's correction over one denominator: rubrics hit − τ·rubrics over rubrics·(1 − τ)."""
        tau, rubrics = self.settings.tau, len(case.rubrics)
        above = sums.hits - tau * rubrics
        whole = rubrics * (1 - tau)
        corrected = whole + self.settings.beta * above if above >= 0 else whole
        statistics = case.statistics
        relative = statistics.remedies[remedy].frequency / max(Decimal(1), statistics.median_frequency)
        return Factor(corrected, whole * power(relative, self.settings.alpha))


def _score(case: RankingCase, remedy: str, sums: Tally, factor: Factor) -> Score:
    return Score(
        remedy=remedy,
        score=six_places(sums.weighted * factor.over / factor.under),
        raw_score=six_places(sums.raw),
        coverage=six_places(Decimal(sums.hits) / len(case.rubrics)),
        rubrics_hit=sums.hits,
        mind_strong_hits=sums.strong,
        factor=factor,
    )


def _with_chronic_rule(scores: list[Score], found: Mapping[str, Tally]) -> list[Score]:
    ordered = order(scores)
    return [
        _penalized(score, found[score.remedy]) if not score.mind_strong_hits else score for score in ordered[:_FIRST]
    ] + ordered[_FIRST:]


def _penalized(score: Score, sums: Tally) -> Score:
    factor = evolve(score.factor, over=score.factor.over * _PENALTY)
    return evolve(score, score=six_places(sums.weighted * factor.over / factor.under), factor=factor)
