"""What MCARE multiplies a remedy's weighted sum by: 1/ff, exactly and in fixed point; and the score it gives."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from clincore.domain.ranking.arithmetic import MILLION, power

if TYPE_CHECKING:
    from collections.abc import Iterable

Factor: TypeAlias = tuple[int, int]
"""cf/ff, and the penalty where there is one, as a fraction."""


def frequency_factor(frequency: int, median: Decimal, alpha: Decimal) -> Decimal:
    """Return ff to 34 digits."""
    return power(frequency / max(Decimal(1), median), alpha)


class InverseFactors(dict[int, tuple[Factor, int]]):
    """1/ff by a remedy's frequency, found once for each that occurs: its 34 digits as a fraction, and its scale.

    A sum over ``unit`` times a scale is the score in millionths, in fixed point with so many bits that the scale, which
    is rounded down, has more than a hundred.
    """

    def __init__(self, median: Decimal, alpha: Decimal, unit: int) -> None:
        super().__init__()
        self._median = median
        self._alpha = alpha
        self._unit = unit
        self._bits = 120 + unit.bit_length()

    def __missing__(self, frequency: int) -> tuple[Factor, int]:
        over, under = frequency_factor(frequency, self._median, self._alpha).as_integer_ratio()
        inverse = (under, over)
        self[frequency] = inverse, self.scale(inverse)
        return self[frequency]

    def scale(self, factor: Factor) -> int:
        """Return the fixed-point number for another factor."""
        over, under = factor
        return (MILLION * over << self._bits) // (self._unit * under)

    def rounded(self, scores: Iterable[int]) -> list[int | None]:
        """Round scores to whole millionths; None where one is so near a half that the context has to be asked.

        Below four million a score in fixed point and one of the context differ by less than 2^-40 of a millionth; a
        larger one is left to the context, too.
        """
        bits = self._bits
        half, fraction, hair, most = 1 << (bits - 1), (1 << bits) - 1, 1 << (bits - 20), 1 << (bits + 42)
        low, high = half - hair, half + hair
        return [None if low < score & fraction < high or score > most else (score + half) >> bits for score in scores]


@lru_cache(maxsize=64)
def inverse_factors(median: Decimal, alpha: Decimal, unit: int) -> InverseFactors:
    """Return the same factors for the same numbers."""
    return InverseFactors(median, alpha, unit)
