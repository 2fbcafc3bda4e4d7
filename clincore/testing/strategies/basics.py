"""Ids, moments, texts and JSON: what records are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from hypothesis import strategies as st

from clincore.domain.canonical_json import JsonValue
from clincore.domain.errors import Problem
from clincore.domain.limits import (
    MAX_ID,
    NAME_CHARACTERS,
)

THIS_YEAR: Final = 2026


def moments() -> st.SearchStrategy[datetime]:
    """Aware times, UTC, of the years 2000 to 2099."""
    return st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def plain_texts(*, longest: int, shortest: int = 0, line_breaks: bool = False) -> st.SearchStrategy[str]:
    """Texts without control characters and lone surrogates; with ``line_breaks`` they may hold line feeds and CR."""
    letters = st.characters(exclude_categories=("Cc", "Cs"), include_characters="\n\r" if line_breaks else "")
    return st.text(letters, min_size=shortest, max_size=longest)


def names() -> st.SearchStrategy[str]:
    """Trimmed names of 1 to 200 characters; long ones are short texts repeated."""
    short = plain_texts(longest=12, shortest=1).map(str.strip).filter(bool)
    return short | st.builds(lambda text, times: (text * times)[:NAME_CHARACTERS].strip(), short, st.integers(1, 200))


def digests() -> st.SearchStrategy[str]:
    """SHA-256 digests, 64 hex digits."""
    return st.binary(min_size=32, max_size=32).map(bytes.hex)


def json_values() -> st.SearchStrategy[JsonValue]:
    """Values of canonical JSON's closed type."""
    leaves = st.none() | st.booleans() | st.integers(-MAX_ID, MAX_ID) | plain_texts(longest=6)
    keys = st.text(st.characters(max_codepoint=126, min_codepoint=32), max_size=4)
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3))


def invalid_json_values() -> st.SearchStrategy[object]:
    """Values that canonical JSON has no text for."""
    wrong = st.sampled_from([0.5, 2**53, -(2**53), "\ud800", {"ä": 1}, {1: 1}, b"x", Decimal(1)])
    return wrong | wrong.map(lambda value: [value]) | wrong.map(lambda value: {"a": {"b": value}})


def invalid_names() -> st.SearchStrategy[object]:
    """What is no name: nothing in it, too long, with a control character or a lone surrogate, or no text."""
    return st.sampled_from(["", "  ", "x" * (NAME_CHARACTERS + 1), "a\x00b", "a\nb", "\ud800", 7, None, ["Anna"]])


def problems() -> st.SearchStrategy[Problem]:
    return st.builds(Problem, st.sampled_from(["", "full_name", "rubrics[2].weight"]), plain_texts(longest=20))
