"""Repertories as plain Python, the SQLite files they can be written as, and a slow obvious reading of them."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections import Counter
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen
from hypothesis import strategies as st

from clincore.adapters.sqlite_repertory import SqliteRepertory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from clincore.testing.strategies import RepertoryContent

Grades = dict[str, int]

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
WORDS = st.sampled_from(["fear", "of", "death", "night", "agg", "amel", "worse", "Hémorrhage", "in bed", "alone, when"])
REMEDIES = st.sampled_from(["acon", "Ars.", "ars", "bell", "nux-v", "Z", "ä"])


@frozen(kw_only=True)
class Node:
    id: int
    parent: int | None
    text: str


@frozen(kw_only=True)
class Book:
    """A repertory: its rubrics, parents before children, and its rows of (rubric's id, remedy, grade)."""

    nodes: list[Node]
    rows: list[tuple[int, str, int]]

    def paths(self) -> dict[int, tuple[str, ...]]:
        paths: dict[int, tuple[str, ...]] = {}
        for node in self.nodes:
            paths[node.id] = (*(paths[node.parent] if node.parent is not None else ()), node.text.strip())
        return paths

    def grades(self) -> dict[int, Grades]:
        grades: dict[int, Grades] = {node.id: {} for node in self.nodes}
        for rubric, remedy, grade in self.rows:
            if grade > 0:
                grades[rubric][remedy] = max(grade, grades[rubric].get(remedy, 0))
        return grades

    def frequencies(self) -> Counter[str]:
        return Counter(remedy for given in self.grades().values() for remedy in given)


@frozen(kw_only=True)
class Layout:
    """How an export spells its columns and orders its rows."""

    parent: str = "parent_id"
    remedy: str = "remedy"
    listed: str = "remedy"
    grade: str = "degree"
    name: str | None = "name"
    upper: bool = False
    seed: int = 0
    repeats: int = 0
    names: dict[str, str] = field(factory=dict)


LAYOUTS = st.builds(
    Layout,
    parent=st.sampled_from(["parent_id", "parent", "pid", "parentid"]),
    remedy=st.sampled_from(["remedy", "remedy_abbreviation", "remedyabbr", "abbr", "short", "rem"]),
    listed=st.sampled_from(["remedy", "remedy_abbreviation", "remedyabbr", "abbr", "short", "rem"]),
    grade=st.sampled_from(["degree", "grade", "deg", "value", "weight"]),
    name=st.sampled_from(["name", "latin", "latin_name", "longname", "namelong", "fullname", None]),
    upper=st.booleans(),
    seed=st.integers(0, 1000),
    repeats=st.integers(0, 3),
)


@st.composite
def books(draw: st.DrawFn, texts: st.SearchStrategy[str] = TEXTS) -> Book:
    """Small repertories; ids are not dense and a parent's id may be the larger one."""
    ids = draw(st.lists(st.integers(1, 2**53 - 1) | st.integers(1, 30), min_size=1, max_size=12, unique=True))
    nodes: list[Node] = []
    for rubric in ids:
        parent = draw(st.sampled_from([None, *(node.id for node in nodes)]))
        nodes.append(Node(id=rubric, parent=parent, text=draw(texts)))
    row = st.tuples(st.sampled_from(ids), REMEDIES, st.integers(0, 5))
    return Book(nodes=nodes, rows=draw(st.lists(row, max_size=40)))


def write(book: Book, path: Path, layout: Layout = Layout()) -> Path:
    """Write a repertory as an export with this layout would; no row is left out, some of the grades stand twice."""

    def spelled(name: str) -> str:
        return name.upper() if layout.upper else name

    shuffle = random.Random(layout.seed)  # noqa: S311
    nodes = [(node.id, node.parent, node.text) for node in book.nodes]
    rows = [*book.rows]
    for _ in range(layout.repeats if rows else 0):
        rubric, remedy, grade = shuffle.choice(book.rows)
        rows.append((rubric, remedy, shuffle.randint(0, grade)))
    remedies = [(remedy, layout.names.get(remedy, "")) for remedy in sorted({remedy for _, remedy, _ in rows})]
    for table in (nodes, rows, remedies):
        shuffle.shuffle(table)
    with closing(sqlite3.connect(path)) as connection:
        for table_name, columns in (
            ("syntree", ["id", layout.parent, "item"]),
            ("symptom_remedies", ["symptom_id", layout.remedy, layout.grade]),
            ("remedies", [layout.listed, layout.name or "other"]),
        ):
            connection.execute(f"CREATE TABLE {spelled(table_name)} ({', '.join(map(spelled, columns))})")
        connection.executemany("INSERT INTO syntree VALUES (?, ?, ?)", nodes)
        connection.executemany("INSERT INTO symptom_remedies VALUES (?, ?, ?)", rows)
        connection.executemany("INSERT INTO remedies VALUES (?, ?)", remedies)
        connection.commit()
    return path


@asynccontextmanager
async def opened(content: RepertoryContent) -> AsyncIterator[SqliteRepertory]:
    """Write any content as an SQLite repertory, and open it."""
    book = Book(
        nodes=[Node(id=id, parent=content.parents[id], text=text) for id, text in content.texts.items()],
        rows=[(id, remedy, grade) for id, given in content.grades.items() for remedy, grade in given.items()],
    )
    with tempfile.TemporaryDirectory() as directory:
        path = write(book, Path(directory) / "book.sqlite", Layout(names=dict(content.remedy_names)))
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE info (key, value)")
            told = [("name", content.name), ("edition", content.edition)]
            connection.executemany("INSERT INTO info VALUES (?, ?)", told)
            connection.commit()
        async with await SqliteRepertory.open(path, cache_directory=path.parent / "cache") as repertory:
            yield repertory


SMALL = Book(
    nodes=[
        Node(id=7, parent=None, text="Mind"),
        Node(id=12, parent=7, text="FEAR"),
        Node(id=3, parent=12, text="death, of"),
        Node(id=40, parent=12, text="night agg"),
        Node(id=41, parent=7, text="ANXIETY"),
        Node(id=5, parent=41, text="night"),
        Node(id=90, parent=None, text="Generalities"),
        Node(id=91, parent=90, text="NIGHT, amel"),
    ],
    rows=[
        (12, "acon", 3),
        (12, "ars", 2),
        (3, "acon", 3),
        (3, "ars", 3),
        (3, "ars", 1),
        (40, "ars", 2),
        (41, "acon", 1),
        (5, "ars", 3),
        (5, "puls", 0),
        (91, "nux-v", 1),
    ],
)
