"""MCARE's scores of one case, in whole numbers; what is in doubt is asked of the decimal context."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import repeat
from math import lcm
from typing import TYPE_CHECKING, Final, TypeAlias

from attrs import define, field

from clincore.domain.ranking.arithmetic import MILLION, MILLIONTH, half_even, six_places
from clincore.domain.ranking.mcare_factors import Factor, frequency_factor, inverse_factors
from clincore.domain.ranking.ranking import Score, made
from clincore.domain.ranking.tally import Tallies, at_grades, strong_hits, tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clincore.domain.ranking.case import RankingCase
    from clincore.domain.ranking.mcare_worth import Worth
    from clincore.domain.ranking.parameters import McareParameters

FIRST: Final = 5
PENALTY: Final = Decimal("0.85")
PENALTY_OVER, PENALTY_UNDER = PENALTY.as_integer_ratio()
Found: TypeAlias = tuple[int, str, Sequence[int], int, Factor]
"""A remedy's score in millionths, negated; its abbreviation, its hits, its raw sum, and its factor."""


@define
class McareScores:
    """The sums and scores of a case's remedies; everything here runs in the one decimal context.

    A remedy's score is its weighted sum over their unit, times its factor.
    """

    _settings: McareParameters
    _case: RankingCase
    _worths: Sequence[Worth]
    """Of each rubric."""
    tallies: Tallies = field(init=False)
    _strong: Mapping[str, int] = field(init=False)
    _order: list[Found] = field(init=False)
    """The remedies in order; no two are of one abbreviation."""

    def __attrs_post_init__(self) -> None:
        kinds = {id(worth): worth for worth in self._worths}  # most rubrics are of a few kinds
        unit = lcm(*(worth.unit for worth in kinds.values()))
        scaled = {kind: worth.over(unit) for kind, worth in kinds.items()}
        worths = [scaled[id(worth)] for worth in self._worths]
        self.tallies = tally(self._case, [worth.given for worth in worths], unit)
        self._strong = strong_hits(self._case)
        raw = at_grades(self._case, [worth.raw for worth in worths])
        self._order = self._found(raw)

    def apply_chronic_rule(self) -> None:
        """Penalize those of the first five that have no strong Mind rubric, and order all again."""
        self._order[:FIRST] = [
            found if found[1] in self._strong else self._penalized(found) for found in self._order[:FIRST]
        ]
        self._order.sort()

    def scores(self) -> list[Score]:
        """Return what was found for the remedies, in order."""
        if not self._order:
            return []
        negated, remedies, hits, raw, factors = zip(*self._order, strict=True)
        # Exact in the context, too: nothing can be in doubt.
        raw_scores = {each: half_even(each * MILLION, self.tallies.unit)[0] * MILLIONTH for each in set(raw)}
        numbers = list(map(len, hits))
        rubrics = len(self._case.rubrics)
        coverages = {number: six_places(Decimal(number) / rubrics) for number in set(numbers)}
        return made(
            Score,
            remedies,
            [-millionths * MILLIONTH for millionths in negated],
            map(raw_scores.__getitem__, raw),
            map(coverages.__getitem__, numbers),
            numbers,
            map(self._strong.get, remedies, repeat(0)),
            factors,
        )

    def _found(self, raw: Sequence[int]) -> list[Found]:
        """Find each remedy's sums, factor and score, and put them in order; ``raw`` is what each hit has of it."""
        given, statistics = self.tallies.given, self._case.statistics
        given_at, raw_at, known = given.__getitem__, raw.__getitem__, statistics.remedies
        inverses = inverse_factors(statistics.median_frequency, self._settings.alpha, self.tallies.unit)
        fewest = int(self._settings.tau * len(self._case.rubrics))  # hits: with less, coverage is below τ
        places = self.tallies.places
        raw_sums, factors, scores = [], [], []
        for remedy, hits in places.items():
            if len(hits) == 1:  # so it is with most
                weighted, raw_sum = given[hits[0]], raw[hits[0]]
            else:
                weighted, raw_sum = sum(map(given_at, hits)), sum(map(raw_at, hits))
            factor, scale = inverses[known[remedy].frequency]
            if len(hits) >= fewest:
                factor = self._corrected(factor, len(hits))
                scale = inverses.scale(factor)
            raw_sums.append(raw_sum)
            factors.append(factor)
            scores.append(weighted * scale)
        negated = [
            -(self._millionths_in_context(remedy, Decimal(1)) if millionths is None else millionths)
            for remedy, millionths in zip(places, inverses.rounded(scores), strict=True)
        ]
        return sorted(zip(negated, places, places.values(), raw_sums, factors, strict=True))

    def _corrected(self, factor: Factor, hits: int) -> Factor:
        correction, whole = self._correction(hits)
        (over, over_under), (under, under_under) = correction.as_integer_ratio(), whole.as_integer_ratio()
        return factor[0] * over * under_under, factor[1] * under * over_under

    def _correction(self, hits: int) -> tuple[Decimal, Decimal]:
        """Return cf as a fraction over rubrics·(1 − τ): that, and β·(rubrics hit − τ·rubrics) more from τ on."""
        tau, beta, rubrics = self._settings.tau, self._settings.beta, len(self._case.rubrics)
        whole = rubrics * (1 - tau)
        above = hits - tau * rubrics
        return (whole + beta * above if above >= 0 else whole), whole

    def _penalized(self, found: Found) -> Found:
        _, remedy, hits, raw, (over, under) = found
        over, under = over * PENALTY_OVER, under * PENALTY_UNDER
        weighted = sum(map(self.tallies.given.__getitem__, hits))
        millionths, in_doubt = half_even(weighted * over * MILLION, self.tallies.unit * under)
        if in_doubt:
            millionths = self._millionths_in_context(remedy, PENALTY)
        return -millionths, remedy, hits, raw, (over, under)

    def _millionths_in_context(self, remedy: str, penalty: Decimal) -> int:
        """The score as the contract says it: 34 digits after every step, the division last."""
        weighted = Decimal(0)
        for rubric, worth in zip(self._case.rubrics, self._worths, strict=True):
            if remedy in rubric.grades:
                weighted += worth.contributions[rubric.grades[remedy]]
        over, under = self._correction(len(self.tallies.places[remedy]))
        statistics = self._case.statistics
        ff = frequency_factor(statistics.remedies[remedy].frequency, statistics.median_frequency, self._settings.alpha)
        return int(six_places(weighted * (over * penalty) / (under * ff)) * MILLION)
