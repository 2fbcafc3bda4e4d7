from __future__ import annotations

import asyncio
import base64
import re
import tempfile
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_repertory_files import SMALL, WORDS, Book, Node, books, write

from clincore.adapters.sqlite_repertory import SqliteRepertory
from clincore.domain.errors import InvalidCursor, InvalidQuery
from clincore.domain.search_query import Match, Term, parse_search_query
from clincore.testing.laws.repertory import searched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clincore.domain.repertory import RubricPage


def words_of(text: str) -> list[str]:
    plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", plain)


def fits(term: Term, words: Sequence[str]) -> bool:
    """Return whether a term stands in a sequence of words, the obvious way."""
    for text in term.alternatives:
        looked_for = words_of(text)
        for start in range(len(words) - len(looked_for) + 1):
            *firsts, last = words[start : start + len(looked_for)]
            if firsts == looked_for[:-1] and {
                Match.BEGINNING: last.startswith(looked_for[-1]),
                Match.END: last.endswith(looked_for[-1]),
                Match.MIDDLE: looked_for[-1] in last,
            }.get(term.match, last == looked_for[-1]):
                return True
    return False


def expected_ids(book: Book, text: str) -> list[int]:
    """Return what a search must find, in its order, by looking at every rubric."""
    query = parse_search_query(text)
    paths, grades = book.paths(), book.grades()
    found = []
    for rubric in sorted(paths):
        path, given = paths[rubric], grades[rubric]
        written = words_of(" ".join(path))
        read = words_of(" ".join(" ".join(reversed(level.split(", "))) for level in path))

        def stands(term: Term, written: list[str] = written, read: list[str] = read) -> bool:
            return fits(term, written) or fits(term, read)

        enough = {remedy.rstrip(".").casefold() for remedy, grade in given.items() if grade >= (query.grade or 1)}
        asked = {remedy.abbreviation.rstrip(".").casefold() for remedy in query.remedies}
        if (
            all(stands(term) for term in query.terms)
            and not any(stands(term) for term in query.excluded)
            and asked <= enough
            and (query.grade is None or enough)
        ):
            own = any(fits(term, words_of(path[-1])) for term in query.terms)
            length = sum(len(words_of(level)) for level in path[1:]) - len(given).bit_length()
            found.append((not own, length, rubric))
    return [rubric for _, _, rubric in sorted(found)]


def search(book: Book, text: str, *, limit: int = 50, after: str | None = None) -> RubricPage:
    async def main(directory: Path) -> RubricPage:
        path = write(book, directory / "book.sqlite")
        async with await SqliteRepertory.open(path, cache_directory=directory / "cache") as repertory:
            return await repertory.search(text, limit=limit, after=after)

    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(main(Path(directory)))


def ids(book: Book, text: str) -> list[int]:
    return [hit.id for hit in search(book, text).hits]


PARTS = st.sampled_from(
    [
        *(
            "fear",
            "of",
            "night",
            "worse",
            "AMEL",
            "bed",
            "hemorrhage",
            "HÉMORRHAGE",
            "al*",
            "n*",
            "*e",
            "*ight",
            "*ea*",
        ),
        *('"of death"', '"death of"', '"fear of death"', '"in bed"', '"worse"'),
        *("-fear", "-night", '-"of death"', "-better", "-*ed", "-zzz", "-*zzz"),
        *("remedy:acon", "remedy:ARS", "remedy:Bell.", "grade:2", "grade:>=4"),
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    book=books(WORDS),
    queries=st.lists(st.lists(PARTS, min_size=1, max_size=4), min_size=1, max_size=8),
    limits=st.lists(st.integers(1, 5), min_size=1, max_size=4),
)
def test_searching_finds_what_looking_at_every_rubric_finds(
    book: Book, queries: list[list[str]], limits: list[int]
) -> None:
    """Same rubrics, same order, whatever the page sizes: nothing is lost and nothing comes twice."""

    async def main(path: Path) -> None:
        async with await SqliteRepertory.open(path, cache_directory=path.parent / "cache") as repertory:
            known = {remedy.rstrip(".").casefold() for remedy in repertory.statistics.remedies}
            for parts in queries:
                text = " ".join(parts)
                asked = {part[7:].rstrip(".").casefold() for part in parts if part.startswith("remedy:")}
                if sum(part.startswith("grade:") for part in parts) > 1 or not asked <= known:
                    continue
                if not any(part[0] != "-" and ":" not in part for part in parts):
                    continue
                hits = await searched(repertory, text, limits)
                assert [hit.id for hit in hits] == expected_ids(book, text)

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(main(write(book, Path(directory) / "book.sqlite")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fear", [12, 3, 40]),
        ("FEAR death", [3]),
        ('"death of"', [3]),
        ('"fear of death"', [3]),
        ('"fear death"', [3]),
        ('"of fear"', []),
        ("night", [5, 91, 40]),
        ("night -amel", [5, 40]),
        ("worse", [40]),
        ("night better", [91]),
        ('"better"', []),
        ("mind", [7, 12, 41, 3, 5, 40]),
        ("anx*", [41, 5]),
        ("*ety night", [5]),
        ("*xie*", [41, 5]),
        ("fear remedy:acon", [12, 3]),
        ("fear remedy:ars grade:3", [3]),
        ("night grade:3", [5]),
        ("fear remedy:ars remedy:acon grade:2", [12, 3]),
        ("fear remedy:puls", None),
        ("zzz", []),
        ("*zzz", []),
        ("fear -*zzz", [12, 3, 40]),
    ],
)
def test_a_search_of_the_small_repertory(text: str, expected: list[int] | None) -> None:
    """A remedy that the repertory does not know is refused at its place, never an empty page."""
    if expected is None:
        with pytest.raises(InvalidQuery, match="no remedy") as refused:
            search(SMALL, text)
        assert refused.value.position == text.index("puls")
    else:
        assert ids(SMALL, text) == expected


def test_a_hit_shows_the_best_graded_remedies() -> None:
    """Five at most, highest grade first, then by abbreviation."""
    rows = [(1, remedy, grade) for remedy, grade in zip("gfedcba", (1, 3, 1, 2, 3, 1, 1), strict=True)]
    book = Book(nodes=[Node(id=1, parent=None, text="Mind")], rows=rows)
    (hit,) = search(book, "mind").hits
    assert (hit.id, hit.path, hit.remedies) == (1, ("Mind",), 7)
    assert hit.best == (("c", 3), ("f", 3), ("d", 2), ("a", 1), ("b", 1))


def test_the_short_and_the_large_stand_first() -> None:
    """A word more is made good by twice the remedies; then repertory order."""
    nodes = [Node(id=1, parent=None, text="Head")]
    texts = ["PAIN at night in bed", "PAIN evening", "PAIN morning", "PAIN", "NAUSEA from pain"]
    nodes += [Node(id=number, parent=1, text=text) for number, text in enumerate(texts, 2)]
    rows = [(2, f"r{number}", 1) for number in range(40)]
    assert ids(Book(nodes=nodes, rows=rows), "pain") == [2, 5, 3, 4, 6]


def test_a_phrase_is_found_as_written_and_as_read_but_not_across_the_two() -> None:
    """ "FEAR > death, of" is read "fear of death"; its end as written and its beginning as read are no phrase."""
    nodes = [Node(id=1, parent=None, text="FEAR"), Node(id=2, parent=1, text="death, of")]
    book = Book(nodes=nodes, rows=[])
    assert ids(book, '"fear death of"') == ids(book, '"fear of death"') == [2]
    assert ids(book, '"of fear"') == []


def test_diacritics_and_letter_case_are_folded() -> None:
    """On both sides, for words and for wildcards, composed or not."""
    nodes = [Node(id=1, parent=None, text="Étude"), Node(id=2, parent=None, text="e\u0301TUDE")]
    book = Book(nodes=nodes, rows=[])
    for text in ("etude", "ÉTUDE", "e\u0301tud*", "*tudé", "*ÉTU*", '"étude"'):
        assert ids(book, text) == [1, 2]


@pytest.mark.parametrize(
    "text", ["Étude", "Angström Ångström", "ελληνικά", "Ёлка", "ナガサキ", "Nguyễn", "İstanbul", "Weiß"]
)
def test_composed_and_decomposed_spellings_find_each_other(text: str) -> None:
    """An export may hold the one and a keyboard may send the other; words, phrases and wildcards alike."""
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    book = Book(nodes=[Node(id=number, parent=None, text=form) for number, form in enumerate(forms, 1)], rows=[])
    for form in forms:
        first = form.split()[0]
        for asked in (form, form.upper(), f'"{form}"', f"{first}*", f"*{first}"):
            assert ids(book, asked) == [1, 2]


def test_composed_and_decomposed_remedies_find_each_other() -> None:
    """A filter looks abbreviations up as a search looks words up."""
    forms = [unicodedata.normalize(form, "Kräut.") for form in ("NFC", "NFD")]
    for form in forms:
        book = Book(nodes=[Node(id=1, parent=None, text="Mind")], rows=[(1, form, 1)])
        assert [ids(book, f"mind remedy:{asked}") for asked in forms] == [[1], [1]]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("DIARRHŒA", "diarrhoea"),
        ("DIARRHŒA", "diarrhea"),
        ("DIARRHŒA", "diarrhœa"),
        ("DIARRHŒA, morning", '"diarrhea morning"'),
        ("HÆMORRHOIDS", "hemorrh*"),
        ("HÃ†MORRHOIDS", "haemorrhoids"),
        ("MammÃ¦", "mamma*"),
        ("PAIN, feet", "foot"),
        ("FOOT", "feet"),
        ("night SWEATS", "perspiration"),
        ("Head > PAIN", "headache"),
        ("HEADACHE", "headache"),
    ],
)
def test_other_spellings_and_words_that_say_the_same_are_found(text: str, query: str) -> None:
    """Ligatures in the old and in the modern way, garbled ones too; hands are a hand, and a headache is a pain."""
    nodes = [Node(id=number, parent=number - 1 or None, text=part) for number, part in enumerate(text.split(" > "), 1)]
    assert ids(Book(nodes=nodes, rows=[]), query) == [len(nodes)]


def test_a_word_in_quotation_marks_means_itself_alone() -> None:
    """ "feet" is not foot, and pain of the head is not looked for as a headache."""
    book = Book(nodes=[Node(id=1, parent=None, text="FOOT"), Node(id=2, parent=None, text="HEAD pain")], rows=[])
    assert ids(book, '"feet"') == ids(book, '"headache"') == ids(book, "feet*") == []


def test_words_of_other_scripts_are_found() -> None:
    """A repertory in another language is a repertory."""
    book = Book(nodes=[Node(id=1, parent=None, text="Психика > СТРАХ"), Node(id=2, parent=None, text="恐怖")], rows=[])
    assert ids(book, "страх") == [1]
    assert ids(book, "恐*") == [2]


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(st.text(max_size=20) | st.text(st.sampled_from('fé"*-(): ^œ'), max_size=12), max_size=20))
def test_every_query_has_a_page_or_is_refused_at_a_place_inside_it(texts: list[str]) -> None:
    """Whatever letters it is made of."""

    async def main(directory: Path) -> None:
        path = write(SMALL, directory / "small.sqlite")
        async with await SqliteRepertory.open(path, cache_directory=directory / "cache") as repertory:
            for text in texts:
                try:
                    assert await repertory.search(text, limit=1)
                except InvalidQuery as refused:
                    assert 0 <= refused.position <= len(text)

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(main(Path(directory)))


@pytest.mark.parametrize(
    "text", ["NEAR", "NOT", "AND", "night OR fear", '"path : x"', "(night", "night)", "^night", "{own}", "+night"]
)
def test_words_of_the_index_s_own_language_are_only_words(text: str) -> None:
    """Nothing a user types is read as an expression of the index."""
    assert ids(SMALL, f"{text} -zzz") == expected_ids(SMALL, text)


def test_a_wildcard_that_fits_too_many_words_is_refused() -> None:
    """At its place; the cure is more letters."""
    nodes = [Node(id=number, parent=None, text=f"w{number}x") for number in range(1, 1002)]
    with pytest.raises(InvalidQuery, match="write more letters") as refused:
        search(Book(nodes=nodes, rows=[]), "-a *x")
    assert refused.value.position == 3
    assert len(ids(Book(nodes=nodes[1:], rows=[]), "*x")) == 50


def test_a_page_holds_at_least_one_rubric() -> None:
    """The limit is the caller's to check."""
    with pytest.raises(ValueError, match="at least one"):
        search(SMALL, "night", limit=0)


@pytest.fixture(scope="module")
def cursor() -> str:
    """What stands after the first of three rubrics."""
    found = search(SMALL, "night", limit=1)
    assert [hit.id for hit in found.hits] == [5]
    assert found.next is not None
    return found.next


def test_a_cursor_goes_on_in_another_file_and_with_another_page_size(cursor: str) -> None:
    """It is a place in the result; the file it came from was closed, this one is built anew."""
    assert [hit.id for hit in search(SMALL, "night", after=cursor).hits] == [91, 40]


def test_a_cursor_that_was_not_handed_out_is_refused(cursor: str) -> None:
    """Never an empty page, never an error of another kind."""
    key = base64.urlsafe_b64decode(cursor + "=")[:8]
    forged = [key + b"\x02" + bytes(8), key + b"\x00" + b"\xff" * 8, key, b""]
    for garbage in (
        *("x", "ä", "\ud800", "=", "A" * 23, "A" * 5000),
        *(cursor[:-1], cursor + "A", cursor + "=", cursor.swapcase(), f" {cursor}", f"{cursor}\n"),
        *(base64.urlsafe_b64encode(content).rstrip(b"=").decode() for content in forged),
    ):
        with pytest.raises(InvalidCursor):
            search(SMALL, "night", after=garbage)


def test_a_cursor_belongs_to_its_query_and_its_repertory(cursor: str) -> None:
    """With another one it would lose or repeat rubrics."""
    with pytest.raises(InvalidCursor):
        search(SMALL, "fear", after=cursor)
    with pytest.raises(InvalidCursor):
        search(Book(nodes=SMALL.nodes, rows=[]), "night", after=cursor)
