"""Canonical JSON: RFC 8785 (JSON Canonicalization Scheme) over a closed type.

The type is: objects with ASCII keys, arrays, strings without lone surrogates, integers of magnitude below 2^53,
booleans and null. There are no floats; decimal numbers are written as strings (``decimal_text``). Within this type
``json.dumps`` with sorted keys and no spaces writes exactly what RFC 8785 asks for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

JsonValue: TypeAlias = "str | int | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
JsonObject: TypeAlias = Mapping[str, JsonValue]

MAX_INTEGER = 2**53 - 1

_encode = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False
).encode
canonical_string: Final = json.encoder.encode_basestring
"""Returns the text that stands for a string, which must have no lone surrogate."""


def canonical_json(value: JsonValue) -> str:
    """Return the one text that stands for the value.

    Raises TypeError for a value outside the closed type and ValueError for one that the type excludes (an integer of
    2^53 or more, a key that is not ASCII, a lone surrogate); neither message repeats the value.
    """
    _check(value)
    return _without_surrogates(_encode(value))


def canonical_object(members: Mapping[str, str]) -> str:
    """Return the text of an object whose members' texts, by ASCII name, are canonical already."""
    return "{" + ",".join([f"{canonical_string(name)}:{members[name]}" for name in sorted(members)]) + "}"


def canonical_array(items: Iterable[str]) -> str:
    """Return the text of an array whose items' texts are canonical but for lone surrogates: those raise ValueError."""
    return _without_surrogates(f"[{','.join(items)}]")


def decimal_text(value: Decimal | int) -> str:
    """Return the shortest plain decimal text of a finite number: no exponent, no trailing zeros, no ``-0``."""
    text = format(Decimal(value), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def decimal_places(value: Decimal) -> int:
    """Return how many decimals a finite number needs, whatever zeros it was written with."""
    return len(decimal_text(value).partition(".")[2])


def _without_surrogates(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("canonical JSON: a string holds a lone surrogate") from error
    return text


def _check(value: object) -> None:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:  # type: ignore[operator]
            raise ValueError("canonical JSON: an integer is 2^53 or more")
    elif kind is dict:
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) is not str or not key.isascii():
                raise ValueError("canonical JSON: a key is not an ASCII string")
            _check(item)
    elif kind is list or kind is tuple:
        for item in value:  # type: ignore[attr-defined]
            _check(item)
    else:
        raise TypeError(f"canonical JSON has no {kind.__name__}")
