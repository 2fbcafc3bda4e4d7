"""Search over the full-text index of a derived file.

Relevance, all of it: first the rubrics whose own text holds at least one of the terms, then those that only inherit
them from above; within each the few-worded and the large before the wordy and the small (``build.place``). Within
equal relevance rubrics stand in repertory order. The places are fixed when the index is built, so that a page costs
what the page holds, and a cursor is the place of its last rubric.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
import unicodedata
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

from attrs import frozen

from clincore.adapters.sqlite_repertory.build import FORMAT, grade_word, highest_word
from clincore.adapters.sqlite_repertory.folding import folded
from clincore.domain.errors import InvalidCursor, InvalidQuery
from clincore.domain.repertory import MAX_GRADE, RubricHit, RubricPage
from clincore.domain.search_query import Match, parse_search_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clincore.domain.search_query import RemedyFilter, SearchQuery, Term

_PAGE = """
SELECT entry.rowid, rubric.leaf
FROM entry JOIN rubric ON rubric.id = entry.rowid & 9007199254740991
WHERE entry MATCH ? AND entry.rowid > ? ORDER BY entry.rowid LIMIT ?
"""
_ENDING = "SELECT term FROM word WHERE substr(term, -length(?)) = ? LIMIT ?"
_HOLDING = "SELECT term FROM word WHERE instr(term, ?) LIMIT ?"
_MOST_WORDS = 1000
_BEST = 5


class Rows(Protocol):
    """Runs one statement and returns all of its rows."""

    async def __call__(self, statement: str, parameters: Sequence[object]) -> Iterable[Any]: ...


@frozen(kw_only=True)
class Search:
    """Searches one derived file; ``numbers`` gives the remedies' numbers by folded abbreviation."""

    rows: Rows
    fingerprint: str
    numbers: Mapping[str, Sequence[int]]

    async def page(self, text: str, limit: int, after: str | None) -> RubricPage:
        """Return a page of what fits the query; see the port."""
        if limit < 1:
            raise ValueError("a page holds at least one rubric")
        query = parse_search_query(text)
        grades = _grades_expression(query, self.numbers)
        key = sha256(f"{FORMAT}\n{self.fingerprint}\n{text}".encode()).digest()[: _Cursor.KEY]
        cursor = _Cursor(key, 0, 0) if after is None else _Cursor.read(after, key)
        wanted = [await self._words(term) for term in query.terms]
        if not all(wanted):
            return RubricPage(hits=(), next=None)
        unwanted = [words for term in query.excluded if (words := await self._words(term))]
        tiers = _tiers(wanted, unwanted, grades)
        found: list[tuple[_Cursor, str]] = []
        for tier in range(cursor.tier, len(tiers)):
            start = cursor.place if tier == cursor.tier else 0
            rows = await self.rows(_PAGE, (tiers[tier], start, limit + 1 - len(found)))
            found += [(_Cursor(key, tier, place), leaf) for place, leaf in rows]
            if len(found) > limit:
                break
        hits = tuple(_hit(leaf) for _, leaf in found[:limit])
        return RubricPage(hits=hits, next=found[limit - 1][0].write() if len(found) > limit else None)

    async def _words(self, term: Term) -> str:
        """Return the term as an expression of the index; empty where no word of the repertory fits it."""
        if term.match is Match.BEGINNING:
            return f"{_quoted(folded(term.text))} *"
        if term.match in (Match.END, Match.MIDDLE):
            looked_for = folded(term.text)
            if term.match is Match.END:
                rows = await self.rows(_ENDING, (looked_for, looked_for, _MOST_WORDS + 1))
            else:
                rows = await self.rows(_HOLDING, (looked_for, _MOST_WORDS + 1))
            texts = [word for (word,) in rows]
            if len(texts) > _MOST_WORDS:
                raise InvalidQuery(f"More than {_MOST_WORDS} words fit, write more letters", term.position)
        else:
            texts = [folded(text) for text in term.alternatives]
        return " OR ".join(_quoted(text) for text in texts)


def _tiers(wanted: Sequence[str], unwanted: Sequence[str], grades: Sequence[str]) -> tuple[str, str]:
    """Return the index's expressions for rubrics with a term in their own text, and for those without one."""
    paths = [f"path : ({words})" for words in wanted]
    without = "".join(f" NOT path : ({words})" for words in unwanted)
    own = f"own : ({' OR '.join(wanted)})"
    first = [own, *grades] if len(wanted) == 1 else [*paths, *grades, own]  # the own text is part of the path
    return f"({' AND '.join(first)}){without}", f"({' AND '.join([*paths, *grades])}){without} NOT {own}"


@frozen
class _Cursor:
    """The place of the last rubric of a page, bound to the repertory and the query."""

    key: bytes
    tier: int
    place: int

    KEY = 8
    _FORM = struct.Struct(f">{KEY}sBQ")

    def write(self) -> str:
        packed = self._FORM.pack(self.key, self.tier, self.place)
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()

    @classmethod
    def read(cls, text: str, key: bytes) -> _Cursor:
        try:
            packed = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True)
            cursor = cls(*cls._FORM.unpack(packed))
        except (ValueError, binascii.Error, struct.error) as error:
            raise InvalidCursor from error
        if cursor.key != key or cursor.tier > 1 or cursor.place >= 2**63 or cursor.write() != text:
            raise InvalidCursor
        return cursor


def _grades_expression(query: SearchQuery, numbers: Mapping[str, Sequence[int]]) -> list[str]:
    """Return what the query asks of remedies and grades as expressions of the index."""
    enough = range(query.grade or 1, MAX_GRADE + 1)
    asked = [
        [grade_word(number, grade) for number in _numbers_of(remedy, numbers) for grade in enough]
        for remedy in query.remedies
    ]
    if query.grade is not None and not query.remedies:
        asked.append([highest_word(grade) for grade in enough])
    return [f"grades : ({' OR '.join(_quoted(word) for word in words)})" for words in asked]


def _numbers_of(remedy: RemedyFilter, numbers: Mapping[str, Sequence[int]]) -> Sequence[int]:
    found = numbers.get(folded_abbreviation(remedy.abbreviation))
    if found is None:
        raise InvalidQuery("There is no remedy of this abbreviation in the repertory", remedy.position)
    return found


def folded_abbreviation(abbreviation: str) -> str:
    """Return an abbreviation as it is looked up: without regard to letter case, composition and a last dot."""
    return unicodedata.normalize("NFC", abbreviation.rstrip(".").casefold())


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _hit(leaf: str) -> RubricHit:
    rubric_id, path, grades = json.loads(leaf)
    best = sorted(grades, key=lambda given: -given[1])[:_BEST]  # equal ones stay in the leaf's order, by abbreviation
    return RubricHit(
        id=rubric_id, path=tuple(path), remedies=len(grades), best=tuple((remedy, grade) for remedy, grade in best)
    )
