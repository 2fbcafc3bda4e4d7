"""Text that people type: bounded, without control characters and lone surrogates, never repeated in an error."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.errors import InvalidInput
from clincore.domain.text import clean_name, text_problem
from clincore.testing.strategies import names, plain_texts

any_text = st.text(st.characters() | st.characters(categories=["Cc", "Cs"]), max_size=12)


@given(any_text, st.integers(0, 12), st.integers(0, 3), st.booleans())
def test_a_text_is_refused_for_its_length_or_a_control_character_and_for_nothing_else(
    value: str, longest: int, shortest: int, line_breaks: bool
) -> None:
    allowed = {"\n", "\r"} if line_breaks else set()
    bad = [character for character in value if unicodedata.category(character) in ("Cc", "Cs")]
    fits = shortest <= len(value) <= longest and set(bad) <= allowed
    found = text_problem(value, longest=longest, shortest=shortest, line_breaks=line_breaks)
    assert (found is None) == fits


@given(plain_texts(longest=20, line_breaks=True))
def test_plain_texts_have_no_problem(value: str) -> None:
    assert text_problem(value, longest=20, line_breaks=True) is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("abcdef", "has 6 characters, 5 at most are allowed"),
        ("", "is empty"),
        ("a", "has 1 characters, 2 at least are needed"),
        ("ab\x00", "holds a control character (U+0000) at position 3"),
    ],
)
def test_a_problem_is_said_in_plain_words(value: str, problem: str) -> None:
    assert text_problem(value, longest=5, shortest=2) == problem


@given(names())
def test_a_clean_name_stays_as_it_is(name: str) -> None:
    assert clean_name(name, "name") == name
    assert clean_name(f"  {name}\n", "name") == name


@pytest.mark.parametrize("value", ["", "  ", "x" * 201, "a\x00b", "a\nb", "\ud800", None, 7, b"x"])
def test_a_name_that_is_none_is_refused_by_its_path(value: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        clean_name(value, "tenant_name")
    assert [problem.path for problem in refused.value.problems] == ["tenant_name"]
