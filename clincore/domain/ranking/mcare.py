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

from decimal import localcontext
from fractions import Fraction
from functools import lru_cache, partial
from itertools import repeat
from typing import TYPE_CHECKING

from attrs import field, frozen

from clincore.domain.ranking.arithmetic import CONTEXT
from clincore.domain.ranking.case import CaseType, Course, RankingCase
from clincore.domain.ranking.mcare_scores import FIRST, PENALTY, McareScores
from clincore.domain.ranking.mcare_worth import Kind, Worth, worth
from clincore.domain.ranking.parameters import McareParameters
from clincore.domain.ranking.ranking import Ranking, with_ranks
from clincore.domain.ranking.stability import Contender, Contest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from clincore.domain.canonical_json import JsonObject

_SMALL = 15
_KINDS = 1024


@frozen
class Mcare:
    """The ranking method ``mcare/6.1``."""

    settings: McareParameters = field(factory=McareParameters)
    name: str = field(default="mcare/6.1", init=False)
    parameters: JsonObject = field(init=False, eq=False, repr=False)
    _worth_of: Callable[[CaseType, Kind], Worth] = field(init=False, eq=False, repr=False)
    """Remembers what the last kinds of rubrics gave: most rubrics are of a few kinds."""

    @parameters.default
    def _written(self) -> JsonObject:
        return self.settings.to_json()

    @_worth_of.default
    def _remembered(self) -> Callable[[CaseType, Kind], Worth]:
        return lru_cache(maxsize=_KINDS)(partial(worth, self.settings))

    def with_parameters(self, parameters: JsonObject) -> Mcare:
        return Mcare(McareParameters.from_json(parameters))

    def contributions(self, case: RankingCase) -> Mapping[int, tuple[Decimal, ...]]:
        """Return c(s,r) of each rubric for a remedy at grade 0 to 5."""
        return {rubric.id: worth.contributions for rubric, worth in zip(case.rubrics, self._worths(case), strict=True)}

    def rank(self, case: RankingCase) -> Ranking:
        """Rank every remedy that stands in a rubric of the case."""
        with localcontext(CONTEXT):
            scores = McareScores(self.settings, case, self._worths(case))
            if case.course is Course.CHRONIC:
                scores.apply_chronic_rule()
            return Ranking(
                rows=with_ranks(scores.scores(), case.statistics.remedies),
                method=self.name,
                case_type=case.case_type,
                course=case.course,
                repertory=case.fingerprint,
                tallies=scores.tallies,
            )

    def contest(self, case: RankingCase) -> Contest:
        """Return all remedies, with the chronic rule where the course is chronic."""
        with localcontext(CONTEXT):
            scores = McareScores(self.settings, case, self._worths(case))
            remedies = scores.scores()
        tallies = scores.tallies
        contenders = []
        for found in remedies:
            over, under = map(int, found.factor)
            parts = {
                tallies.rubric_ids[hit]: Fraction(tallies.given[hit] * over, tallies.unit * under)
                for hit in tallies.places[found.remedy]
            }
            contenders.append(Contender(remedy=found.remedy, parts=parts, is_spared=found.mind_strong_hits > 0))
        if case.course is not Course.CHRONIC:
            return Contest(contenders=contenders)
        return Contest(contenders=contenders, ruled=FIRST, penalty=Fraction(PENALTY))

    def _worths(self, case: RankingCase) -> list[Worth]:
        kinds = [
            (rubric.bucket, rubric.weight, rubric.ailments_from, rubric.delusions, len(rubric.grades) <= _SMALL)
            for rubric in case.rubrics
        ]
        return list(map(self._worth_of, repeat(case.case_type), kinds))
