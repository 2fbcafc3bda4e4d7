"""Reads one repertory out of a dump of OOREP's database (oorep.sql.gz), in one pass and without a server.

OOREP (github.com/nondeterministic/oorep) keeps all repertories in the same tables, told apart by ``abbrev``:
``info(abbrev, title, …, yearr, …, edition, …)``, ``chapter(abbrev, id, textt)`` (may be empty),
``rubric(abbrev, id, mother, ismother, chapterid, fullpath, path, textt)``,
``remedy(id, nameabbrev, namelong, namealt)``, ``rubricremedy(abbrev, rubricid, remedyid, weight, chapterid)``. Ids of
rubrics are unique within a repertory. The mother may be missing, 0 or -1; the tree is then in the full paths ("Head,
pain, morning").
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from clincore.adapters.sqlite_repertory.path_tree import PathRubric, circle_in, tree_of_paths
from clincore.adapters.sqlite_repertory.pg_dump import tables_of
from clincore.domain.errors import RepertoryError
from clincore.domain.limits import MAX_ID
from clincore.domain.progress import silent
from clincore.domain.repertory import MAX_GRADE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from clincore.adapters.sqlite_repertory.lines import Lines
    from clincore.adapters.sqlite_repertory.path_tree import Node
    from clincore.adapters.sqlite_repertory.pg_dump import CopyRows, Row
    from clincore.domain.progress import Progress

_COLUMNS = {
    "info": ("abbrev", "title", "edition", "yearr"),
    "chapter": ("abbrev", "id", "textt"),
    "rubric": ("abbrev", "id", "mother", "chapterid", "fullpath", "path", "textt"),
    "remedy": ("abbrev", "id", "nameabbrev", "namelong"),
    "rubricremedy": ("abbrev", "rubricid", "remedyid", "weight"),
}
"""The columns that are read of each table, and below those without which nothing can be made of it."""
_NEEDED = {
    "rubric": {"abbrev", "id", "fullpath"},
    "remedy": {"id", "nameabbrev"},
    "rubricremedy": {"abbrev", "rubricid", "remedyid", "weight"},
}
_NUMBER = re.compile(r"-?[0-9]{1,16}")


@frozen(kw_only=True)
class _RubricRow:
    line: int
    mother: int
    chapter: str | None
    path: str
    own: str


@define
class OorepDump:
    """The repertory ``abbreviation`` of a dump; without one, the only one that is in it. ``read`` comes first."""

    lines: Lines
    abbreviation: str | None = None
    notes: list[str] = field(factory=list, init=False)
    _sizes: Counter[str] = field(factory=Counter, init=False, repr=False)
    _info: dict[str, tuple[str, str]] = field(factory=dict, init=False, repr=False)
    _chapters: dict[tuple[str | None, str | None], str] = field(factory=dict, init=False, repr=False)
    _rubrics: dict[int, _RubricRow] = field(factory=dict, init=False, repr=False)
    _remedies: dict[tuple[str | None, int], tuple[str, str, int]] = field(factory=dict, init=False, repr=False)
    _grades: array[int] = field(factory=lambda: array("q"), init=False, repr=False)
    """Four numbers a grade: rubric, remedy, grade, line."""
    _used: dict[int, tuple[str, str, int]] = field(factory=dict, init=False, repr=False)
    _nodes: Mapping[int, Node] = field(factory=dict, init=False, repr=False)
    _instead_of_zero: int = field(default=0, init=False)

    def read(self, progress: Progress = silent) -> None:
        """Read the whole dump and make the tree; raises RepertoryError naming the line of a broken row."""
        seen: set[str] = set()
        asked = self.abbreviation
        for table in tables_of(self.lines, progress, "reading the dump"):
            if table.table in seen:
                raise self.lines.error(f"the table {table.table} stands in the dump for a second time")
            if table.table in _COLUMNS:
                seen.add(table.table)
                self._read_table(table)
        if missing := [table for table in _NEEDED if table not in seen]:
            raise RepertoryError(f"{self.lines.file.name}: is no dump of OOREP, the table {missing[0]} is missing.")
        self._check_choice(asked)
        self._find_remedies()
        self._make_tree()

    def name_and_edition(self) -> tuple[str, str]:
        """Return the title and the edition, else the year, as the table info has them."""
        abbreviation = self.abbreviation or ""
        return self._info.get(abbreviation, (abbreviation, ""))

    def totals(self) -> dict[str, int]:
        return {"rubrics": len(self._nodes), "remedies": len(self._used), "grades": len(self._grades) // 4}

    def rubrics(self) -> Iterator[tuple[int, int | None, str]]:
        kept = self._kept
        for rubric, (parent, text) in self._nodes.items():
            yield kept(rubric), None if parent is None else kept(parent), text

    def remedies(self) -> Iterator[tuple[str, str]]:
        yield from sorted({(abbreviation, name) for abbreviation, name, _ in self._used.values()})

    def grades(self) -> Iterator[tuple[int, str, int]]:
        numbers = iter(self._grades)
        for rubric, remedy, grade, line in zip(numbers, numbers, numbers, numbers, strict=True):
            if rubric not in self._rubrics:
                raise self.lines.error(f"rubricid {rubric} is not in the table rubric", line)
            yield self._kept(rubric), self._used[remedy][0], grade

    def _read_table(self, table: CopyRows) -> None:
        take = {
            "info": self._take_info,
            "chapter": self._take_chapter,
            "rubric": self._take_rubric,
            "remedy": self._take_remedy,
            "rubricremedy": self._take_grade,
        }[table.table]
        if missing := _NEEDED.get(table.table, set()) - {*table.columns}:
            raise self.lines.error(f"the table {table.table} has no column {min(missing)}")
        places = [
            table.columns.index(name) if name in table.columns else len(table.columns) for name in _COLUMNS[table.table]
        ]
        for row in table.rows():
            row.append(None)
            take([row[place] for place in places])

    def _take_info(self, row: Row) -> None:
        abbreviation, title, edition, year = row
        if abbreviation is not None:
            self._info[abbreviation] = ((title or "").strip() or abbreviation, (edition or year or "").strip())

    def _take_chapter(self, row: Row) -> None:
        abbreviation, chapter, text = row
        if text is not None and text.strip():
            self._chapters[abbreviation, chapter] = text.strip()

    def _take_rubric(self, row: Row) -> None:
        abbreviation, number, mother, chapter, full_path, path, text = row
        if abbreviation is None:
            raise self.lines.error("abbrev is NULL")
        self._sizes[abbreviation] += 1
        if not self._is_chosen(abbreviation):
            return
        rubric = self._number("id", number, lowest=0)
        if rubric in self._rubrics:
            raise self.lines.error(f"the rubric {rubric} of {abbreviation} stands twice")
        if full_path is None or not full_path.strip():
            raise self.lines.error(f"rubric {rubric}: fullpath is empty")
        self._rubrics[rubric] = _RubricRow(
            line=self.lines.line,
            mother=-1 if mother is None else self._number("mother", mother, lowest=-1),
            chapter=chapter,
            path=full_path.strip(),
            own=(text or path or "").strip(),
        )

    def _take_remedy(self, row: Row) -> None:
        abbreviation, number, short, name = row
        remedy = self._number("id", number, lowest=0)
        if (abbreviation, remedy) in self._remedies:
            raise self.lines.error(f"the remedy {remedy} stands twice")
        if short is None or not short.strip():
            raise self.lines.error(f"remedy {remedy}: nameabbrev is empty")
        self._remedies[abbreviation, remedy] = (short.strip(), (name or "").strip(), self.lines.line)

    def _take_grade(self, row: Row) -> None:
        abbreviation, rubric, remedy, weight = row
        if abbreviation is None:
            raise self.lines.error("abbrev is NULL")
        if not self._is_chosen(abbreviation):
            return
        grade = self._number("weight", weight, lowest=0)
        if grade > MAX_GRADE:
            raise self.lines.error(f"weight {weight} is not a whole number from 0 to {MAX_GRADE}")
        numbers = self._number("rubricid", rubric, lowest=0), self._number("remedyid", remedy, lowest=0)
        self._grades.extend((*numbers, grade, self.lines.line))

    def _is_chosen(self, abbreviation: str) -> bool:
        if self.abbreviation is None:
            self.abbreviation = abbreviation
        return abbreviation == self.abbreviation

    def _number(self, column: str, text: str | None, *, lowest: int) -> int:
        if text is None or not _NUMBER.fullmatch(text) or not lowest <= int(text) <= MAX_ID:
            shown = "NULL" if text is None else repr(text[:40])
            raise self.lines.error(f"{column} {shown} is not a whole number, {lowest} or more")
        return int(text)

    def _check_choice(self, asked: str | None) -> None:
        there = ", ".join(f"{abbreviation} ({size:,} rubrics)" for abbreviation, size in sorted(self._sizes.items()))
        if asked is None and len(self._sizes) > 1:
            raise RepertoryError(f"{self.lines.file.name}: holds several repertories, choose one of: {there}.")
        if self.abbreviation not in self._sizes:
            raise RepertoryError(
                f"{self.lines.file.name}: has no rubrics of {self.abbreviation or 'any repertory'}; "
                f"there are: {there or 'none'}."
            )

    def _find_remedies(self) -> None:
        lines: dict[str, tuple[str, int]] = {}
        for place in range(1, len(self._grades), 4):
            remedy = self._grades[place]
            if remedy in self._used:
                continue
            found = self._remedies.get((self.abbreviation, remedy)) or self._remedies.get((None, remedy))
            if found is None:
                raise self.lines.error(f"remedyid {remedy} is not in the table remedy", self._grades[place + 2])
            abbreviation, name, line = self._used[remedy] = found
            other, other_line = lines.setdefault(abbreviation, (name, line))
            if other != name:
                raise self.lines.error(f"nameabbrev {abbreviation} stands in line {other_line} for {other!r}", line)

    def _make_tree(self) -> None:
        rubrics = {
            rubric: PathRubric(
                path=row.path,
                above=row.mother,
                own=row.own,
                chapter=self._chapters.get((self.abbreviation, row.chapter), ""),
            )
            for rubric, row in self._rubrics.items()
        }
        tree = tree_of_paths(rubrics)
        if (rubric := circle_in(tree.nodes)) is not None:
            raise self.lines.error(f"rubric {rubric}: its mothers form a circle", self._rubrics[rubric].line)
        self._nodes = tree.nodes
        if tree.added:
            self.notes.append(f"chapters that the dump only mentions were added: {len(tree.added)}")
        if 0 in self._nodes:
            self._instead_of_zero = max(self._nodes) + 1
            self.notes.append(f"rubric 0 has become rubric {self._instead_of_zero}, ids begin at 1")

    def _kept(self, rubric: int) -> int:
        """Return the id a rubric keeps; only 0 cannot be kept."""
        return rubric or self._instead_of_zero
