"""One decimal context for every score, so that every machine gives the same digits; no binary floating point anywhere.

Decimal arithmetic as in the General Decimal Arithmetic Specification 1.70 (IEEE 754 decimal128's precision of 34
digits, half-even). Powers go through ``ln`` and ``exp``, which the specification has correctly rounded, at a working
precision that leaves no doubt about the 34 digits kept; ``power`` itself may differ between implementations.

Sums and quotients are found in whole numbers, which are exact and quick. The context differs from them in the 34th
digit at most, a few hundred roundings taken together, and so gives the same six places except within a hair of a half
of a millionth: ``half_even`` tells such a quotient, and there the context itself has to be asked.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import lru_cache
from math import lcm
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

K = TypeVar("K")

CONTEXT: Final = Context(
    prec=34,
    rounding=ROUND_HALF_EVEN,
    Emin=-6143,
    Emax=6144,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
_WORKING: Final = Context(
    prec=60,
    rounding=ROUND_HALF_EVEN,
    Emin=-6143,
    Emax=6144,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
MILLIONTH: Final = Decimal("0.000001")
MILLION: Final = 1_000_000
_HAIR: Final = 83
"""2^83 is about 10^25: below 10^-25 of a quotient it may be the context's roundings that decide. A case of 200 rubrics
adds up fewer than 2,000 of them, each at most 5·10^-34 of its result, and nothing that is subtracted is rounded."""


def six_places(value: Decimal) -> Decimal:
    """Round half-even to six places."""
    return value.quantize(MILLIONTH, rounding=ROUND_HALF_EVEN, context=CONTEXT)


def half_even(over: int, under: int) -> tuple[int, bool]:
    """Round ``over / under``, not negative, to a whole number; also say whether it is within a hair of a half."""
    whole, rest = divmod(over, under)
    beyond = 2 * rest - under
    hair = over >> (_HAIR - 1)
    if beyond > hair:
        return whole + 1, False
    if beyond < -hair:
        return whole, False
    return whole + (beyond > 0 or (beyond == 0 and whole % 2 == 1)), True


def whole_numbers(values: Mapping[K, Sequence[Decimal]]) -> tuple[dict[K, list[int]], int]:
    """Return the values as whole numbers over one common denominator, exactly, and the denominator."""
    different = {id(row): row for row in values.values()}  # methods give many rubrics the very same row
    ratios = {key: [value.as_integer_ratio() for value in row] for key, row in different.items()}
    under = lcm(*(ratio[1] for row in ratios.values() for ratio in row))
    rows = {key: [over * (under // own) for over, own in row] for key, row in ratios.items()}
    return {key: rows[id(row)] for key, row in values.items()}, under


@lru_cache(maxsize=8192)
def power(base: Decimal, exponent: Decimal) -> Decimal:
    """Return base^exponent to 34 digits for a positive base; exact where the exponent is 0 or the base is 1."""
    if not exponent or base == 1:
        return Decimal(1)
    return CONTEXT.plus(_WORKING.exp(_WORKING.multiply(exponent, _WORKING.ln(base))))
