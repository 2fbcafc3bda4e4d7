"""Searches of a repertory."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from clincore.domain.limits import QUERY_CHARACTERS, QUERY_TERMS
from clincore.domain.search_query import SearchQuery, parse_search_query

_WORDS: Final = ("fear", "NIGHT", "death", "agg", "worse", "hémorrhage", "alone", "bed")
_TERMS: Final = st.sampled_from(
    [
        *_WORDS,
        *(f"{word[:2]}*" for word in _WORDS),
        *(f"*{word[-2:]}" for word in _WORDS),
        '"fear of death"',
        '"in bed"',
    ]
)
_EXCLUDED: Final = st.sampled_from(["-morning", '-"in bed"', "-al*"])
_FILTERS: Final = st.sampled_from(["remedy:ars", "remedy:Nux-v.", "grade:2", "grade:>=3"])


@st.composite
def queries(draw: st.DrawFn) -> str:
    """Texts that can be read: words and phrases, excluded ones, remedies and a grade, in any order."""
    terms = draw(st.lists(_TERMS, min_size=1, max_size=3))
    excluded = draw(st.lists(_EXCLUDED, max_size=1))
    filters = draw(st.lists(_FILTERS, max_size=2, unique_by=lambda text: text.partition(":")[0]))
    return " ".join(draw(st.permutations([*terms, *excluded, *filters])))


def search_queries() -> st.SearchStrategy[SearchQuery]:
    return queries().map(parse_search_query)


def invalid_queries() -> st.SearchStrategy[tuple[str, int]]:
    """Texts that cannot be read, and where: the position in characters from 0."""
    return st.sampled_from(
        [
            ("", 0),
            ("-fear", 5),
            ("grade:2", 7),
            ('fear "of death', 5),
            ("fear - night", 5),
            ("fear remedy:", 12),
            ("fear grade:6", 11),
            ("fear grade:2 grade:3", 13),
            ("fear rubric:7", 5),
            ("fe*ar", 2),
            ("fear -grade:2", 5),
            ("fear ...", 5),
            ("fear\x00", 4),
            ("x" * (QUERY_CHARACTERS + 1), QUERY_CHARACTERS),
            (" ".join("a" * (QUERY_TERMS + 1)), 2 * QUERY_TERMS),
        ]
    )
