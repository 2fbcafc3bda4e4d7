from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlite_repertory_files import SMALL, Book, Layout, Node, write

from clincore.adapters.sqlite_repertory import SqliteRepertory
from clincore.domain.errors import RepertoryError

if TYPE_CHECKING:
    from pathlib import Path


def refusal(path: Path) -> str:
    """Return the message with which the file is refused; nothing may be left in the cache."""
    cache = path.parent / "cache"

    async def main() -> str:
        with pytest.raises(RepertoryError) as refused:
            await SqliteRepertory.open(path, cache_directory=cache)
        return str(refused.value)

    message = asyncio.run(main())
    assert not cache.exists() or list(cache.iterdir()) == []
    return message


def changed(path: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path


def test_a_missing_file(tmp_path: Path) -> None:
    """The message names the path and says what a repertory is."""
    path = tmp_path / "nowhere.sqlite"
    message = refusal(path)
    assert message.startswith(f"{path}: there is no such file. A repertory is an SQLite file with the tables syntree(")


def test_a_directory(tmp_path: Path) -> None:
    """A directory is no repertory."""
    (tmp_path / "folder").mkdir()
    assert "is a directory" in refusal(tmp_path / "folder")


@pytest.mark.parametrize(("content", "words"), [(b"", "an empty file"), (b"PK\x03\x04 a zip", "not an SQLite file")])
def test_a_foreign_file(tmp_path: Path, content: bytes, words: str) -> None:
    """Told by the first bytes, and not changed."""
    path = tmp_path / "foreign.sqlite"
    path.write_bytes(content)
    assert words in refusal(path)
    assert path.read_bytes() == content


def test_a_file_that_only_begins_like_sqlite(tmp_path: Path) -> None:
    """What SQLite says of it is in the message."""
    path = tmp_path / "half.sqlite"
    path.write_bytes(b"SQLite format 3\0" + b"rubbish" * 1000)
    assert f"{path}: cannot be read as a repertory" in refusal(path)


def test_a_file_cut_off_in_the_middle(tmp_path: Path) -> None:
    """A half copied file is refused, whatever page is missing."""
    nodes = [Node(id=number, parent=None, text="x" * 50) for number in range(1, 2000)]
    whole = write(Book(nodes=nodes, rows=[(1, "ars", 1)]), tmp_path / "whole.sqlite").read_bytes()
    path = tmp_path / "cut.sqlite"
    path.write_bytes(whole[: len(whole) // 2])
    assert f"{path}: " in refusal(path)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP TABLE syntree", "the table syntree is missing"),
        ("DROP TABLE symptom_remedies", "the table symptom_remedies is missing"),
        ("DROP TABLE remedies", "the table remedies is missing"),
        ("ALTER TABLE syntree RENAME COLUMN item TO words", "the table syntree has no column item"),
        ("ALTER TABLE syntree RENAME COLUMN id TO number", "the table syntree has no column id"),
        ("ALTER TABLE symptom_remedies RENAME COLUMN symptom_id TO s", "symptom_remedies has no column symptom_id"),
        ("ALTER TABLE symptom_remedies RENAME COLUMN degree TO d", "no column degree|grade|deg|value|weight"),
        ("ALTER TABLE symptom_remedies RENAME COLUMN remedy TO r", "symptom_remedies has no column remedy|remedy_abb"),
        ("ALTER TABLE remedies RENAME COLUMN remedy TO r", "the table remedies has no column remedy|remedy_abb"),
        ("DELETE FROM syntree", "the repertory is empty"),
    ],
)
def test_missing_tables_and_columns_are_named(tmp_path: Path, statement: str, words: str) -> None:
    """With the spellings that would do."""
    path = changed(write(SMALL, tmp_path / "small.sqlite"), statement)
    message = refusal(path)
    assert message.startswith(f"{path}: ")
    assert words in message


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "INSERT INTO symptom_remedies VALUES (3, 'bell', 6)",
            "symptom_remedies, symptom 3, remedy 'bell': the grade 6",
        ),
        ("INSERT INTO symptom_remedies VALUES (3, 'bell', -1)", "symptom 3, remedy 'bell': the grade -1"),
        ("INSERT INTO symptom_remedies VALUES (3, 'bell', 1.5)", "symptom 3, remedy 'bell': the grade 1.5"),
        ("INSERT INTO symptom_remedies VALUES (3, 'bell', 9e999)", "symptom 3, remedy 'bell': the grade inf"),
        ("INSERT INTO symptom_remedies VALUES (3, 'bell', 'x')", "symptom 3, remedy 'bell': the grade 'x'"),
        ("INSERT INTO symptom_remedies VALUES (3, 'bell', NULL)", "symptom 3, remedy 'bell': the grade NULL"),
        ("INSERT INTO symptom_remedies VALUES (3, NULL, 1)", "symptom_remedies, symptom 3: a remedy is not a text"),
        ("INSERT INTO symptom_remedies VALUES (3, ' ', 1)", "symptom_remedies, symptom 3: a remedy is not a text"),
        ("INSERT INTO symptom_remedies VALUES (3, 17, 1)", "symptom_remedies, symptom 3: a remedy is not a text"),
        ("INSERT INTO symptom_remedies VALUES (4, 'ars', 1)", "symptom 4: there is no such rubric in syntree"),
        ("INSERT INTO symptom_remedies VALUES (1, 'ars', 1)", "symptom 1: there is no such rubric in syntree"),
        ("INSERT INTO symptom_remedies VALUES (999, 'ars', 1)", "symptom 999: there is no such rubric in syntree"),
        ("INSERT INTO symptom_remedies VALUES (NULL, 'ars', 1)", "symptom_remedies: the symptom_id NULL is not"),
        ("INSERT INTO symptom_remedies VALUES ('3', 'ars', 1)", "symptom_remedies: the symptom_id '3' is not"),
        ("INSERT INTO syntree VALUES (0, 7, 'x')", "syntree: the id 0 is not an integer from 1 to 2^53 - 1"),
        ("INSERT INTO syntree VALUES (-5, 7, 'x')", "syntree: the id -5 is not"),
        ("INSERT INTO syntree VALUES (9007199254740992, 7, 'x')", "syntree: the id 9007199254740992 is not"),
        ("INSERT INTO syntree VALUES (1.5, 7, 'x')", "syntree: the id 1.5 is not"),
        ("INSERT INTO syntree VALUES ('8', 7, 'x')", "syntree: the id '8' is not"),
        ("INSERT INTO syntree VALUES (NULL, 7, 'x')", "syntree: the id NULL is not"),
        ("INSERT INTO syntree VALUES (3, 7, 'x')", "rubric 3 stands twice in the table syntree"),
        ("INSERT INTO syntree VALUES (8, 7, NULL)", "syntree, rubric 8: its item is not a text"),
        ("INSERT INTO syntree VALUES (8, 6, 'x')", "syntree, rubric 8: there is no rubric 6, its parent"),
        ("INSERT INTO syntree VALUES (8, -1, 'x')", "syntree, rubric 8: the parent -1 is not"),
        ("INSERT INTO syntree VALUES (8, 'Mind', 'x')", "syntree, rubric 8: the parent 'Mind' is not"),
        ("INSERT INTO syntree VALUES (8, 8, 'x')", "syntree, rubric 8: its parents form a circle"),
        ("UPDATE syntree SET parent_id = 3 WHERE id = 7", "syntree, rubric 3: its parents form a circle"),
        ("UPDATE syntree SET item = CAST(x'ff' AS TEXT)", "cannot be read as a repertory"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, statement: str, words: str) -> None:
    """By table and row, and the file is refused as a whole."""
    path = changed(write(SMALL, tmp_path / "small.sqlite"), statement)
    message = refusal(path)
    assert message.startswith(f"{path}: ")
    assert words in message


def test_a_wrong_value_is_not_shown_at_length(tmp_path: Path) -> None:
    """An error names the row and does not print a page."""
    path = changed(
        write(SMALL, tmp_path / "small.sqlite"),
        "UPDATE symptom_remedies SET degree = replace(hex(zeroblob(500)), '0', 'x')",
    )
    assert len(refusal(path)) < 300


def test_a_grade_of_an_unknown_rubric_that_does_not_count_is_no_error(tmp_path: Path) -> None:
    """A grade of 0 says nothing."""
    path = changed(write(SMALL, tmp_path / "small.sqlite"), "INSERT INTO symptom_remedies VALUES (999, 'ars', 0)")
    asyncio.run(opened_and_closed(path))


async def opened_and_closed(path: Path) -> None:
    async with await SqliteRepertory.open(path, cache_directory=path.parent / "cache"):
        pass


def test_a_file_that_is_being_written_is_refused(tmp_path: Path) -> None:
    """What stands in a write-ahead log is not in the file yet; after the writer closed it can be read."""
    path = write(SMALL, tmp_path / "small.sqlite")
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("INSERT INTO syntree VALUES (8, 7, 'x')")
        writer.commit()
        assert "another program is writing to it" in refusal(path)
    before = sorted(tmp_path.iterdir())
    asyncio.run(opened_and_closed(path))
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "cache"])


def test_names_in_any_letter_case_and_other_columns(tmp_path: Path) -> None:
    """An export may hold more than is read."""
    path = changed(
        write(SMALL, tmp_path / "small.sqlite", Layout(upper=True)),
        "ALTER TABLE SYNTREE ADD COLUMN page",
        "CREATE TABLE info (number)",
    )
    asyncio.run(opened_and_closed(path))


def test_the_table_info_tells_name_and_edition(tmp_path: Path) -> None:
    """Other keys are not read."""
    path = changed(
        write(SMALL, tmp_path / "small.sqlite"),
        "CREATE TABLE Info (Key, Value)",
        "INSERT INTO info VALUES ('name', 'Kent'), ('edition', ' 6th '), ('licence', 'none')",
    )

    async def main() -> tuple[str, str]:
        async with await SqliteRepertory.open(path, cache_directory=tmp_path / "cache") as repertory:
            return repertory.edition.name, repertory.edition.edition

    assert asyncio.run(main()) == ("Kent", "6th")
