"""The importer everyone uses: takes the rows of any reader and writes a repertory as an SQLite file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Protocol

from attrs import evolve, frozen

from clincore.adapters.sqlite_repertory.files import replacing
from clincore.adapters.sqlite_repertory.kent_rows import KentRows
from clincore.adapters.sqlite_repertory.lines import Lines
from clincore.adapters.sqlite_repertory.oorep_dump import OorepDump
from clincore.adapters.sqlite_repertory.table_rows import TableRows
from clincore.domain.errors import RepertoryError
from clincore.domain.progress import silent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from clincore.domain.progress import Progress

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE info (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE syntree (id INTEGER PRIMARY KEY, parent_id INTEGER, item TEXT NOT NULL);
CREATE TABLE symptom_remedies (symptom_id INTEGER NOT NULL, remedy TEXT NOT NULL, degree INTEGER NOT NULL);
CREATE TABLE remedies (remedy TEXT PRIMARY KEY, name TEXT NOT NULL);
"""
_ADD_INFO = "INSERT INTO info VALUES (?, ?)"
_ADD_RUBRIC = "INSERT INTO syntree VALUES (?, ?, ?)"
_ADD_REMEDY = "INSERT INTO remedies VALUES (?, ?)"
_ADD_GRADE = "INSERT INTO symptom_remedies VALUES (?, ?, ?)"
_INDEX = "CREATE INDEX symptom_remedies_symptom_id ON symptom_remedies (symptom_id)"
_EVERY = 5000


class RepertoryRows(Protocol):
    """A source of an import: asked for totals, rubrics, remedies and grades in this order.

    Each iterator checks its rows and raises RepertoryError naming the row.
    """

    def totals(self) -> Mapping[str, int]:
        """Return how many "rubrics", "remedies" and "grades" will come, as far as that is known beforehand."""
        ...

    def rubrics(self) -> Iterable[tuple[int, int | None, str]]:
        """Give (id, parent's id or None, text), each id once; every parent is among the ids."""
        ...

    def remedies(self) -> Iterable[tuple[str, str]]:
        """Give (abbreviation, name or the empty text)."""
        ...

    def grades(self) -> Iterable[tuple[int, str, int]]:
        """Give (rubric's id, abbreviation, grade 0 to 5)."""
        ...


@frozen(kw_only=True)
class ImportSummary:
    """How many rows were written, and what was not taken over as it stood."""

    rubrics: int
    grades: int
    remedies: int
    notes: tuple[str, ...] = ()


def import_kent_rows(
    directory: Path,
    target: Path,
    *,
    name: str,
    edition: str,
    overwrite: bool = False,
    progress: Progress = silent,
) -> ImportSummary:
    """Write the Kent rows in ``directory`` as a repertory file; see ``write_repertory``."""
    return write_repertory(
        KentRows(directory), target, name=name, edition=edition, overwrite=overwrite, progress=progress
    )


def import_oorep_dump(
    dump: Path,
    target: Path,
    *,
    abbreviation: str | None = None,
    name: str | None = None,
    edition: str | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> ImportSummary:
    """Write one repertory of an OOREP dump (plain pg_dump, gzipped or not) as a repertory file.

    It is the one of ``abbreviation``, or the only one there is; name and edition are the dump's unless they are given.
    See ``write_repertory``.
    """
    _check_target(target, overwrite)
    rows = OorepDump(Lines(dump), abbreviation)
    rows.read(progress)
    its_name, its_edition = rows.name_and_edition()
    summary = write_repertory(
        rows,
        target,
        name=its_name if name is None else name,
        edition=its_edition if edition is None else edition,
        overwrite=overwrite,
        progress=progress,
    )
    return evolve(summary, notes=tuple(rows.notes))


def import_tables(
    grades: Path,
    target: Path,
    *,
    rubrics: Path | None = None,
    remedies: Path | None = None,
    columns: Mapping[str, str] | None = None,
    name: str,
    edition: str,
    overwrite: bool = False,
    progress: Progress = silent,
) -> ImportSummary:
    """Write CSV or TSV tables as a repertory file; ``columns`` maps fields to columns, see ``TableRows``.

    See ``write_repertory``.
    """
    _check_target(target, overwrite)
    rows = TableRows.of(grades, rubrics, remedies, columns or {})
    rows.read(progress)
    return write_repertory(rows, target, name=name, edition=edition, overwrite=overwrite, progress=progress)


def write_repertory(
    rows: RepertoryRows,
    target: Path,
    *,
    name: str,
    edition: str,
    overwrite: bool = False,
    progress: Progress = silent,
) -> ImportSummary:
    """Write the rows as a repertory file, which appears at ``target`` whole or, after any error, not at all.

    Ids are kept. Raises RepertoryError where a row is broken, where ``target`` cannot be written, and where it exists
    and ``overwrite`` was not asked for.
    """
    if not name.strip():
        raise RepertoryError("A repertory needs a name.")
    try:
        _check_target(target, overwrite)
        with replacing(target) as temporary:
            with closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
                connection.executescript(_SCHEMA)
                connection.execute("BEGIN")
                summary = _write(connection, rows, progress)
                connection.executemany(_ADD_INFO, [("edition", edition.strip()), ("name", name.strip())])
                connection.execute(_INDEX)
                connection.execute("COMMIT")
            _check_target(target, overwrite)
    except OSError as error:
        raise RepertoryError(f"{target}: cannot be written ({error.strerror or error}).") from error
    except sqlite3.Error as error:
        raise RepertoryError(f"{target}: cannot be written ({error}).") from error
    return summary


def _check_target(target: Path, overwrite: bool) -> None:
    if target.is_dir():
        raise RepertoryError(f"{target}: is a directory; name the file to be written.")
    if not target.parent.is_dir():
        raise RepertoryError(f"{target}: there is no directory {target.parent}; make it first.")
    if target.exists() and not overwrite:
        raise RepertoryError(f"{target}: exists already; choose another name, or ask for it to be overwritten.")


def _write(connection: sqlite3.Connection, rows: RepertoryRows, progress: Progress) -> ImportSummary:
    totals = rows.totals()

    def written(step: str, statement: str, given: Iterable[tuple[object, ...]]) -> int:
        done, total = 0, totals.get(step, 0)

        def told() -> Iterator[tuple[object, ...]]:
            nonlocal done
            for done, row in enumerate(given, 1):
                if done % _EVERY == 0:
                    progress(step, done, total)
                yield row

        connection.executemany(statement, told())
        progress(step, done, done)
        return done

    rubrics = written("rubrics", _ADD_RUBRIC, rows.rubrics())
    if not rubrics:
        raise RepertoryError("There are no rubrics to import.")
    remedies = written("remedies", _ADD_REMEDY, rows.remedies())
    grades = written("grades", _ADD_GRADE, rows.grades())
    return ImportSummary(rubrics=rubrics, grades=grades, remedies=remedies)
