"""Reads a repertory written as three tab-separated tables, plain or gzipped: rubrics, remedies, grades.

``rubrics.tsv``: rubric_id, parent_id (empty for a chapter), chapter, page, text; parents before their children.
``remedies.tsv``: remedy, name (may be empty). ``grades.tsv``: rubric_id, remedy, grade. UTF-8, one header line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import define, field

from clincore.adapters.sqlite_repertory.lines import Lines
from clincore.domain.errors import RepertoryError
from clincore.domain.limits import MAX_ID
from clincore.domain.repertory import MAX_GRADE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

RUBRICS = ("rubric_id", "parent_id", "chapter", "page", "text")
REMEDIES = ("remedy", "name")
GRADES = ("rubric_id", "remedy", "grade")

_NUMBER = re.compile(r"[0-9]{1,16}")
_GRADES = {str(grade): grade for grade in range(MAX_GRADE + 1)}


@define
class KentRows:
    """The rows of one directory; read the rubrics and the remedies first, the grades are checked against both."""

    directory: Traversable
    _rubrics: set[str] = field(factory=set, init=False, repr=False)
    _remedies: set[str] = field(factory=set, init=False, repr=False)

    def totals(self) -> dict[str, int]:
        return {
            step: _Table.of(self.directory, f"{step}.tsv", columns).count()
            for step, columns in (("rubrics", RUBRICS), ("remedies", REMEDIES), ("grades", GRADES))
        }

    def rubrics(self) -> Iterator[tuple[int, int | None, str]]:
        table = _Table.of(self.directory, "rubrics.tsv", RUBRICS)
        for rubric, parent, _, _, text in table.rows():
            rubric_id = int(rubric) if _NUMBER.fullmatch(rubric) else 0
            if not 0 < rubric_id <= MAX_ID or rubric != str(rubric_id):
                raise table.error(f"rubric_id {rubric[:40]!r} is not a whole number from 1 to 2^53 - 1")
            if rubric in self._rubrics:
                raise table.error(f"rubric_id {rubric} stands twice")
            if parent and parent not in self._rubrics:
                raise table.error(f"parent_id {parent[:40]!r} is not the rubric_id of an earlier line")
            if not text.strip():
                raise table.error("text is empty")
            self._rubrics.add(rubric)
            yield rubric_id, int(parent) if parent else None, text.strip()

    def remedies(self) -> Iterator[tuple[str, str]]:
        table = _Table.of(self.directory, "remedies.tsv", REMEDIES)
        for remedy, name in table.rows():
            if not remedy or remedy != remedy.strip():
                raise table.error("remedy is empty" if not remedy else "remedy has blanks around it")
            if remedy in self._remedies:
                raise table.error(f"remedy {remedy[:40]!r} stands twice")
            self._remedies.add(remedy)
            yield remedy, name.strip()

    def grades(self) -> Iterator[tuple[int, str, int]]:
        table = _Table.of(self.directory, "grades.tsv", GRADES)
        rubrics, remedies = self._rubrics, self._remedies
        for rubric, remedy, grade in table.rows():
            if rubric not in rubrics:
                raise table.error(f"rubric_id {rubric[:40]!r} is not in the table of rubrics")
            if remedy not in remedies:
                raise table.error(f"remedy {remedy[:40]!r} is not in the table of remedies")
            if grade not in _GRADES:
                raise table.error(f"grade {grade[:40]!r} is not a whole number from 0 to {MAX_GRADE}")
            yield int(rubric), remedy, _GRADES[grade]


@define
class _Table:
    lines: Lines
    columns: tuple[str, ...]

    @classmethod
    def of(cls, directory: Traversable, name: str, columns: tuple[str, ...]) -> _Table:
        for file in (directory.joinpath(name), directory.joinpath(f"{name}.gz")):
            if file.is_file():
                return cls(Lines(file), columns)
        raise RepertoryError(f"{directory}: has no file {name} or {name}.gz.")

    def rows(self) -> Iterator[list[str]]:
        """Yield the fields of each line below the header."""
        for fields in self._fields():
            if self.lines.line == 1:
                if tuple(fields) != self.columns:
                    raise self.error(f"the header is not {', '.join(self.columns)}, separated by tabs")
                continue
            if len(fields) != len(self.columns):
                raise self.error(
                    f"has {len(fields)} fields, {len(self.columns)} are needed ({', '.join(self.columns)})"
                )
            yield fields
        if not self.lines.line:
            raise RepertoryError(f"{self.lines.file.name}: is empty; its header is {', '.join(self.columns)}.")

    def count(self) -> int:
        """Return the number of lines below the header."""
        return max(sum(1 for _ in self.lines.read()) - 1, 0)

    def _fields(self) -> Iterator[list[str]]:
        for raw in self.lines.read():
            try:
                yield raw.decode().rstrip("\r\n").split("\t")
            except UnicodeDecodeError as error:
                raise self.error("is not UTF-8") from error

    def error(self, problem: str) -> RepertoryError:
        return self.lines.error(problem)
