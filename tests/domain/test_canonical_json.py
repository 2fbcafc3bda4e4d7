"""Canonical JSON is RFC 8785 on its closed type, with the library rfc8785 as the oracle."""

from __future__ import annotations

import json
from decimal import ROUND_UP, Context, Decimal, localcontext
from enum import IntEnum, StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.canonical_json import (
    MAX_INTEGER,
    canonical_array,
    canonical_json,
    canonical_object,
    canonical_string,
    decimal_places,
    decimal_text,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
keys = st.text(st.characters(max_codepoint=127), max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_the_text_is_what_rfc_8785_says(value: Any) -> None:
    assert canonical_json(value).encode() == rfc8785.dumps(value)


@given(values)
def test_the_text_reads_back_as_the_value_and_writes_the_same_again(value: Any) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


@given(st.lists(values, max_size=4), st.dictionaries(keys, values, max_size=4))
def test_tuples_are_arrays_and_the_order_of_keys_means_nothing(items: list[Any], entries: dict[str, Any]) -> None:
    assert canonical_json(tuple(items)) == canonical_json(items)
    assert canonical_json(dict(reversed(entries.items()))) == canonical_json(entries)


@given(st.lists(values, max_size=4), st.dictionaries(keys, values, max_size=4), texts)
def test_what_is_put_together_of_canonical_texts_is_canonical(
    items: list[Any], entries: dict[str, Any], text: str
) -> None:
    assert canonical_array(map(canonical_json, items)) == canonical_json(items)
    assert canonical_object({name: canonical_json(value) for name, value in entries.items()}) == canonical_json(entries)
    assert canonical_string(text) == canonical_json(text)


def test_a_lone_surrogate_among_the_items_is_refused() -> None:
    with pytest.raises(ValueError, match="lone surrogate"):
        canonical_array([canonical_string("\ud800")])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            {"b": 1, "a": [True, None, "é\u20ac\U0001d538"], "A": {}},
            '{"A":{},"a":[true,null,"é\u20ac\U0001d538"],"b":1}',
        ),
        ('"\\/\b\f\n\r\t\x00\x1f\x7f\u2028', '"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\u2028"'),
        ([MAX_INTEGER, -MAX_INTEGER, 0], "[9007199254740991,-9007199254740991,0]"),
        ({}, "{}"),
        ([], "[]"),
    ],
)
def test_texts_by_hand(value: Any, text: str) -> None:
    assert canonical_json(value) == text


class Number(IntEnum):
    ONE = 1


class Word(StrEnum):
    ONE = "one"


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        0.1,
        float("nan"),
        float("inf"),
        Decimal(1),
        Decimal("NaN"),
        b"x",
        {1},
        object(),
        Number.ONE,
        Word.ONE,
        MAX_INTEGER + 1,
        -MAX_INTEGER - 1,
        1 << 8000,
        "\ud800",
        "a\udfffb",
        {"é": 1},
        {1: 1},
        {None: 1},
        {True: 1},
        {Word.ONE: 1},
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_outside_the_closed_type_is_refused_at_any_depth(value: Any) -> None:
    wrapped: Any
    for wrapped in (value, [value], {"a": [1, {"b": value}]}, ("x", (value,))):
        with pytest.raises((TypeError, ValueError), match=r"^canonical JSON"):
            canonical_json(wrapped)


def test_a_refusal_never_repeats_the_value() -> None:
    for secret in ({"Ärzte-Müller": 1}, "Müller \ud800", {"a": 9007199254740993}):
        with pytest.raises(ValueError, match="canonical JSON") as refused:
            canonical_json(secret)
        assert not any(part in str(refused.value) for part in ("Müller", "9007199254740993"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1", "1"),
        ("1.0", "1"),
        ("1.500", "1.5"),
        ("100", "100"),
        ("1E+3", "1000"),
        ("1E-7", "0.0000001"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("0E+5", "0"),
        ("-2.50", "-2.5"),
        ("0.1", "0.1"),
    ],
)
def test_a_decimal_is_written_plainly(value: str, text: str) -> None:
    assert decimal_text(Decimal(value)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9) | st.integers(-(10**30), 10**30).map(Decimal))
def test_a_decimal_text_has_no_exponent_and_reads_back_as_the_number(value: Decimal) -> None:
    text = decimal_text(value)
    whole, _, part = text.partition(".")
    assert Decimal(text) == value
    assert whole.lstrip("-").isdecimal()
    assert not part or (part.isdecimal() and not part.endswith("0"))
    assert decimal_places(value) == len(part)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9))
def test_equal_decimals_have_one_text_in_any_context(value: Decimal) -> None:
    longer = value.quantize(Decimal("1E-12"), context=Context(prec=400))
    with localcontext(Context(prec=3, rounding=ROUND_UP)):
        assert decimal_text(longer) == decimal_text(value)


def test_a_whole_number_is_its_own_text() -> None:
    assert decimal_text(12) == "12"
