"""Builds the derived file of a repertory in one pass over its rows; in memory are only the packed rubrics."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, field

from clincore.adapters.sqlite_repertory.folding import spellings
from clincore.adapters.sqlite_repertory.packed import Packing
from clincore.adapters.sqlite_repertory.source import split_path
from clincore.domain.canonical_json import canonical_json
from clincore.domain.errors import RepertoryError
from clincore.domain.fingerprint import MerkleTree, rubric_leaf
from clincore.domain.repertory import median_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from clincore.adapters.sqlite_repertory.source import Source
    from clincore.domain.progress import Progress

FORMAT = 5
"""Raised with every change of the derived file's content, and of the order of search results."""

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE rubric (id INTEGER PRIMARY KEY, parent_id INTEGER, remedies INTEGER NOT NULL, leaf TEXT NOT NULL);
CREATE TABLE remedy (
    abbreviation TEXT PRIMARY KEY, name TEXT NOT NULL, frequency INTEGER NOT NULL, number INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE packed (part TEXT PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE word (term TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE VIRTUAL TABLE entry USING fts5 (
    path, own, grades,
    content = '', columnsize = 0, prefix = '1 2 3', tokenize = 'unicode61 remove_diacritics 2'
);
CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab (main, entry, col);
CREATE TEMP TABLE node (id INTEGER PRIMARY KEY, parent_id INTEGER, item TEXT NOT NULL);
CREATE TEMP TABLE path (id INTEGER PRIMARY KEY, path TEXT NOT NULL);
CREATE TEMP TABLE waiting (place INTEGER PRIMARY KEY, path TEXT NOT NULL, own TEXT NOT NULL, grades TEXT NOT NULL);
"""
_INDEX_PARENTS = "CREATE INDEX rubric_parent_id ON rubric (parent_id)"
_ADD_PATH = "INSERT INTO path VALUES (?, ?)"
_INDEX_PATHS = "CREATE INDEX temp.path_path ON path (path, id)"
_PATHS = "SELECT id, path FROM path"
_PATH = "SELECT min(id) FROM path WHERE path = ?"
_SET_PARENT = "UPDATE rubric SET parent_id = ? WHERE id = ?"
_ADD_NODE = "INSERT INTO node VALUES (?, ?, ?)"
_NODES = "SELECT id, parent_id, item FROM node ORDER BY id"
_NODE = "SELECT parent_id, item FROM node WHERE id = ?"
_ADD_RUBRIC = "INSERT INTO rubric VALUES (?, ?, ?, ?)"
_ADD_WAITING = "INSERT INTO waiting VALUES (?, ?, ?, ?)"
_WAITING = "SELECT place, path, own, grades FROM waiting ORDER BY place"
_ADD_ENTRY = "INSERT INTO entry (rowid, path, own, grades) VALUES (?, ?, ?, ?)"
_OPTIMIZE = "INSERT INTO entry (entry) VALUES ('optimize')"
_ADD_WORDS = "INSERT INTO word SELECT term FROM temp.vocabulary WHERE col = 'path' ORDER BY term"
_ADD_REMEDY = "INSERT INTO remedy VALUES (?, ?, ?, ?)"
_ADD_PACKED = "INSERT INTO packed VALUES (?, ?)"
_ADD_META = "INSERT INTO meta VALUES (?, ?)"

_Row = TypeVar("_Row", bound=tuple[Any, ...])
_NO_GRADES: tuple[int | None, Iterator[tuple[int, str, int]]] = (None, iter(()))
_WORD = re.compile(r"[^\W_]+")
_MIDDLE_CLASS, _LAST_CLASS = 64, 1023
_BARRIER = " \ue000 "  # a word of its own that no query can hold, so that no phrase reaches over it
_MOST_PATHS = 20_000
_EVERY = 1000


def build(source: Source, content: str, target: Path, progress: Progress) -> None:
    """Write the derived file of ``source``, whose SHA-256 is ``content``, to the empty file ``target``."""
    with closing(sqlite3.connect(target, isolation_level=None)) as connection:
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN")
        _Build(source, connection, progress).run(content)
        connection.execute("COMMIT")


def place(rubric_id: int, path: tuple[str, ...], remedies: int) -> int:
    """Return where a rubric stands among all that fit a query equally well; its low 53 bits are the rubric's id.

    Its class comes first: a word below the chapter puts a rubric back by one (what fits a query in fewer words says
    less that was not asked for), and every doubling of its remedies puts it forward by one. Then repertory order.
    """
    words = sum(len(_WORD.findall(text)) for text in path[1:])
    return min(max(words - remedies.bit_length() + _MIDDLE_CLASS, 0), _LAST_CLASS) << 53 | rubric_id


def searchable(path: tuple[str, ...]) -> str:
    """Return the text in which a path is found: as it is written and, where that differs, as it is read aloud.

    Repertories put the leading word first: "FEAR > death, of" is read "FEAR of death".
    """
    written = " ".join(path)
    read = " ".join(" ".join(reversed(text.split(", "))) for text in path)
    return _BARRIER.join(dict.fromkeys((*spellings(written), *spellings(read))))


def searchable_own(path: tuple[str, ...]) -> str:
    """Return the text in which a rubric's own text, without those above it, is found."""
    return _BARRIER.join(spellings(path[-1]))


def grade_word(remedy: int, grade: int) -> str:
    """Return the word that stands in the index column ``grades`` for a remedy, by its number, at a grade."""
    return f"r{remedy}g{grade}"


def highest_word(grade: int) -> str:
    """Return the word that stands in the index column ``grades`` for the highest grade of a rubric."""
    return f"g{grade}"


@define
class _Build:
    source: Source
    connection: sqlite3.Connection
    progress: Progress
    tree: MerkleTree = field(factory=MerkleTree)
    packing: Packing = field(factory=Packing)
    frequencies: Counter[str] = field(factory=Counter)
    numbers: dict[str, int] = field(factory=dict)
    paths: dict[int, tuple[str, ...]] = field(factory=dict)

    def run(self, content: str) -> None:
        self.connection.executemany(_ADD_NODE, self._counted("reading rubrics", self.source.rubrics()))
        self._add_rubrics()
        if not self.source.has_parents:
            self._find_parents()
        self.connection.execute(_INDEX_PARENTS)
        waiting = self.connection.execute(_WAITING)
        self.connection.executemany(_ADD_ENTRY, self._counted("indexing", waiting))
        self.connection.execute(_OPTIMIZE)
        self.connection.execute(_ADD_WORDS)
        names = self.source.remedy_names()
        self.connection.executemany(
            _ADD_REMEDY,
            (
                (remedy, names.get(remedy, ""), self.frequencies[remedy], self.numbers[remedy])
                for remedy in sorted(self.frequencies)
            ),
        )
        self.connection.executemany(_ADD_PACKED, self.packing.parts())
        name, edition = self.source.name_and_edition()
        meta = {
            "format": FORMAT,
            "content": content,
            "name": name,
            "edition": edition,
            "fingerprint": self.tree.root(),
            "rubrics": self.source.rubric_rows,
            "remedies": len(self.frequencies),
            "grades": self.frequencies.total(),
            "median_frequency": str(median_of(list(self.frequencies.values()))),
        }
        self.connection.executemany(_ADD_META, sorted(meta.items()))

    def _counted(self, step: str, rows: Iterable[_Row]) -> Iterator[_Row]:
        total = self.source.rubric_rows
        self.progress(step, 0, total)
        for done, row in enumerate(rows, 1):
            yield row
            if done % _EVERY == 0 or done == total:
                self.progress(step, done, total)

    def _add_rubrics(self) -> None:
        groups = groupby(self.source.grades(), key=itemgetter(0))
        group_id, group = next(groups, _NO_GRADES)
        for rubric_id, parent, item in self._counted("reading grades", self.connection.execute(_NODES)):
            grades: dict[str, int] = {}
            if group_id == rubric_id:
                for _, remedy, grade in group:
                    grades[remedy] = max(grade, grades.get(remedy, 0))
                group_id, group = next(groups, _NO_GRADES)
            self._add_rubric(rubric_id, parent, self._path(rubric_id, parent, item), grades)
        if group_id is not None:
            raise RepertoryError(
                f"{self.source.path}: symptom_remedies, symptom {group_id}: there is no such rubric in syntree."
            )

    def _add_rubric(self, rubric_id: int, parent: int | None, path: tuple[str, ...], grades: dict[str, int]) -> None:
        leaf = rubric_leaf(rubric_id, path, grades)
        leaf_hash = self.tree.append(leaf.encode())
        self.frequencies.update(grades.keys())
        words = [highest_word(max(grades.values()))] if grades else []
        numbered = [(self.numbers.setdefault(name, len(self.numbers)), grades[name]) for name in sorted(grades)]
        words += [grade_word(number, grade) for number, grade in numbered]
        self.packing.add(rubric_id, path, numbered, leaf_hash)
        self.connection.execute(_ADD_RUBRIC, (rubric_id, parent, len(grades), leaf))
        if not self.source.has_parents:
            self.connection.execute(_ADD_PATH, (rubric_id, canonical_json(path)))
        self.connection.execute(
            _ADD_WAITING,
            (place(rubric_id, path, len(grades)), searchable(path), searchable_own(path), " ".join(words)),
        )

    def _find_parents(self) -> None:
        """Give every rubric the nearest one as its parent whose path its own begins with."""
        self.connection.execute(_INDEX_PATHS)

        def found() -> Iterator[tuple[int, int]]:
            for rubric_id, written in self.connection.execute(_PATHS):
                path = json.loads(written)
                for length in range(len(path) - 1, 0, -1):
                    (parent,) = self.connection.execute(_PATH, (canonical_json(path[:length]),)).fetchone()
                    if parent is not None:
                        yield parent, rubric_id
                        break

        self.connection.executemany(_SET_PARENT, found())

    def _path(self, rubric_id: int, parent: int | None, item: str) -> tuple[str, ...]:
        if not self.source.has_parents:
            return split_path(item)
        if len(self.paths) > _MOST_PATHS:
            self.paths.clear()
        path = self.paths[rubric_id] = (*self._path_of_parent(rubric_id, parent), item)
        return path

    def _path_of_parent(self, rubric_id: int, parent: int | None) -> tuple[str, ...]:
        below: list[str] = []
        seen = {rubric_id}
        child = rubric_id
        while parent is not None:
            if (known := self.paths.get(parent)) is not None:
                return (*known, *reversed(below))
            if parent in seen:
                raise RepertoryError(f"{self.source.path}: syntree, rubric {rubric_id}: its parents form a circle.")
            seen.add(parent)
            row = self.connection.execute(_NODE, (parent,)).fetchone()
            if row is None:
                raise RepertoryError(
                    f"{self.source.path}: syntree, rubric {child}: there is no rubric {parent}, its parent."
                )
            child, (parent, item) = parent, row
            below.append(item)
        return tuple(reversed(below))
