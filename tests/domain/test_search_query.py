from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clincore.domain.errors import InvalidQuery
from clincore.domain.search_query import Match, RemedyFilter, SearchQuery, Term, parse_search_query


def term(text: str, position: int, match: Match = Match.WORD) -> Term:
    return Term(text=text, match=match, position=position)


def test_words_phrases_exclusions_and_filters_are_told_apart() -> None:
    """Each term knows what it is and where it stands."""
    query = parse_search_query('fear "of death" -night -"in bed" remedy:Ars. grade:2')
    assert query == SearchQuery(
        terms=(term("fear", 0), term("of death", 5, Match.PHRASE)),
        excluded=(term("night", 17), term("in bed", 24, Match.PHRASE)),
        remedies=(RemedyFilter(abbreviation="Ars.", position=40),),
        grade=2,
    )


@pytest.mark.parametrize(
    ("text", "match", "inner"),
    [
        ("hemi*", Match.BEGINNING, "hemi"),
        ("*algia", Match.END, "algia"),
        ("*gast*", Match.MIDDLE, "gast"),
        ("half-past", Match.WORD, "half-past"),
        ("half-p*", Match.BEGINNING, "half-p"),
        ("11:30", Match.WORD, "11:30"),
        ('"worse"', Match.PHRASE, "worse"),
        ("“in bed”", Match.PHRASE, "in bed"),
        ('"remedy:ars"', Match.PHRASE, "remedy:ars"),
    ],
)
def test_a_single_term_is_read_as(text: str, match: Match, inner: str) -> None:
    """Wildcards stand at the ends of words; hyphens and times are parts of words; a phrase is never a filter."""
    assert parse_search_query(text) == SearchQuery(terms=(term(inner, 0, match),))


@pytest.mark.parametrize(
    ("text", "alternatives"),
    [
        ("worse", ("worse", "agg")),
        ("Better", ("Better", "amel")),
        ("agg", ("agg", "worse")),
        ("amel", ("amel", "better")),
        ("night", ("night",)),
        ("Feet", ("Feet", "foot")),
        ("hand", ("hand", "hands")),
        ("Eruptions", ("Eruptions", "eruption")),
        ("headache", ("headache", "head pain")),
        ("sweat", ("sweat", "perspiration", "sweats")),
        ('"worse"', ("worse",)),
        ("worse*", ("worse",)),
    ],
)
def test_worse_and_better_mean_agg_and_amel(text: str, alternatives: tuple[str, ...]) -> None:
    """A word that stands alone has its synonyms; in quotation marks and with a wildcard it has none."""
    assert parse_search_query(text).terms[0].alternatives == alternatives


@pytest.mark.parametrize(("text", "grade"), [("a grade:1", 1), ("a grade:>=3", 3), ("GRADE:5 a", 5), ("a", None)])
def test_a_grade_means_that_grade_or_a_higher_one(text: str, grade: int | None) -> None:
    """grade:3 and grade:>=3 are the same."""
    assert parse_search_query(text).grade == grade


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("", 0, "At least one"),
        ("   ", 3, "At least one"),
        ("-night", 6, "At least one"),
        ("remedy:ars", 10, "At least one"),
        ('fear "of death', 5, "not closed"),
        ('fear -"of death', 6, "not closed"),
        ('fear ""', 5, "without a letter"),
        ('"fear"of', 6, "blank is missing"),
        ('fe"ar', 2, "inside a word"),
        ("fear -", 5, "lone -"),
        ("fear - death", 5, "lone -"),
        ("fear --death", 5, "lone -"),
        ("f*ar", 1, "inside a word"),
        ("*f*r", 2, "inside a word"),
        ("fear**", 4, "inside a word"),
        ('"fear*"', 5, "inside a phrase"),
        ("*half-past", 5, "Only letters"),
        ("*", 0, "without a letter"),
        ("fear &", 5, "without a letter"),
        ("fear \ue000", 5, "without a letter"),
        ("fear chapter:mind", 5, "no filter chapter:"),
        ("fear -remedy:ars", 5, "cannot be excluded"),
        ("fear remedy:", 12, "needs an abbreviation"),
        ("fear grade:", 11, "whole number from 1 to 5"),
        ("fear grade:0", 11, "whole number from 1 to 5"),
        ("fear grade:6", 11, "whole number from 1 to 5"),
        ("fear grade:2.5", 11, "whole number from 1 to 5"),
        ("fear grade:<=2", 11, "whole number from 1 to 5"),
        ("fear grade:2 grade:2", 13, "stands twice"),
        ("fear\x00", 4, "U+0000"),
        ("fear\nnight", 4, "U+000A"),
        ("fear\ud800", 4, "U+D800"),
        (" ".join("a" * 21), 40, "More than 20 terms"),
        ("a" * 201, 200, "More than 200 characters"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_position(text: str, position: int, words: str) -> None:
    """The position counts from 0, the message from 1."""
    with pytest.raises(InvalidQuery, match=rf"{re.escape(words)}.*\(at character {position + 1}\)$") as refused:
        parse_search_query(text)
    assert refused.value.position == position


def test_the_limits_themselves_are_allowed() -> None:
    """Twenty terms and two hundred characters can be read."""
    assert len(parse_search_query(" ".join("a" * 20)).terms) == 20
    assert parse_search_query("a" * 200).terms[0].text == "a" * 200


@given(st.text(max_size=210) | st.text(st.sampled_from('ab*-" :>=2'), max_size=40))
@example("remedy:ars grade:3 -x")
def test_every_text_is_a_query_or_is_refused_at_a_place_inside_it(text: str) -> None:
    """Nothing but InvalidQuery comes out, and what is read holds terms that can be found."""
    try:
        query = parse_search_query(text)
    except InvalidQuery as refused:
        assert 0 <= refused.position <= len(text)
    else:
        assert query.terms
        for found in (*query.terms, *query.excluded):
            assert any(character.isalnum() for character in found.text)
            assert "*" not in found.text
            assert text.translate(str.maketrans("“”„", '"""'))[found.position :].lstrip('*"').startswith(found.text)


@given(st.permutations(["fear", '"of death"', "-night", "hemi*", "remedy:ars", "grade:2", "-*algia"]))
def test_the_order_of_terms_changes_nothing_but_positions(parts: list[str]) -> None:
    """A query is a set of demands."""
    query = parse_search_query(" ".join(parts))
    assert {(found.text, found.match) for found in query.terms} == {
        ("fear", Match.WORD),
        ("of death", Match.PHRASE),
        ("hemi", Match.BEGINNING),
    }
    assert {(found.text, found.match) for found in query.excluded} == {("night", Match.WORD), ("algia", Match.END)}
    assert [remedy.abbreviation for remedy in query.remedies] == ["ars"]
    assert query.grade == 2
