"""MCARE's scores of one case, in whole numbers; what is in doubt is asked of the decimal context."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from attrs import define, field

from clincore.domain.ranking.arithmetic import MILLION, MILLIONTH, half_even, power, six_places, whole_numbers
from clincore.domain.ranking.ranking import Score, made
from clincore.domain.ranking.tally import GRADES, Tallies, at_grades, strong_hits, tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clincore.domain.ranking.case import RankingCase
    from clincore.domain.ranking.parameters import McareParameters

FIRST: Final = 5
PENALTY: Final = Decimal("0.85")
Found: TypeAlias = tuple[int, str, Sequence[int], int, tuple[int, int]]
"""A remedy's score in millionths, negated; its abbreviation, its hits, its raw sum; and its factor: cf/ff, and the
penalty where there is one, as a fraction."""
PENALTY_OVER, PENALTY_UNDER = PENALTY.as_integer_ratio()


@define
class McareScores:
    """The sums and scores of a case's remedies; everything here runs in the one decimal context.

    A remedy's score is its weighted sum over their unit, times its factor.
    """

    _settings: McareParameters
    _case: RankingCase
    _contributions: Mapping[int, Sequence[Decimal]]
    tallies: Tallies = field(init=False)
    _strong: Mapping[str, int] = field(init=False)
    _raw_unit: int = field(init=False)
    _corrected: Sequence[Decimal] = field(init=False)
    _ff: FrequencyFactors = field(init=False)
    _order: list[Found] = field(init=False)
    """The remedies in order; no two are of one abbreviation."""

    def __attrs_post_init__(self) -> None:
        self.tallies = tally(self._case, *whole_numbers(self._contributions))
        self._strong = strong_hits(self._case)
        raw, self._raw_unit = whole_numbers(self._raw())
        self._corrected = self._over_one_denominator()
        self._ff = _frequency_factors(self._case.statistics.median_frequency, self._settings.alpha)
        self._order = self._found(self.tallies.sums(at_grades(self._case, raw)))

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
        raw_scores = {each: half_even(each * MILLION, self._raw_unit)[0] * MILLIONTH for each in set(raw)}
        rubrics = len(self._case.rubrics)
        coverages = [six_places(Decimal(number) / rubrics) for number in range(len(self._corrected))]
        numbers = list(map(len, hits))
        strong = self._strong.get
        return made(
            Score,
            remedies,
            [-millionths * MILLIONTH for millionths in negated],
            map(raw_scores.__getitem__, raw),
            map(coverages.__getitem__, numbers),
            numbers,
            [strong(remedy, 0) for remedy in remedies],
            factors,
        )

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
        most = max(map(len, self.tallies.places.values()), default=0)
        above = [hits - tau * rubrics for hits in range(1, most + 1)]
        return [whole, *(whole + beta * part if part >= 0 else whole for part in above)]

    def _found(self, raw: Sequence[int]) -> list[Found]:
        """Find each remedy's factor and score, and put them in order; ``raw`` are the raw sums."""
        tallies, known, uncorrected = self.tallies, self._case.statistics.remedies, self._ff.inverse
        (corrections,) = whole_numbers({0: self._corrected})[0].values()
        million, unit, whole, unpenalized = MILLION, tallies.unit, corrections[0], Decimal(1)
        order = []
        for (remedy, hits), weighted, raw_sum in zip(
            tallies.places.items(), tallies.sums(tallies.given), raw, strict=True
        ):
            over, under = factor = uncorrected(known[remedy].frequency)
            correction = corrections[len(hits)]
            if correction != whole:
                over, under = factor = over * correction, under * whole
            millionths, in_doubt = half_even(weighted * over * million, unit * under)
            if in_doubt:
                millionths = self._millionths_in_context(remedy, len(hits), unpenalized)
            order.append((-millionths, remedy, hits, raw_sum, factor))
        order.sort()
        return order

    def _penalized(self, found: Found) -> Found:
        _, remedy, hits, raw, (over, under) = found
        over, under = over * PENALTY_OVER, under * PENALTY_UNDER
        weighted = sum(map(self.tallies.given.__getitem__, hits))
        millionths, in_doubt = half_even(weighted * over * MILLION, self.tallies.unit * under)
        if in_doubt:
            millionths = self._millionths_in_context(remedy, len(hits), PENALTY)
        return -millionths, remedy, hits, raw, (over, under)

    def _millionths_in_context(self, remedy: str, hits: int, penalty: Decimal) -> int:
        """The score as the contract says it: 34 digits after every step, the division last."""
        weighted = Decimal(0)
        for rubric in self._case.rubrics:
            if remedy in rubric.grades:
                weighted += self._contributions[rubric.id][rubric.grades[remedy]]
        ff = self._ff.exact(self._case.statistics.remedies[remedy].frequency)
        return int(six_places(weighted * (self._corrected[hits] * penalty) / (self._corrected[0] * ff)) * MILLION)


@define
class FrequencyFactors:
    """ff by a remedy's frequency, found once for each frequency that occurs."""

    _median: Decimal
    _alpha: Decimal
    _inverses: dict[int, tuple[int, int]] = field(factory=dict)

    def inverse(self, frequency: int) -> tuple[int, int]:
        """Return 1/ff, its 34 digits as a fraction."""
        inverse = self._inverses.get(frequency)
        if inverse is None:
            over, under = self.exact(frequency).as_integer_ratio()
            inverse = self._inverses[frequency] = under, over
        return inverse

    def exact(self, frequency: int) -> Decimal:
        """Return ff to 34 digits."""
        return power(frequency / max(Decimal(1), self._median), self._alpha)


@lru_cache(maxsize=16)
def _frequency_factors(median: Decimal, alpha: Decimal) -> FrequencyFactors:
    return FrequencyFactors(median, alpha)
