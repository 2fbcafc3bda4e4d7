"""JSON numbers, exactly as they were written."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from clincore.domain.errors import InvalidInput, Problem

_LONGEST: Final = 64


def exact_number(raw: bytes, path: str) -> Decimal:
    """Return a JSON number's exact value; its form was checked by the JSON reader. Raises InvalidInput."""
    try:
        if raw[:1] in b"-0123456789" and len(raw) <= _LONGEST:
            return Decimal(raw.decode())
    except ArithmeticError:  # an exponent beyond those that a Decimal can have
        pass
    raise InvalidInput([Problem(path, "must be a JSON number, written in a few digits")])
