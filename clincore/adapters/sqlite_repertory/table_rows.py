"""Reads a repertory out of CSV or TSV tables of any columns.

Either one table with a row for each grade and the rubric's whole path in it, or a table of rubrics beside that of the
grades; remedies' names may come in a third one. Ids are kept; rubrics without one are numbered as they come.
"""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

from attrs import define, field

from clincore.adapters.sqlite_repertory.delimited import Delimited
from clincore.adapters.sqlite_repertory.lines import Lines
from clincore.adapters.sqlite_repertory.path_tree import circle_in
from clincore.adapters.sqlite_repertory.source import GRADE, PARENT, REMEDY, REMEDY_NAME, split_path
from clincore.domain.errors import RepertoryError
from clincore.domain.limits import MAX_ID
from clincore.domain.progress import silent
from clincore.domain.repertory import MAX_GRADE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Self

    from clincore.adapters.sqlite_repertory.path_tree import Node
    from clincore.domain.progress import Progress

FIELDS: dict[str, dict[str, tuple[str, ...]]] = {
    "rubrics": {
        "rubric_id": ("rubric_id", "symptom_id", "id"),
        "parent_id": PARENT,
        "text": ("text", "item"),
        "path": ("path", "fullpath", "rubric"),
    },
    "grades": {
        "rubric_id": ("rubric_id", "symptom_id"),
        "path": ("path", "fullpath", "rubric"),
        "remedy": REMEDY,
        "grade": GRADE,
    },
    "remedies": {"remedy": REMEDY, "name": REMEDY_NAME},
}
"""The fields of each table, and the names that their columns have where no others are given."""
_NUMBER = re.compile(r"[0-9]{1,16}")
_GRADES = {str(grade): grade for grade in range(MAX_GRADE + 1)}


@define
class TableRows:
    """The rows of the tables; ``read`` comes first, and every error names file and line."""

    _grades: Delimited
    _rubrics: Delimited | None
    _remedies: Delimited | None
    _nodes: dict[int, Node] = field(factory=dict, init=False, repr=False)
    _ids: dict[tuple[str, ...], int] = field(factory=dict, init=False, repr=False)
    _names: dict[str, str] = field(factory=dict, init=False, repr=False)
    _size: int = field(default=0, init=False)
    _free: Iterator[int] = field(factory=lambda: count(1), init=False, repr=False)

    @classmethod
    def of(cls, grades: Path, rubrics: Path | None, remedies: Path | None, columns: Mapping[str, str]) -> Self:
        """Return the rows of the files; ``columns`` maps ``field`` or ``table.field`` of FIELDS to a column's name."""
        spellings = {table: dict(fields) for table, fields in FIELDS.items()}
        for key, column in columns.items():
            table, _, name = key.rpartition(".")
            meant = [fields for known, fields in spellings.items() if table in ("", known) and name in fields]
            if not meant:
                known = ", ".join(f"{table}.{name}" for table, fields in FIELDS.items() for name in fields)
                raise RepertoryError(f"There is no field {key}; there are {known}, also without the table's name.")
            for fields in meant:
                fields[name] = (column,)
        grade_table, rubric_table, remedy_table = (
            Delimited(Lines(path), spellings[table]) if path is not None else None
            for table, path in (("grades", grades), ("rubrics", rubrics), ("remedies", remedies))
        )
        assert grade_table is not None
        there = {name for table in (grade_table, rubric_table, remedy_table) if table for name in table.columns()}
        for key, column in columns.items():
            if column.strip().casefold() not in there:
                raise RepertoryError(
                    f"No table has the column {column} (for {key}); there are {', '.join(sorted(there))}."
                )
        return cls(grade_table, rubric_table, remedy_table)

    def read(self, progress: Progress = silent) -> None:
        """Read the rubrics, the remedies, and what the grades tell of them; raises RepertoryError."""
        self._grades.require("remedy", "grade")
        if self._rubrics is None or not self._grades.has("rubric_id"):
            self._grades.require("path")
        if self._rubrics is not None:
            self._read_rubrics(self._rubrics, progress)
        if self._remedies is not None:
            self._read_remedies(self._remedies, progress)
        self._read_grades(progress)

    def totals(self) -> dict[str, int]:
        return {"rubrics": len(self._nodes), "remedies": len(self._names), "grades": self._size}

    def rubrics(self) -> Iterator[tuple[int, int | None, str]]:
        for rubric, (parent, text) in self._nodes.items():
            yield rubric, parent, text

    def remedies(self) -> Iterator[tuple[str, str]]:
        yield from self._names.items()

    def grades(self) -> Iterator[tuple[int, str, int]]:
        table, by_id = self._grades, self._grades.has("rubric_id")
        for row in table.rows():
            rubric = _id(table, "rubric_id", row["rubric_id"]) if by_id else self._ids.get(_path(table, row["path"]))
            if rubric not in self._nodes or rubric is None:
                shown = row["rubric_id"] if by_id else repr(row["path"][:80])
                raise table.lines.error(f"the rubric {shown} is not in the table of rubrics")
            if row["remedy"]:
                yield rubric, row["remedy"], _GRADES[row["grade"]]

    def _read_rubrics(self, table: Delimited, progress: Progress) -> None:
        table.require("rubric_id")
        if table.has("parent_id"):
            table.require("text")
            self._grades.require("rubric_id")
            self._read_tree(table, progress)
            return
        where = "path" if table.has("path") else "text"
        table.require(where)
        given: dict[int, tuple[str, ...]] = {}
        for row in table.rows(progress):
            rubric = _id(table, "rubric_id", row["rubric_id"])
            if rubric in given:
                raise table.lines.error(f"the rubric {rubric} stands twice")
            given[rubric] = _path(table, row[where])
        self._grow(given)

    def _read_tree(self, table: Delimited, progress: Progress) -> None:
        lines: dict[int, int] = {}
        for row in table.rows(progress):
            rubric = _id(table, "rubric_id", row["rubric_id"])
            if rubric in lines:
                raise table.lines.error(f"the rubric {rubric} stands twice")
            parent = None if row["parent_id"] in ("", "0") else _id(table, "parent_id", row["parent_id"])
            if not row["text"]:
                raise table.lines.error("text is empty")
            self._nodes[rubric], lines[rubric] = (parent, row["text"]), table.lines.line
        for rubric, (parent, _) in self._nodes.items():
            if parent is not None and parent not in self._nodes:
                raise table.lines.error(f"there is no rubric {parent}, the parent of {rubric}", lines[rubric])
        if (start := circle_in(self._nodes)) is not None:
            raise table.lines.error(f"the parents of rubric {start} form a circle", lines[start])

    def _read_remedies(self, table: Delimited, progress: Progress) -> None:
        table.require("remedy")
        for row in table.rows(progress):
            if not row["remedy"]:
                raise table.lines.error("remedy is empty")
            if row["remedy"] in self._names:
                raise table.lines.error(f"remedy {row['remedy'][:40]!r} stands twice")
            self._names[row["remedy"]] = row["name"]

    def _read_grades(self, progress: Progress) -> None:
        table, flat = self._grades, self._rubrics is None
        by_id = table.has("rubric_id")
        given: dict[int, tuple[str, ...]] = {}
        for row in table.rows(progress):
            rubric_only = flat and not row["remedy"] and not row["grade"]
            if not rubric_only:
                self._check_grade(row["remedy"], row["grade"])
            if flat and by_id:
                rubric, path = _id(table, "rubric_id", row["rubric_id"]), _path(table, row["path"])
                if given.setdefault(rubric, path) != path:
                    raise table.lines.error(f"the rubric {rubric} has another path than before")
            elif flat:
                self._id_of(_path(table, row["path"]))
            self._size += not rubric_only
        if flat and by_id:
            self._grow(given)

    def _check_grade(self, remedy: str, grade: str) -> None:
        lines = self._grades.lines
        if not remedy:
            raise lines.error("remedy is empty")
        if grade not in _GRADES:
            raise lines.error(f"grade {grade[:40]!r} is not a whole number from 0 to {MAX_GRADE}")
        if self._remedies is None:
            self._names.setdefault(remedy, "")
        elif remedy not in self._names:
            raise lines.error(f"remedy {remedy[:40]!r} is not in the table of remedies")

    def _grow(self, given: Mapping[int, tuple[str, ...]]) -> None:
        """Make the tree of rubrics that have ids; those above them that have none are numbered behind them."""
        self._free = count(max(given, default=0) + 1)
        for rubric, path in given.items():
            self._ids.setdefault(path, rubric)
        for rubric, path in given.items():
            self._nodes[rubric] = (self._id_of(path[:-1]), path[-1])

    def _id_of(self, path: tuple[str, ...]) -> int | None:
        """Return the id of the rubric with this path, which is made where it is missing; None for no path."""
        if not path:
            return None
        if (rubric := self._ids.get(path)) is None:
            parent = self._id_of(path[:-1])
            rubric = self._ids[path] = next(self._free)
            self._nodes[rubric] = (parent, path[-1])
        return rubric


def _id(table: Delimited, column: str, text: str) -> int:
    if not _NUMBER.fullmatch(text) or not 0 < int(text) <= MAX_ID:
        raise table.lines.error(f"{column} {text[:40]!r} is not a whole number from 1 to 2^53 - 1")
    return int(text)


def _path(table: Delimited, text: str) -> tuple[str, ...]:
    path = split_path(text)
    if not all(path):
        raise table.lines.error(f"the path {text[:80]!r} has an empty part" if text else "the path is empty")
    return path
