from __future__ import annotations

import asyncio
import json
import tempfile
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_repertory_files import LAYOUTS, SMALL, Book, Layout, Node, books, write

from clincore.adapters.sqlite_repertory import SqliteRepertory
from clincore.domain.errors import RepertoryError
from clincore.domain.fingerprint import MerkleTree, rubric_leaf

if TYPE_CHECKING:
    from clincore.domain.repertory import Edition, RemedyStatistics, Rubric
    from clincore.ports.repertory import Repertory


def is_a_repertory(repertory: SqliteRepertory) -> Repertory:
    return repertory


async def read(path: Path, ids: list[int] | None = None) -> tuple[Edition, RemedyStatistics, dict[int, Rubric]]:
    async with await SqliteRepertory.open(path, cache_directory=path.parent / "cache") as repertory:
        return repertory.edition, repertory.statistics, dict(await repertory.rubrics(ids or []))


@settings(max_examples=60, deadline=None)
@given(book=books(), layout=LAYOUTS)
def test_what_is_read_is_what_a_slow_reading_of_the_rows_gives(book: Book, layout: Layout) -> None:
    """Paths, grades, frequencies, median and fingerprint, with any spelling, row order, duplicates and id gaps."""
    with tempfile.TemporaryDirectory() as directory:
        path = write(book, Path(directory) / "book.sqlite", layout)
        edition, statistics, rubrics = asyncio.run(read(path, [node.id for node in book.nodes]))
    paths, grades, frequencies = book.paths(), book.grades(), book.frequencies()
    assert {id: rubric.path for id, rubric in rubrics.items()} == paths
    assert {id: rubric.grades for id, rubric in rubrics.items()} == grades
    assert {remedy: found.frequency for remedy, found in statistics.remedies.items()} == frequencies
    assert statistics.median_frequency == (Decimal(median(frequencies.values())) if frequencies else 0)
    tree = MerkleTree()
    for rubric in sorted(paths):
        tree.append(rubric_leaf(rubric, paths[rubric], grades[rubric]).encode())
    assert edition.fingerprint == tree.root()
    assert (edition.rubrics, edition.remedies, edition.grades) == (
        len(paths),
        len(frequencies),
        sum(len(given) for given in grades.values()),
    )


def test_the_leaves_are_written_out_as_the_contract_says() -> None:
    """One fingerprint computed by hand over literal leaves."""
    leaves = [
        '[3,["Mind","FEAR","death, of"],[["acon",3],["ars",3]]]',
        '[5,["Mind","ANXIETY","night"],[["ars",3]]]',
        '[7,["Mind"],[]]',
        '[12,["Mind","FEAR"],[["acon",3],["ars",2]]]',
        '[40,["Mind","FEAR","night agg"],[["ars",2]]]',
        '[41,["Mind","ANXIETY"],[["acon",1]]]',
        '[90,["Generalities"],[]]',
        '[91,["Generalities","NIGHT, amel"],[["nux-v",1]]]',
    ]
    tree = MerkleTree()
    for leaf in leaves:
        tree.append(leaf.encode())
    with tempfile.TemporaryDirectory() as directory:
        edition, _, _ = asyncio.run(read(write(SMALL, Path(directory) / "small.sqlite")))
    assert edition.fingerprint == tree.root()


def test_many_rubrics_come_in_one_call(tmp_path: Path) -> None:
    """More ids than SQLite allows parameters by default."""
    nodes = [Node(id=number, parent=None, text=f"rubric {number}") for number in range(1, 40_001)]
    path = write(Book(nodes=nodes, rows=[]), tmp_path / "many.sqlite")
    _, _, rubrics = asyncio.run(read(path, list(range(1, 40_001))))
    assert len(rubrics) == 40_000


def test_a_closed_repertory_says_so(tmp_path: Path) -> None:
    """Closing twice is harmless, asking afterwards is a RepertoryError."""
    path = write(SMALL, tmp_path / "small.sqlite")

    async def main() -> None:
        repertory = await SqliteRepertory.open(path, cache_directory=tmp_path / "cache")
        await repertory.close()
        await repertory.close()
        with pytest.raises(RepertoryError, match=r"small\.sqlite"):
            await repertory.rubrics([3])
        with pytest.raises(RepertoryError, match=r"small\.sqlite"):
            await repertory.prove(3)
        with pytest.raises(RepertoryError, match=r"small\.sqlite"):
            await repertory.search("fear", limit=1)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("item", "path"),
    [
        ("Mind > FEAR - night; a, b", ("Mind", "FEAR - night; a, b")),
        ("Mind - FEAR; night, at", ("Mind", "FEAR; night, at")),
        ("Mind; FEAR, night", ("Mind", "FEAR, night")),
        ("Mind, FEAR, night", ("Mind", "FEAR", "night")),
        ("half-past;x>y", ("half-past;x>y",)),
    ],
)
def test_without_a_parent_column_the_item_is_the_path(tmp_path: Path, item: str, path: tuple[str, ...]) -> None:
    """It is split at the first separator, in their order, that occurs in it."""
    book = Book(nodes=[Node(id=1, parent=None, text=item)], rows=[(1, "ars", 1)])
    file = write(book, tmp_path / "flat.sqlite", Layout(parent="something_else"))
    _, _, rubrics = asyncio.run(read(file, [1]))
    assert rubrics[1].path == path


@pytest.mark.parametrize("root", [None, 0, ""])
def test_a_chapter_has_no_parent_nil_or_an_empty_one(tmp_path: Path, root: object) -> None:
    """Ids begin at 1, so that 0 cannot be a rubric."""
    node = Node(id=1, parent=root, text="Mind")  # type: ignore[arg-type]
    file = write(Book(nodes=[node], rows=[]), tmp_path / "roots.sqlite")
    _, _, rubrics = asyncio.run(read(file, [1]))
    assert rubrics[1].path == ("Mind",)


def test_remedies_have_their_names_where_the_source_has_them(tmp_path: Path) -> None:
    """A remedy without a name has the empty text; one that stands at no counting grade is not there."""
    path = write(SMALL, tmp_path / "small.sqlite", Layout(names={"ars": " Arsenicum album "}, name="latin"))
    _, statistics, _ = asyncio.run(read(path))
    assert {key: remedy.name for key, remedy in statistics.remedies.items()} == {
        "acon": "",
        "ars": "Arsenicum album",
        "nux-v": "",
    }


def test_the_file_s_name_stands_in_where_it_tells_no_name(tmp_path: Path) -> None:
    """Two files of one content share what is derived, and still have each its own name."""
    first = write(SMALL, tmp_path / "first.sqlite")
    second = tmp_path / "second.sqlite"
    second.write_bytes(first.read_bytes())
    names = [asyncio.run(read(path))[0].name for path in (first, second)]
    assert names == ["first", "second"]
    assert len(list((tmp_path / "cache").glob("*.sqlite"))) == 1


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(1, 5).map(int).map(float), min_size=1, max_size=5))
def test_whole_grades_stored_as_real_numbers_count(grades: list[float]) -> None:
    """A column of type REAL gives 2.0 for 2."""
    rows = [(1, f"r{number}", grade) for number, grade in enumerate(grades)]
    book = Book(nodes=[Node(id=1, parent=None, text="Mind")], rows=rows)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as directory:
        _, _, rubrics = asyncio.run(read(write(book, Path(directory) / "real.sqlite"), [1]))
    assert json.dumps(rubrics[1].grades) == json.dumps({f"r{n}": int(grade) for n, grade in enumerate(grades)})


def test_a_path_is_a_sequence_that_equals_the_tuple_of_its_texts(tmp_path: Path) -> None:
    path = write(SMALL, tmp_path / "small.sqlite")
    _, _, rubrics = asyncio.run(read(path, [3, 7]))
    found, texts = rubrics[3].path, ("Mind", "FEAR", "death, of")
    assert (found, hash(found), repr(found)) == (texts, hash(texts), repr(texts))
    assert (list(found), len(found), found[0], found[-1], found[1:]) == (list(texts), 3, "Mind", texts[-1], texts[1:])
    assert (found == rubrics[7].path, found == list(texts)) == (False, False)
    assert (rubrics[3].chapter, rubrics[3].text) == ("Mind", "Mind > FEAR > death, of")
