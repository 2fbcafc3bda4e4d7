"""The language of rubric searches, as text becomes a SearchQuery.

``anxiety night``     both words, anywhere in the path, in any order; letters of any case, diacritics folded
``"fear of death"``   the words side by side, in this order; taken as they stand
``-morning``          without this word; ``-"in bed"`` without this phrase
``hemi* *algia``      words that begin or end so (``*gast*``: that hold it)
``worse`` ``better``  mean the repertories' agg and amel too, and the other way round; so do the other words of
                      ``synonyms``; in quotation marks and with a ``*`` a word means itself alone
``remedy:ars``        only rubrics that hold this remedy; several must all be there
``grade:2``           only rubrics where each such remedy (without ``remedy:``, any remedy) has this grade or a higher
                      one; ``grade:>=2`` is the same

At least one word or phrase must be asked for. What cannot be read raises InvalidQuery with its position.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from attrs import frozen

from clincore.domain.errors import InvalidQuery
from clincore.domain.limits import QUERY_CHARACTERS, QUERY_TERMS
from clincore.domain.repertory import MAX_GRADE
from clincore.domain.synonyms import synonyms

_QUOTATION_MARKS = str.maketrans(dict.fromkeys("“”„", '"'))
_FILTER = re.compile(r"([A-Za-z]+):(.*)", re.DOTALL)
_GRADE = re.compile(rf"(?:>=)?([1-{MAX_GRADE}])")
_TERM = re.compile(r"\S+")


class Match(StrEnum):
    """How a term is compared with the words of a path."""

    WORD = "word"
    PHRASE = "phrase"
    BEGINNING = "beginning"
    END = "end"
    MIDDLE = "middle"


@frozen(kw_only=True)
class Term:
    """One word or phrase, and where it stands in the query (from 0)."""

    text: str
    match: Match
    position: int

    @property
    def alternatives(self) -> tuple[str, ...]:
        """The texts that mean the same, the term's own first."""
        return (self.text, *synonyms(self.text)) if self.match is Match.WORD else (self.text,)


@frozen(kw_only=True)
class RemedyFilter:
    """A remedy that must stand in the rubric, as it was written."""

    abbreviation: str
    position: int


@frozen(kw_only=True)
class SearchQuery:
    """What is looked for: every one of ``terms``, none of ``excluded``, and the remedies at ``grade`` or above.

    ``grade`` is None where the query names none.
    """

    terms: tuple[Term, ...]
    excluded: tuple[Term, ...] = ()
    remedies: tuple[RemedyFilter, ...] = ()
    grade: int | None = None


def parse_search_query(text: str) -> SearchQuery:
    """Return what a query means; raises InvalidQuery with the position of what cannot be read."""
    _check_characters(text)
    text = text.translate(_QUOTATION_MARKS)
    terms: list[Term] = []
    excluded: list[Term] = []
    remedies: list[RemedyFilter] = []
    grade: int | None = None
    position = count = 0
    while word := _TERM.search(text, position):
        start, count = word.start(), count + 1
        if count > QUERY_TERMS:
            raise InvalidQuery(f"More than {QUERY_TERMS} terms", start)
        minus = text[start] == "-"
        body, position = _body(text, start + minus)
        found = None if body.startswith('"') else _FILTER.fullmatch(body)
        if found is None:
            (excluded if minus else terms).append(_term(body, start + minus))
            continue
        if minus:
            raise InvalidQuery("A filter cannot be excluded", start)
        name, value, at = found[1].lower(), found[2], start + found.start(2)
        if name == "remedy" and value:
            remedies.append(RemedyFilter(abbreviation=value, position=at))
        elif name == "remedy":
            raise InvalidQuery("remedy: needs an abbreviation, as in remedy:ars", at)
        elif name == "grade" and grade is None:
            grade = _grade(value, at)
        elif name == "grade":
            raise InvalidQuery("grade: stands twice", start)
        else:
            raise InvalidQuery(f"There is no filter {found[1]}:, there are remedy: and grade:", start)
    if not terms:
        raise InvalidQuery("At least one word or phrase to look for is needed", len(text))
    return SearchQuery(terms=tuple(terms), excluded=tuple(excluded), remedies=tuple(remedies), grade=grade)


def _check_characters(text: str) -> None:
    if len(text) > QUERY_CHARACTERS:
        raise InvalidQuery(f"More than {QUERY_CHARACTERS} characters", QUERY_CHARACTERS)
    for position, character in enumerate(text):
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise InvalidQuery(f"A control character (U+{ord(character):04X})", position)


def _body(text: str, start: int) -> tuple[str, int]:
    """Return the phrase (with its quotation marks) or the word at ``start``, and where it ends."""
    if text.startswith('"', start):
        end = text.find('"', start + 1) + 1
        if not end:
            raise InvalidQuery("A quotation mark that is not closed", start)
        if end < len(text) and not text[end].isspace():
            raise InvalidQuery("A blank is missing after the phrase", end)
        return text[start:end], end
    word = _TERM.match(text, start)
    if word is None or word[0].startswith("-"):
        raise InvalidQuery("A lone -: write it right before the word to be excluded", start - 1)
    if '"' in word[0]:
        raise InvalidQuery("A quotation mark inside a word", start + word[0].index('"'))
    return word[0], word.end()


def _term(body: str, position: int) -> Term:
    if body.startswith('"'):
        match, inner, offset = Match.PHRASE, body[1:-1], position + 1
        where = "inside a phrase"
    else:
        begins, ends = not body.startswith("*"), not body.endswith("*")
        match = Match.WORD if begins and ends else Match.BEGINNING if begins else Match.END if ends else Match.MIDDLE
        inner, offset, where = body[not begins : len(body) - (not ends)], position + (not begins), "inside a word"
    if not any(unicodedata.category(character)[0] in "LN" for character in inner):
        raise InvalidQuery("A term without a letter or a digit", position)
    if "*" in inner:
        raise InvalidQuery(f"A * {where}: it can stand at a word's beginning or end", offset + inner.index("*"))
    if match in (Match.END, Match.MIDDLE):
        for index, character in enumerate(inner):
            if unicodedata.category(character)[0] not in "LNM":
                raise InvalidQuery("Only letters and digits can follow a * at the beginning", offset + index)
    return Term(text=inner, match=match, position=position)


def _grade(value: str, position: int) -> int:
    found = _GRADE.fullmatch(value)
    if found is None:
        raise InvalidQuery(f"grade: needs a whole number from 1 to {MAX_GRADE}, as in grade:2", position)
    return int(found[1])
