"""MCARE's scores of one case, in whole numbers; what is in doubt is asked of the decimal context."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from attrs import define, field

from clincore.domain.ranking.arithmetic import MILLION, MILLIONTH, half_even, power, six_places, whole_numbers
from clincore.domain.ranking.ranking import Score
from clincore.domain.ranking.tally import GRADES, Tallies, Tally, tally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clincore.domain.ranking.case import RankingCase
    from clincore.domain.ranking.parameters import McareParameters

FIRST: Final = 5
PENALTY: Final = Decimal("0.85")
PENALTY_OVER, PENALTY_UNDER = PENALTY.as_integer_ratio()


@define
class McareScores:
    """The sums and scores of a case's remedies; everything here runs in the one decimal context.

    A remedy's score is its weighted sum over their unit, times its factor.
    """

    _settings: McareParameters
    _case: RankingCase
    _contributions: Mapping[int, Sequence[Decimal]]
    contributions: Mapping[int, Sequence[int]] = field(init=False)
    tallies: Tallies = field(init=False)
    found: dict[str, Tally] = field(init=False)
    _raw_unit: int = field(init=False)
    _corrected: Sequence[Decimal] = field(init=False)
    _ff: FrequencyFactors = field(init=False)
    _order: list[tuple[int, str, Tally]] = field(init=False)
    """The remedies in order, each behind its score, negated; no two are of one abbreviation."""

    def __attrs_post_init__(self) -> None:
        self.contributions, unit = whole_numbers(self._contributions)
        raw, self._raw_unit = whole_numbers(self._raw())
        self.tallies = tally(self._case, self.contributions, raw, unit)
        self.found = self.tallies.found
        self._corrected = self._over_one_denominator()
        self._ff = _frequency_factors(self._case.statistics.median_frequency, self._settings.alpha)
        self._put_scores()
        self._order = sorted([(-sums.millionths, remedy, sums) for remedy, sums in self.found.items()])

    def apply_chronic_rule(self) -> None:
        """Penalize those of the first five that have no strong Mind rubric, and order all again."""
        order = self._order
        for place, (_, remedy, sums) in enumerate(order[:FIRST]):
            if not sums.strong:
                self._penalize(remedy, sums)
                order[place] = (-sums.millionths, remedy, sums)
        order.sort()

    def scores(self) -> list[Score]:
        """Return what was found for the remedies, in order."""
        rubrics = len(self._case.rubrics)
        coverages = [six_places(Decimal(hits) / rubrics) for hits in range(len(self._corrected))]
        raw_scores: dict[int, Decimal] = {}
        found = []
        for _, remedy, sums in self._order:
            raw = raw_scores.get(sums.raw)
            if raw is None:  # exact in the context, too: nothing can be in doubt
                raw = raw_scores[sums.raw] = half_even(sums.raw * MILLION, self._raw_unit)[0] * MILLIONTH
            score = sums.millionths * MILLIONTH
            factor, hits = (sums.over, sums.under), len(sums.places)
            found.append(Score(remedy, score, raw, coverages[hits], hits, sums.strong, factor))
        return found

    def _raw(self) -> Mapping[int, Sequence[Decimal]]:
        values = [self._settings.grade_values[grade] if grade else Decimal(0) for grade in GRADES]
        known: dict[Decimal, Sequence[Decimal]] = {}  # most rubrics of a case are of one weight
        raw = {}
        for rubric in self._case.rubrics:
            gives = known.get(rubric.weight)
            if gives is None:
                gives = known[rubric.weight] = [value * rubric.weight for value in values]
            raw[rubric.id] = gives
        return raw

    def _over_one_denominator(self) -> list[Decimal]:
        """cf by the number of rubrics hit, up to the most, over its denominator, rubrics·(1 − τ), which stands at 0.

        The numerator is the denominator, and β·(rubrics hit − τ·rubrics) more from τ on.
        """
        tau, beta, rubrics = self._settings.tau, self._settings.beta, len(self._case.rubrics)
        whole = rubrics * (1 - tau)
        most = max((len(sums.places) for sums in self.found.values()), default=0)
        above = [hits - tau * rubrics for hits in range(1, most + 1)]
        return [whole, *(whole + beta * part if part >= 0 else whole for part in above)]

    def _put_scores(self) -> None:
        """Find cf/ff of each remedy, as a fraction, and the score with it."""
        known, ratio, unit = self._case.statistics.remedies, self._ff.ratio, self.tallies.unit
        (corrections,) = whole_numbers({0: self._corrected})[0].values()
        whole, unpenalized = corrections[0], Decimal(1)
        for remedy, sums in self.found.items():
            ff_over, ff_under = ratio(known[remedy].frequency)
            sums.over = over = corrections[len(sums.places)] * ff_under
            sums.under = under = whole * ff_over
            sums.millionths, in_doubt = half_even(sums.weighted * over * MILLION, unit * under)
            if in_doubt:
                sums.millionths = self._millionths_in_context(remedy, sums, unpenalized)

    def _penalize(self, remedy: str, sums: Tally) -> None:
        sums.over *= PENALTY_OVER
        sums.under *= PENALTY_UNDER
        sums.millionths, in_doubt = half_even(sums.weighted * sums.over * MILLION, self.tallies.unit * sums.under)
        if in_doubt:
            sums.millionths = self._millionths_in_context(remedy, sums, PENALTY)

    def _millionths_in_context(self, remedy: str, sums: Tally, penalty: Decimal) -> int:
        """The score as the contract says it: 34 digits after every step, the division last."""
        weighted = Decimal(0)
        for rubric in self._case.rubrics:
            if remedy in rubric.grades:
                weighted += self._contributions[rubric.id][rubric.grades[remedy]]
        ff = self._ff.exact(self._case.statistics.remedies[remedy].frequency)
        return int(
            six_places(weighted * (self._corrected[len(sums.places)] * penalty) / (self._corrected[0] * ff)) * MILLION
        )


@define
class FrequencyFactors:
    """ff by a remedy's frequency, found once for each frequency that occurs."""

    _median: Decimal
    _alpha: Decimal
    _ratios: dict[int, tuple[int, int]] = field(factory=dict)

    def ratio(self, frequency: int) -> tuple[int, int]:
        """Return ff's 34 digits as a fraction."""
        ratio = self._ratios.get(frequency)
        if ratio is None:
            ratio = self._ratios[frequency] = self.exact(frequency).as_integer_ratio()
        return ratio

    def exact(self, frequency: int) -> Decimal:
        """Return ff to 34 digits."""
        return power(frequency / max(Decimal(1), self._median), self._alpha)


@lru_cache(maxsize=16)
def _frequency_factors(median: Decimal, alpha: Decimal) -> FrequencyFactors:
    return FrequencyFactors(median, alpha)
