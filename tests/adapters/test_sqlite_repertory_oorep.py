from __future__ import annotations

import asyncio
import gzip
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oorep_dumps import COLUMNS, SCHEMA, Database, Row, database, write_dump
from psycopg import sql

from clincore.adapters.sqlite_repertory import ImportSummary, SqliteRepertory, import_oorep_dump
from clincore.adapters.sqlite_repertory.lines import Lines
from clincore.adapters.sqlite_repertory.pg_dump import tables_of
from clincore.domain.errors import RepertoryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databases import NewDatabase, Server

    from clincore.domain.repertory import Edition, Rubric

HEADER = "COPY public.t (a) FROM stdin;\n"


def opened(path: Path) -> tuple[Edition, dict[int, Rubric]]:
    """Return what is told of a repertory, and all of its rubrics."""

    async def main() -> tuple[Edition, dict[int, Rubric]]:
        async with await SqliteRepertory.open(path, cache_directory=path.parent / "cache") as repertory:
            return repertory.edition, dict(await repertory.rubrics(range(200)))

    return asyncio.run(main())


def expected(made: Database, abbreviation: str) -> dict[int, tuple[str, dict[str, int]]]:
    """Return every rubric's path, as it is written in the dump, and its grades."""
    names = {row[0]: str(row[1]) for row in made.rows["remedy"]}
    rubrics: dict[int, tuple[str, dict[str, int]]] = {
        int(str(row[1])): (str(row[5]), {}) for row in made.of("rubric", abbreviation)
    }
    for _, rubric, remedy, weight, _ in made.of("rubricremedy", abbreviation):
        rubrics[int(str(rubric))][1][names[remedy]] = int(str(weight))
    return rubrics


def simplified(rubrics: dict[int, Rubric]) -> dict[int, tuple[str, dict[str, int]]]:
    return {rubric.id: (", ".join(rubric.path), dict(rubric.grades)) for rubric in rubrics.values()}


def pg_dumped(made: Database, new_database: NewDatabase, postgres: Server, path: Path, *options: str) -> Path:
    """Load the rows into a real PostgreSQL and return what its pg_dump writes."""
    with new_database(migrated=False) as fresh:
        with psycopg.connect(fresh.superuser_url, autocommit=True) as connection:
            connection.execute(SCHEMA)
            for table, rows in made.rows.items():
                for row in rows:
                    places = sql.SQL(", ").join([sql.Placeholder()] * len(row))
                    connection.execute(sql.SQL("INSERT INTO {} VALUES ({})").format(sql.Identifier(table), places), row)
        binary = postgres.address.binaries / "pg_dump"
        subprocess.run([binary, "--dbname", fresh.superuser_url, "--file", path, *options], check=True)
    return path


def test_a_real_dump_of_pg_dump_is_imported(tmp_path: Path, new_database: NewDatabase, postgres: Server) -> None:
    """Each repertory by its abbreviation, with ids, paths and grades as they stand in the tables."""
    made = database()
    dump = pg_dumped(made, new_database, postgres, tmp_path / "oorep.sql")
    zipped = tmp_path / "oorep.sql.gz"
    zipped.write_bytes(gzip.compress(dump.read_bytes()))
    for number, abbreviation in enumerate(("publicum", "kent-de")):
        target = tmp_path / f"{number}.sqlite"
        import_oorep_dump(zipped, target, abbreviation=abbreviation)
        edition, rubrics = opened(target)
        assert simplified(rubrics) == expected(made, abbreviation)
        assert (edition.name, edition.edition) == [("Repertorium publicum", "1897"), ("Kents Repertorium", "6.")][
            number
        ]


def test_other_forms_of_pg_dump_are_refused_with_what_would_be_right(
    tmp_path: Path, new_database: NewDatabase, postgres: Server
) -> None:
    for number, options in enumerate((["--format=custom"], ["--inserts"], ["--encoding=LATIN1"])):
        dump = pg_dumped(database(), new_database, postgres, tmp_path / f"{number}.dump", *options)
        with pytest.raises(RepertoryError, match=r"--format=plain|encoding is LATIN1, not UTF8"):
            import_oorep_dump(dump, tmp_path / "out.sqlite", abbreviation="publicum")


@pytest.fixture(scope="module")
def copying(postgres: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres.address.superuser_url, autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE t (a text)")
        yield connection


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(field=st.text(st.sampled_from("\\\\\\01789xXabfnrtvN.é \x01"), max_size=12))
def test_escapes_are_read_as_postgresql_reads_them(copying: psycopg.Connection, field: str) -> None:
    """And what it refuses is refused; so is a backslash at the end, which pg_dump never writes."""
    if field == "\\.":
        return
    if (len(field) - len(field.rstrip("\\"))) % 2:
        field += "N"
    copying.execute("TRUNCATE t")
    try:
        with copying.cursor().copy("COPY t FROM STDIN") as copy:
            copy.write(f"{field}\n".encode())
        answer = [row[0] for row in copying.execute("SELECT a FROM t").fetchall()]
    except psycopg.DataError:
        answer = []
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_text(f"{HEADER}{field}\n\\.\n", encoding="utf-8")
        try:
            ours = [row[0] for table in tables_of(Lines(Path(file.name))) for row in table.rows()]
        except RepertoryError:
            ours = []
    assert ours == answer


def test_mothers_are_believed_where_the_paths_agree(tmp_path: Path) -> None:
    """Mother 0 and -1 are none, and a comma inside a text is no level where the mother says so."""
    made = Database(
        rows={
            **database().rows,
            "rubric": [
                ("r", 5, -1, "t", 1, "Mind", "Mind", None),
                ("r", 7, 5, "t", 1, "Mind, fear, night, at", "fear, night, at", None),
                ("r", 6, 5, "f", 1, "Mind, fear", "fear", None),
                ("r", 9, 0, "f", 1, "Mind, fear, death", None, "death"),
                ("r", 8, 7, "f", 1, "Mind, fear, night, at, alone", None, None),
            ],
            "rubricremedy": [],
        }
    )
    import_oorep_dump(write_dump(made, tmp_path / "dump.sql"), tmp_path / "r.sqlite")
    _, rubrics = opened(tmp_path / "r.sqlite")
    assert {number: rubric.path for number, rubric in rubrics.items()} == {
        5: ("Mind",),
        6: ("Mind", "fear"),
        7: ("Mind", "fear, night, at"),
        8: ("Mind", "fear, night, at", "alone"),
        9: ("Mind", "fear", "death"),
    }


def test_chapters_that_are_only_mentioned_become_rubrics_and_rubric_0_gets_another_id(tmp_path: Path) -> None:
    """By the table of chapters, else by the path's first part; all other ids are kept, and the summary tells it."""
    made = database()
    rows: dict[str, list[Row]] = {
        **made.rows,
        "chapter": [("r", 3, "Mind")],
        "rubric": [
            ("r", 0, None, None, 3, "Mind, anger", None, None),
            ("r", 2, None, None, 3, "grief", None, None),
            ("r", 4, None, None, 9, "Head, pain, morning", None, None),
        ],
        "rubricremedy": [("r", 0, 1, 3, 3)],
    }
    dump = write_dump(Database(rows=rows), tmp_path / "dump.sql")
    summary = import_oorep_dump(dump, tmp_path / "r.sqlite", name="R", edition="")
    assert summary == ImportSummary(
        rubrics=5,
        grades=1,
        remedies=1,
        notes=("chapters that the dump only mentions were added: 2", "rubric 0 has become rubric 7, ids begin at 1"),
    )
    _, rubrics = opened(tmp_path / "r.sqlite")
    assert {number: rubric.path for number, rubric in rubrics.items()} == {
        2: ("Mind", "grief"),
        4: ("Head", "pain, morning"),
        5: ("Mind",),
        6: ("Head",),
        7: ("Mind", "anger"),
    }
    assert rubrics[7].grades == {"Ars.": 3}


def test_only_the_remedies_of_the_chosen_repertory_are_taken(tmp_path: Path) -> None:
    """The table of remedies is that of all repertories."""
    made = database()
    dump = write_dump(made, tmp_path / "dump.sql", rubricremedy="publicum\t2\t1\t3\t0\nkent-de\t2\t2\t3\t0\n")
    import_oorep_dump(dump, tmp_path / "r.sqlite", abbreviation="publicum")
    with closing(sqlite3.connect(tmp_path / "r.sqlite")) as connection:
        assert connection.execute("SELECT * FROM remedies").fetchall() == [("Ars.", "Ars officinalis")]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"rubric": "publicum\tx\t\\N\t\\N\t0\tMind\t\\N\t\\N\n"},
            "line {line}: id 'x' is not a whole number, 0 or more",
        ),
        ({"rubric": "publicum\t1\t\\N\t\\N\t0\t\\N\t\\N\t\\N\n"}, "line {line}: rubric 1: fullpath is empty"),
        ({"rubric": "publicum\t1\t\\N\t\\N\t0\tMind\n"}, "line {line}: has 6 fields, 8 are needed"),
        ({"rubric": "publicum\t1\tx\t\\N\t0\tMind\t\\N\t\\N\n"}, "line {line}: mother 'x' is not a whole number"),
        ({"rubric": "publicum\t1\t\\N\t\\N\t0\tMind\\0\t\\N\t\\N\n"}, "line {line}: holds the character U+0000"),
        (
            {"rubric": "publicum\t1\t2\tt\t0\tA\t\\N\t\\N\npublicum\t2\t1\tt\t0\tB\t\\N\t\\N\n"},
            "line {line}: rubric 1: its mothers form a circle",
        ),
        ({"rubric": "publicum\t1\t\\N\t\\N\t0\tMind\t\\N\tfear\\\n"}, "line {line}: a backslash stands at the end of"),
        ({"rubricremedy": "publicum\t1\t1\t6\t0\n"}, "line {line}: weight 6 is not a whole number from 0 to 5"),
        ({"rubricremedy": "publicum\t1\t1\t\\N\t0\n"}, "line {line}: weight NULL is not a whole number"),
        ({"rubricremedy": "publicum\t1\t99\t1\t0\n"}, "line {line}: remedyid 99 is not in the table remedy"),
        ({"rubricremedy": "publicum\t999\t1\t1\t0\n"}, "line {line}: rubricid 999 is not in the table rubric"),
        ({"remedy": "1\t\\N\tArsenicum\t\\N\n"}, "line {line}: remedy 1: nameabbrev is empty"),
    ],
)
def test_a_broken_row_is_named_by_its_line_and_nothing_is_left(
    tmp_path: Path, changed: dict[str, str], message: str
) -> None:
    dump = write_dump(database(), tmp_path / "dump.sql", **changed)
    (table,) = changed
    lines = dump.read_text().splitlines()
    line = lines.index(f"COPY public.{table} ({COLUMNS[table]}) FROM stdin;") + 2
    with pytest.raises(RepertoryError) as refused:
        import_oorep_dump(dump, tmp_path / "out.sqlite", abbreviation="publicum")
    assert message.format(line=line) in str(refused.value)
    assert str(refused.value).startswith("dump.sql, ")
    assert list(tmp_path.iterdir()) == [dump]


@pytest.mark.parametrize(
    ("abbreviation", "message"),
    [
        (None, "holds several repertories, choose one of: kent-de (24 rubrics), publicum (24 rubrics)."),
        ("kent", "has no rubrics of kent; there are: kent-de (24 rubrics), publicum (24 rubrics)."),
    ],
)
def test_a_repertory_must_be_chosen_where_there_are_several(
    tmp_path: Path, abbreviation: str | None, message: str
) -> None:
    with pytest.raises(RepertoryError) as refused:
        import_oorep_dump(write_dump(database(), tmp_path / "d.sql"), tmp_path / "o.sqlite", abbreviation=abbreviation)
    assert str(refused.value) == f"d.sql: {message}"


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_dump_that_was_cut_off_is_refused(tmp_path: Path, cut: float, zipped: bool) -> None:
    """Wherever it ends: half a repertory looks like a whole one."""
    whole = write_dump(database(), tmp_path / "whole.sql").read_bytes()
    content = gzip.compress(whole) if zipped else whole
    dump = tmp_path / "dump.sql"
    dump.write_bytes(content[: int(len(content) * cut)])
    with pytest.raises(RepertoryError, match=r"cut off|cannot be read after line|is missing|fields"):
        import_oorep_dump(dump, tmp_path / "out.sqlite", abbreviation="publicum")
    assert not (tmp_path / "out.sqlite").exists()


def test_a_target_that_exists_is_refused_before_the_dump_is_read(tmp_path: Path) -> None:
    (tmp_path / "out.sqlite").write_text("mine")
    with pytest.raises(RepertoryError, match="exists already"):
        import_oorep_dump(tmp_path / "none.sql", tmp_path / "out.sqlite")
    assert (tmp_path / "out.sqlite").read_text() == "mine"


def test_reading_is_told_in_bytes_and_writing_in_rows(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    dump = write_dump(database(), tmp_path / "dump.sql")
    import_oorep_dump(dump, tmp_path / "o.sqlite", abbreviation="publicum", progress=lambda *step: told.append(step))
    size = dump.stat().st_size
    assert told[0] == ("reading the dump", size, size)
    assert [step for step, _, _ in told[1:]] == ["rubrics", "remedies", "grades"]
