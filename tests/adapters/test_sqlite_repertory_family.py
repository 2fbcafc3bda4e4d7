from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlite_repertory_files import SMALL, Book, Node, write

from clincore.adapters.sqlite_repertory import SqliteRepertory
from clincore.domain.repertory import RubricLine, references_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clincore.domain.repertory import RubricFamily


def families(path: Path, ids: Iterable[int | None]) -> dict[int | None, RubricFamily | None]:
    async def main() -> dict[int | None, RubricFamily | None]:
        async with await SqliteRepertory.open(path, cache_directory=path.parent / "cache") as repertory:
            return {rubric: await repertory.family(rubric) for rubric in ids}

    return asyncio.run(main())


def family(book: Book, rubric: int | None) -> RubricFamily:
    with tempfile.TemporaryDirectory() as directory:
        found = families(write(book, Path(directory) / "book.sqlite"), [rubric])[rubric]
    assert found is not None
    return found


def ids(lines: Iterable[RubricLine]) -> list[int]:
    return [line.id for line in lines]


def test_a_rubric_stands_between_its_parents_siblings_and_children() -> None:
    """Each with its own text and its sizes; the parents from the chapter down, the others in the order of ids."""
    found = family(SMALL, 12)
    assert found.parents == (RubricLine(id=7, text="Mind", remedies=0, children=2),)
    assert found.siblings == (RubricLine(id=41, text="ANXIETY", remedies=1, children=1),)
    assert found.children == (
        RubricLine(id=3, text="death, of", remedies=2, children=0),
        RubricLine(id=40, text="night agg", remedies=1, children=0),
    )
    assert found.cross_references == ()


def test_the_chapters_are_below_the_repertory_itself() -> None:
    found = family(SMALL, None)
    assert (found.parents, found.siblings, ids(found.children)) == ((), (), [7, 90])
    assert ids(family(SMALL, 7).siblings) == [90]


def test_without_a_column_of_parents_the_tree_is_in_the_paths(tmp_path: Path) -> None:
    """The parent is the nearest rubric whose path a path begins with, whatever the ids."""
    path = write(SMALL, tmp_path / "small.sqlite")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            DROP TABLE syntree;
            DELETE FROM symptom_remedies;
            CREATE TABLE syntree (id, item);
            INSERT INTO syntree VALUES
                (9, 'Mind'), (2, 'Mind > FEAR > "death" of'), (5, 'Mind > FEAR'), (4, 'Mind > A > B > ü'), (8, 'Head'),
                (6, 'Mind > FEAR'), (7, 'Eye > A');
            """
        )
    found = families(path, [None, 2, 4, 5, 9])
    assert {rubric: its and ids(its.parents) for rubric, its in found.items()} == {
        None: [],
        2: [9, 5],
        4: [9],
        5: [9],
        9: [],
    }
    chapters = found[None]
    assert chapters is not None
    assert ids(chapters.children) == [7, 8, 9]


REFERRING = Book(
    nodes=[
        Node(id=1, parent=None, text="Bladder"),
        Node(id=2, parent=1, text="URINATION"),
        Node(id=3, parent=2, text="slow (See Feeble; Mind - FEAR; Far; Nowhere)"),
        Node(id=4, parent=2, text="feeble stream"),
        Node(id=5, parent=1, text="Feeble"),
        Node(id=6, parent=None, text="Mind"),
        Node(id=7, parent=6, text="fear"),
        Node(id=8, parent=5, text="far away"),
    ],
    rows=[],
)


def test_cross_references_lead_to_the_nearest_rubrics_of_their_names() -> None:
    """Beside the rubric first, then up to the chapters, then anywhere in its chapter; what is not there has none."""
    found = family(REFERRING, 3).cross_references
    assert [(reference.text, ids(reference.rubrics)) for reference in found] == [
        ("Feeble", [4]),
        ("Mind - FEAR", [7]),
        ("Far", [8]),
        ("Nowhere", []),
    ]


@pytest.mark.parametrize(
    ("text", "references"),
    [
        ("slow (See Feeble", ("Feeble",)),
        ("slow (see also Feeble)", ("Feeble",)),
        ("ABANDONED (compare Forsaken; Alone)", ("Forsaken", "Alone")),
        ("See Weakness", ("Weakness",)),
        ("can see better on a dark day", ()),
        ("sideways, can only see objects when looking at them", ()),
        ("SEEING double", ()),
    ],
)
def test_only_what_sends_the_reader_on_is_a_reference(text: str, references: tuple[str, ...]) -> None:
    assert references_in(text) == references
