"""Reads any SQLite repertory of the contract: its tables, the many spellings of its columns, its rows in id order.

The file is never written to: it is opened as immutable, so that not even a lock or a journal appears beside it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from clincore.domain.errors import RepertoryError
from clincore.domain.limits import MAX_ID
from clincore.domain.repertory import MAX_GRADE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PARENT = ("parent_id", "parent", "pid", "parentid")
REMEDY = ("remedy", "remedy_abbreviation", "remedyabbr", "abbr", "short", "rem")
GRADE = ("degree", "grade", "deg", "value", "weight")
REMEDY_NAME = ("name", "latin", "latin_name", "longname", "namelong", "fullname")
PATH_SEPARATORS = (" > ", " - ", "; ", ", ")

_EXPECTED = (
    "A repertory is an SQLite file with the tables syntree(id, parent_id, item), "
    "symptom_remedies(symptom_id, remedy, degree) and remedies(remedy, name)."
)
# What begins with a colon becomes one of the spellings above, never a text out of a file.
_RUBRICS = "SELECT id, :parent, item FROM syntree ORDER BY id"
_GRADES = "SELECT symptom_id, :remedy, :grade FROM symptom_remedies ORDER BY symptom_id"
_REMEDIES = "SELECT :remedy, :name FROM remedies"
_INFO = "SELECT key, value FROM info WHERE key IN ('name', 'edition') ORDER BY key, value"
_COLUMNS = "SELECT lower(name) FROM pragma_table_info(?)"
_SIZES = "SELECT (SELECT count(*) FROM syntree), (SELECT count(*) FROM symptom_remedies)"
_HOT_JOURNAL = bytes.fromhex("d9d505f920a163d7")


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a repertory for reading; RepertoryError names the path, what is wrong and what would be right."""
    check_is_sqlite(path)
    with _reading(path):
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    with closing(connection):
        with _reading(path):
            source = Source.of(path, connection)
        yield source


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise RepertoryError(f"{path}: cannot be read as a repertory ({error}).") from error


def check_is_sqlite(path: Path) -> None:
    """Raise RepertoryError unless ``path`` is an SQLite file that nobody is writing."""
    try:
        if path.is_dir():
            raise RepertoryError(f"{path}: is a directory. {_EXPECTED}")
        with path.open("rb") as file:
            start = file.read(16)
    except FileNotFoundError as error:
        raise RepertoryError(f"{path}: there is no such file. {_EXPECTED}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RepertoryError(f"{path}: cannot be opened ({reason}).") from error
    if start != b"SQLite format 3\0":
        raise RepertoryError(f"{path}: is {'not an SQLite file' if start else 'an empty file'}. {_EXPECTED}")
    if _has_unfinished_writes(path):
        raise RepertoryError(
            f"{path}: another program is writing to it, or was cut off while it did. "
            "Close that program, or open the file once with the sqlite3 shell and run PRAGMA wal_checkpoint(TRUNCATE)."
        )


def _has_unfinished_writes(path: Path) -> bool:
    wal, journal = (path.with_name(path.name + suffix) for suffix in ("-wal", "-journal"))
    try:
        if wal.exists() and wal.stat().st_size > 0:
            return True
        with journal.open("rb") as file:
            return file.read(8) == _HOT_JOURNAL
    except OSError:
        return False


@frozen
class Source:
    """One open repertory file; its iterators check every row and raise RepertoryError at one that is wrong."""

    path: Path
    rubric_rows: int
    grade_rows: int
    has_parents: bool
    _sql: dict[str, str] = field(repr=False)
    _connection: sqlite3.Connection = field(repr=False)

    @classmethod
    def of(cls, path: Path, connection: sqlite3.Connection) -> Source:
        columns = {
            table: {name for (name,) in connection.execute(_COLUMNS, (table,))}
            for table in ("syntree", "symptom_remedies", "remedies", "info")
        }

        def spelled(table: str, spellings: Sequence[str], otherwise: str | None = None) -> str:
            for spelling in spellings:
                if spelling in columns[table]:
                    return spelling
            if otherwise is not None:
                return otherwise
            what = f"has no column {'|'.join(spellings)}" if columns[table] else "is missing"
            raise RepertoryError(f"{path}: the table {table} {what}. {_EXPECTED}")

        for column in ("id", "item"):
            spelled("syntree", (column,))
        spelled("symptom_remedies", ("symptom_id",))
        parent, remedy = spelled("syntree", PARENT, "NULL"), spelled("symptom_remedies", REMEDY)
        grade, listed = spelled("symptom_remedies", GRADE), spelled("remedies", REMEDY)
        sql = {
            "rubrics": _RUBRICS.replace(":parent", parent),
            "grades": _GRADES.replace(":remedy", remedy).replace(":grade", grade),
            "remedies": _REMEDIES.replace(":remedy", listed).replace(":name", spelled("remedies", REMEDY_NAME, "NULL")),
            "info": _INFO if {"key", "value"} <= columns["info"] else "",
        }
        rubric_rows, grade_rows = connection.execute(_SIZES).fetchone()
        if not rubric_rows:
            raise RepertoryError(f"{path}: the repertory is empty, its table syntree has no rows.")
        return cls(path, rubric_rows, grade_rows, parent != "NULL", sql, connection)

    def name_and_edition(self) -> tuple[str, str]:
        """Return what the table info says; empty texts where it says nothing."""
        if not self._sql["info"]:
            return "", ""
        rows = self._rows("info")
        info = {key: str(value).strip() for key, value in rows if value is not None}
        return info.get("name", ""), info.get("edition", "")

    def remedy_names(self) -> dict[str, str]:
        """Return the Latin names that the source has, by abbreviation; of several the first in the alphabet."""
        names: dict[str, str] = {}
        for abbreviation, name in self._rows("remedies"):
            if isinstance(abbreviation, str) and isinstance(name, str) and name.strip():
                key = abbreviation.strip()
                names[key] = min(name.strip(), names.get(key, name.strip()))
        return names

    def rubrics(self) -> Iterator[tuple[int, int | None, str]]:
        """Yield (id, parent's id or None, text) in the order of ids; without a parent column the text is the path."""
        before = 0
        for rubric_id, parent, item in self._rows("rubrics"):
            self._check_id("syntree", "id", rubric_id)
            if rubric_id == before:
                raise RepertoryError(f"{self.path}: rubric {rubric_id} stands twice in the table syntree.")
            if not isinstance(item, str):
                raise RepertoryError(f"{self.path}: syntree, rubric {rubric_id}: its item is not a text.")
            before = rubric_id
            is_chapter = parent in (None, 0, "")
            if not is_chapter:
                self._check_id(f"syntree, rubric {rubric_id}", "parent", parent)
            yield rubric_id, None if is_chapter else parent, item.strip()

    def grades(self) -> Iterator[tuple[int, str, int]]:
        """Yield (rubric's id, remedy, grade 1 to 5) in the order of ids: without the zeros, with the duplicates."""
        for rubric_id, remedy, grade in self._rows("grades"):
            if type(rubric_id) is not int or not 0 < rubric_id <= MAX_ID:
                self._check_id("symptom_remedies", "symptom_id", rubric_id)
            if type(remedy) is not str or not (abbreviation := remedy.strip()):
                raise RepertoryError(f"{self.path}: symptom_remedies, symptom {rubric_id}: a remedy is not a text.")
            if type(grade) is int and 1 <= grade <= MAX_GRADE:
                yield rubric_id, abbreviation, grade
            elif counted := self._unusual_grade(rubric_id, abbreviation, grade):
                yield rubric_id, abbreviation, counted

    def _rows(self, table: str) -> Iterator[Any]:
        with _reading(self.path):
            for row in self._connection.execute(self._sql[table]):  # noqa: UP028  (it closes cursors in foreign threads)
                yield row

    def _unusual_grade(self, rubric_id: int, remedy: str, grade: Any) -> int:
        """Return 0, or a whole number that is stored as a real one (2.0); raise at everything else."""
        if isinstance(grade, int | float) and 0 <= grade <= MAX_GRADE and grade == int(grade):
            return int(grade)
        raise RepertoryError(
            f"{self.path}: symptom_remedies, symptom {rubric_id}, remedy {remedy!r}: "
            f"the grade {_shown(grade)} is not a whole number from 0 to {MAX_GRADE}."
        )

    def _check_id(self, where: str, column: str, value: Any) -> None:
        if type(value) is not int or not 0 < value <= MAX_ID:
            raise RepertoryError(
                f"{self.path}: {where}: the {column} {_shown(value)} is not an integer from 1 to 2^53 - 1."
            )


def _shown(value: Any) -> str:
    text = "NULL" if value is None else repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def split_path(item: str) -> tuple[str, ...]:
    """Return the texts of a path written as one: split at the first separator, in their order, that occurs in it."""
    for separator in PATH_SEPARATORS:
        if separator in item:
            return tuple(part.strip() for part in item.split(separator))
    return (item,)
