"""One decimal context for every score, so that every machine gives the same digits.

Decimal arithmetic as in the General Decimal Arithmetic Specification 1.70 (IEEE 754 decimal128's precision of 34
digits, half-even). Powers go through ``ln`` and ``exp``, which the specification has correctly rounded, at a working
precision that leaves no doubt about the 34 digits kept; ``power`` itself may differ between implementations.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import lru_cache
from typing import Final

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


def six_places(value: Decimal) -> Decimal:
    """Round half-even to six places."""
    return value.quantize(MILLIONTH, rounding=ROUND_HALF_EVEN, context=CONTEXT)


@lru_cache(maxsize=8192)
def power(base: Decimal, exponent: Decimal) -> Decimal:
    """Return base^exponent to 34 digits for a positive base; exact where the exponent is 0 or the base is 1."""
    if not exponent or base == 1:
        return Decimal(1)
    return CONTEXT.plus(_WORKING.exp(_WORKING.multiply(exponent, _WORKING.ln(base))))
