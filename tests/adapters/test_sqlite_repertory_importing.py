from __future__ import annotations

import asyncio
import gzip
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from sqlite_repertory_files import SMALL, Book, books, write

from clincore.adapters.sqlite_repertory import (
    ImportSummary,
    SqliteRepertory,
    import_kent_rows,
    starter_repertory,
)
from clincore.domain.errors import RepertoryError
from clincore.domain.repertory import Edition

RUBRICS = "rubric_id\tparent_id\tchapter\tpage\ttext\n"
GRADES = "rubric_id\tremedy\tgrade\n"
REMEDIES = "remedy\tname\n"
TABLES = {
    "rubrics.tsv": RUBRICS + "7\t\tMind\t1\tMind\n12\t7\tMind\t2\tFEAR\n",
    "remedies.tsv": REMEDIES + "ars\tArsenicum album\nacon\t\n",
    "grades.tsv": GRADES + "12\tars\t3\n12\tacon\t0\n",
}


def tables(directory: Path, **changed: str | bytes | None) -> Path:
    """Write the three tables, one of them changed or, with None, left away."""
    for name, text in {**TABLES, **{f"{key}.tsv": value for key, value in changed.items()}}.items():
        if text is not None:
            (directory / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return directory


def edition_of(path: Path) -> Edition:
    async def main() -> Edition:
        async with await SqliteRepertory.open(path, cache_directory=path.parent / "cache") as repertory:
            return repertory.edition

    return asyncio.run(main())


def imported(source: Path, target: Path, *, overwrite: bool = False) -> ImportSummary:
    return import_kent_rows(source, target, name="Book", edition="2nd", overwrite=overwrite)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "rows").mkdir()
    return tmp_path / "rows"


def test_rows_become_a_repertory(tmp_path: Path, source: Path) -> None:
    """Ids, grades and names are kept as they are; name and edition are told by the file."""
    target = tmp_path / "book.sqlite"
    assert imported(tables(source), target) == ImportSummary(rubrics=2, grades=2, remedies=2)
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT * FROM syntree").fetchall() == [(7, None, "Mind"), (12, 7, "FEAR")]
        assert connection.execute("SELECT * FROM symptom_remedies").fetchall() == [(12, "ars", 3), (12, "acon", 0)]
        assert sorted(connection.execute("SELECT * FROM remedies")) == [("acon", ""), ("ars", "Arsenicum album")]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    edition = edition_of(target)
    assert (edition.name, edition.edition, edition.rubrics, edition.remedies, edition.grades) == (
        "Book",
        "2nd",
        2,
        1,
        1,
    )


def test_plain_and_gzipped_tables_are_the_same(tmp_path: Path, source: Path) -> None:
    """Byte for byte, and so are two imports of the same rows."""
    targets = [tmp_path / f"{number}.sqlite" for number in range(3)]
    imported(tables(source), targets[0])
    imported(source, targets[1])
    for name, text in TABLES.items():
        (source / name).unlink()
        (source / f"{name}.gz").write_bytes(gzip.compress(text.replace("\n", "\r\n").encode()))
    imported(source, targets[2])
    assert targets[0].read_bytes() == targets[1].read_bytes() == targets[2].read_bytes()


@settings(max_examples=30, deadline=None)
@given(book=books())
def test_an_import_has_the_fingerprint_of_its_rows(book: Book) -> None:
    """Whatever the texts are, as far as a line of a table can hold them."""

    def line(*fields: object) -> str:
        return "\t".join(map(str, fields)) + "\n"

    def text(content: str) -> str:
        return "".join(c if c.isprintable() else "." for c in content).strip() or "x"

    nodes = [type(node)(id=node.id, parent=node.parent, text=text(node.text)) for node in book.nodes]
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        tables(
            directory,
            rubrics=RUBRICS + "".join(line(node.id, node.parent or "", "", "", node.text) for node in nodes),
            remedies=REMEDIES + "".join(line(remedy, "") for remedy in sorted({row[1] for row in book.rows})),
            grades=GRADES + "".join(line(*row) for row in book.rows),
        )
        imported(directory, directory / "imported.sqlite")
        direct = write(Book(nodes=nodes, rows=book.rows), directory / "direct.sqlite")
        assert edition_of(directory / "imported.sqlite").fingerprint == edition_of(direct).fingerprint


@pytest.mark.parametrize(
    ("table", "text", "message"),
    [
        ("rubrics", "", "rubrics.tsv: is empty; its header is rubric_id, parent_id, chapter, page, text."),
        ("rubrics", RUBRICS, "There are no rubrics to import."),
        ("rubrics", "id\ttext\n", "rubrics.tsv, line 1: the header is not rubric_id, parent_id, chapter, page, text"),
        ("rubrics", "\ufeff" + RUBRICS, "rubrics.tsv, line 1: the header is not"),
        ("rubrics", RUBRICS + "7\t\tMind\tMind\n", "rubrics.tsv, line 2: has 4 fields, 5 are needed"),
        ("rubrics", RUBRICS + "7\t\tMind\t1\tMind\n\n", "rubrics.tsv, line 3: has 1 fields, 5 are needed"),
        ("rubrics", RUBRICS + "x\t\tMind\t1\tMind\n", "line 2: rubric_id 'x' is not a whole number from 1 to 2^53"),
        ("rubrics", RUBRICS + "0\t\tMind\t1\tMind\n", "line 2: rubric_id '0' is not a whole number"),
        ("rubrics", RUBRICS + "07\t\tMind\t1\tMind\n", "line 2: rubric_id '07' is not a whole number"),
        ("rubrics", RUBRICS + "9007199254740992\t\tMind\t1\tMind\n", "line 2: rubric_id '9007199254740992' is not"),
        ("rubrics", RUBRICS + "7\t\tM\t1\tM\n7\t\tM\t1\tM\n", "rubrics.tsv, line 3: rubric_id 7 stands twice"),
        ("rubrics", RUBRICS + "7\t12\tM\t1\tM\n12\t\tM\t1\tM\n", "line 2: parent_id '12' is not the rubric_id of an"),
        ("rubrics", RUBRICS + "7\t7\tM\t1\tM\n", "line 2: parent_id '7' is not the rubric_id of an earlier line"),
        ("rubrics", RUBRICS + "7\t\tMind\t1\t \n", "rubrics.tsv, line 2: text is empty"),
        ("rubrics", RUBRICS.encode() + b"7\t\tMind\t1\t\xff\n", "rubrics.tsv, line 2: is not UTF-8"),
        ("remedies", REMEDIES + "\tnothing\n", "remedies.tsv, line 2: remedy is empty"),
        ("remedies", REMEDIES + " ars\tA\n", "remedies.tsv, line 2: remedy has blanks around it"),
        ("remedies", REMEDIES + "ars\tA\nars\tB\n", "remedies.tsv, line 3: remedy 'ars' stands twice"),
        (
            "grades",
            GRADES + "12\tars\t3\n12\tars\tx\n",
            "grades.tsv, line 3: grade 'x' is not a whole number from 0 to 5.",
        ),
        ("grades", GRADES + "12\tars\t6\n", "grades.tsv, line 2: grade '6' is not a whole number from 0 to 5."),
        ("grades", GRADES + "12\tars\t-1\n", "grades.tsv, line 2: grade '-1' is not a whole number from 0 to 5."),
        ("grades", GRADES + "12\tars\t\n", "grades.tsv, line 2: grade '' is not a whole number from 0 to 5."),
        ("grades", GRADES + "13\tars\t1\n", "grades.tsv, line 2: rubric_id '13' is not in the table of rubrics."),
        ("grades", GRADES + "12\tpuls\t1\n", "grades.tsv, line 2: remedy 'puls' is not in the table of remedies."),
        ("grades", GRADES + "12\tars\n", "grades.tsv, line 2: has 2 fields, 3 are needed (rubric_id, remedy, grade)."),
        ("grades", None, "has no file grades.tsv or grades.tsv.gz."),
    ],
)
def test_a_broken_row_is_named_and_nothing_is_left(
    tmp_path: Path, source: Path, table: str, text: str | bytes | None, message: str
) -> None:
    """By file, line and column; an older file at the target stays as it was."""
    tables(source, **{table: text})
    old = tmp_path / "old.sqlite"
    old.write_bytes(b"old")
    before = sorted(tmp_path.iterdir())
    for target in (tmp_path / "new.sqlite", old):
        with pytest.raises(RepertoryError) as refused:
            imported(source, target, overwrite=True)
        assert message in str(refused.value)
    assert sorted(tmp_path.iterdir()) == before
    assert old.read_bytes() == b"old"


def test_a_gzip_file_that_is_cut_off_is_named(tmp_path: Path, source: Path) -> None:
    """So is one that is not gzip at all."""
    (tables(source, grades=None) / "grades.tsv.gz").write_bytes(gzip.compress(TABLES["grades.tsv"].encode())[:-9])
    with pytest.raises(RepertoryError, match=r"grades\.tsv\.gz: cannot be read after line \d"):
        imported(source, tmp_path / "book.sqlite")
    (source / "grades.tsv.gz").write_text("plain")
    with pytest.raises(RepertoryError, match=r"grades\.tsv\.gz: cannot be read after line 0"):
        imported(source, tmp_path / "book.sqlite")
    assert list(tmp_path.glob("*.sqlite*")) == []


def test_a_file_that_exists_is_replaced_only_when_that_was_asked_for(tmp_path: Path, source: Path) -> None:
    """And then at once."""
    target = tmp_path / "book.sqlite"
    target.write_bytes(b"mine")
    with pytest.raises(RepertoryError, match="exists already"):
        imported(tables(source), target)
    assert target.read_bytes() == b"mine"
    imported(source, target, overwrite=True)
    assert edition_of(target).rubrics == 2


@pytest.mark.parametrize(
    ("target", "words"),
    [("", "is a directory"), ("none/book.sqlite", "there is no directory"), ("x" * 300, "cannot be")],
)
def test_a_target_that_cannot_be_written_is_named(tmp_path: Path, source: Path, target: str, words: str) -> None:
    """Before anything is read."""
    with pytest.raises(RepertoryError, match=words):
        imported(tables(source), tmp_path / target)


def test_a_repertory_needs_a_name(tmp_path: Path, source: Path) -> None:
    """It stands in every signed result."""
    with pytest.raises(RepertoryError, match="needs a name"):
        import_kent_rows(tables(source), tmp_path / "book.sqlite", name=" ", edition="")


def test_progress_is_told_with_totals(tmp_path: Path, source: Path) -> None:
    """Each table ends with all of it done."""
    told: list[tuple[str, int, int]] = []
    rows = "".join(f"{number}\t\tM\t1\tM\n" for number in range(100, 6100))
    tables(source, rubrics=TABLES["rubrics.tsv"] + rows)
    import_kent_rows(source, tmp_path / "book.sqlite", name="B", edition="", progress=lambda *step: told.append(step))
    assert told == [("rubrics", 5000, 6002), ("rubrics", 6002, 6002), ("remedies", 2, 2), ("grades", 2, 2)]


def test_the_starter_repertory_is_written_once(tmp_path: Path) -> None:
    """Its rubrics stand in eight chapters or more, with Mind and Generalities; its name follows its content."""
    path = starter_repertory(tmp_path / "made")
    written = path.stat().st_mtime_ns
    assert starter_repertory(tmp_path / "made") == path
    assert path.stat().st_mtime_ns == written
    assert list((tmp_path / "made").iterdir()) == [path]
    with closing(sqlite3.connect(path)) as connection:
        chapters = {item for (item,) in connection.execute("SELECT item FROM syntree WHERE parent_id IS NULL")}
    assert len(chapters) >= 8
    assert {"Mind", "Generalities"} <= chapters
    edition = edition_of(path)
    assert edition.name == "ClinCore Starter Repertory"
    assert edition.rubrics >= 100
    assert edition.remedies >= 60


def test_a_starter_repertory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """The message names the directory."""
    (tmp_path / "file").write_text("")
    with pytest.raises(RepertoryError, match=r"cannot be written to .*file"):
        starter_repertory(tmp_path / "file")


def test_what_was_imported_is_a_repertory_of_the_contract(tmp_path: Path, source: Path) -> None:
    """The same rows as an export with other columns have the same fingerprint."""
    lines = "".join(f"{node.id}\t{node.parent or ''}\t\t\t{node.text}\n" for node in SMALL.nodes)
    remedies = "".join(f"{remedy}\t\n" for remedy in sorted({row[1] for row in SMALL.rows}))
    grades = "".join(f"{rubric}\t{remedy}\t{grade}\n" for rubric, remedy, grade in SMALL.rows)
    tables(source, rubrics=RUBRICS + lines, remedies=REMEDIES + remedies, grades=GRADES + grades)
    imported(source, tmp_path / "imported.sqlite")
    fingerprints = {
        edition_of(path).fingerprint for path in (tmp_path / "imported.sqlite", write(SMALL, tmp_path / "x"))
    }
    assert len(fingerprints) == 1
