from __future__ import annotations

import asyncio
import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_repertory_files import books, write

from clincore.adapters.sqlite_repertory import ImportSummary, SqliteRepertory, import_tables
from clincore.domain.errors import RepertoryError

if TYPE_CHECKING:
    from sqlite_repertory_files import Book

    from clincore.domain.repertory import Edition, Rubric

FLAT = '''Path;Remedy;Grade
Mind > FEAR > death, of;acon;3
Mind > FEAR > death, of;ars;2
"Mind > ""ANGER""";nux-v;1
Mind > GRIEF;;
'''


def imported(directory: Path, **tables: str | bytes) -> ImportSummary:
    """Write the tables as files and import them; other arguments of the importer are given as ``columns``."""
    columns = dict(pair.split("=") for pair in str(tables.pop("columns", "")).split())
    paths = {}
    for name, content in tables.items():
        paths[name] = directory / f"{name}.csv"
        paths[name].write_bytes(content if isinstance(content, bytes) else content.encode())
    return import_tables(
        paths["grades"],
        directory / "out.sqlite",
        rubrics=paths.get("rubrics"),
        remedies=paths.get("remedies"),
        columns=columns,
        name="Book",
        edition="2nd",
    )


def opened(path: Path) -> tuple[Edition, dict[int, tuple[str, dict[str, int]]]]:
    async def main() -> tuple[Edition, dict[int, Rubric]]:
        async with await SqliteRepertory.open(path, cache_directory=path.parent / "cache") as repertory:
            return repertory.edition, dict(await repertory.rubrics(range(100)))

    edition, rubrics = asyncio.run(main())
    return edition, {number: (rubric.text, dict(rubric.grades)) for number, rubric in rubrics.items()}


def test_one_table_with_whole_paths_is_a_repertory(tmp_path: Path) -> None:
    """Rubrics are numbered as they come, those above them first; a row without a remedy is a rubric without one."""
    assert imported(tmp_path, grades=FLAT) == ImportSummary(rubrics=5, grades=3, remedies=3)
    edition, rubrics = opened(tmp_path / "out.sqlite")
    assert (edition.name, edition.edition) == ("Book", "2nd")
    assert rubrics == {
        1: ("Mind", {}),
        2: ("Mind > FEAR", {}),
        3: ("Mind > FEAR > death, of", {"acon": 3, "ars": 2}),
        4: ('Mind > "ANGER"', {"nux-v": 1}),
        5: ("Mind > GRIEF", {}),
    }


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("zipped", [True, False])
def test_ids_are_kept_and_columns_have_any_names(tmp_path: Path, delimiter: str, zipped: bool) -> None:
    """Commas, semicolons and tabs, with a byte order mark, with CRLF, and gzipped; parents may come later."""

    def table(*rows: str) -> bytes:
        text = "\ufeff" + "\r\n".join(rows).replace("|", delimiter)
        return gzip.compress(text.encode()) if zipped else text.encode()

    summary = imported(
        tmp_path,
        rubrics=table("Nr|Over|What|Page", "9|7|FEAR|1", "7||Mind|1", ""),
        grades=table("Sym|Drug|Points", "9|acon|3", "9|acon|1", "7|ars|0"),
        remedies=table("Short|Latin", "acon|Aconitum napellus", "ars|"),
        columns="rubrics.rubric_id=Nr parent_id=over text=What grades.rubric_id=Sym grades.remedy=Drug grade=POINTS",
    )
    assert summary == ImportSummary(rubrics=2, grades=3, remedies=2)
    assert opened(tmp_path / "out.sqlite")[1] == {7: ("Mind", {}), 9: ("Mind > FEAR", {"acon": 3})}


def test_paths_with_ids_are_kept_and_what_is_missing_above_them_is_numbered_behind_them(tmp_path: Path) -> None:
    rubrics = "id,path\n20,Mind > FEAR > death\n5,Mind\n"
    imported(tmp_path, rubrics=rubrics, grades="symptom_id,rem,value\n20,acon,3\n")
    assert opened(tmp_path / "out.sqlite")[1] == {
        5: ("Mind", {}),
        20: ("Mind > FEAR > death", {"acon": 3}),
        21: ("Mind > FEAR", {}),
    }


@given(book=books(st.sampled_from(["fear", 'a "b" c', "death; of", "x, y", "é"])))
def test_tables_have_the_fingerprint_of_their_rows(tmp_path_factory: pytest.TempPathFactory, book: Book) -> None:
    """Whatever separates and encloses the fields."""
    directory = tmp_path_factory.mktemp("tables")

    def line(*fields: object) -> str:
        return ",".join('"' + str(field).replace('"', '""') + '"' for field in fields) + "\n"

    imported(
        directory,
        rubrics="id,pid,item\n" + "".join(line(node.id, node.parent or "", node.text) for node in book.nodes),
        grades="symptom_id,abbr,weight\n" + "".join(line(*row) for row in book.rows),
    )
    assert opened(directory / "out.sqlite")[0].fingerprint == opened(write(book, directory / "b.sqlite"))[0].fingerprint


RUBRICS = "id,parent,text\n7,,Mind\n"
GRADES = "rubric_id,remedy,grade\n7,ars,1\n"


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"grades": ""}, "grades.csv: is empty; its first line must name the columns."),
        ({"grades": "path,remedy,grade\n"}, "There are no rubrics to import."),
        (
            {"grades": "path,remedy\nMind,ars\n"},
            "grades.csv, line 1: has no column degree|grade|deg|value|weight; there",
        ),
        (
            {"grades": GRADES},
            "grades.csv, line 1: has no column path|fullpath|rubric; there are rubric_id, remedy, grade",
        ),
        ({"grades": "path,path,remedy,grade\n"}, "grades.csv, line 1: the column path is there twice"),
        ({"grades": "path,remedy,grade\nMind,ars\n"}, "grades.csv, line 2: has 2 fields, the header has 3"),
        ({"grades": "path,remedy,grade\nMind,ars,6\n"}, "line 2: grade '6' is not a whole number from 0 to 5"),
        ({"grades": "path,remedy,grade\nMind,,1\n"}, "line 2: remedy is empty"),
        ({"grades": "path,remedy,grade\n,ars,1\n"}, "line 2: the path is empty"),
        ({"grades": "path,remedy,grade\nA >  > B,ars,1\n"}, "line 2: the path 'A >  > B' has an empty part"),
        ({"grades": 'path,remedy,grade\nA,"ars,1\n'}, "line 2: cannot be read (unexpected end of data)"),
        ({"grades": b"path,remedy,grade\nA,\xff,1\n"}, "grades.csv, line 2: is not UTF-8"),
        (
            {"grades": "id,rubric_id,path,remedy,grade\n1,7,A,ars,1\n1,7,B,ars,1\n"},
            "line 3: the rubric 7 has another path",
        ),
        ({"grades": GRADES, "rubrics": RUBRICS + "7,,Head\n"}, "rubrics.csv, line 3: the rubric 7 stands twice"),
        (
            {"grades": GRADES, "rubrics": RUBRICS + "8,9,Head\n"},
            "rubrics.csv, line 3: there is no rubric 9, the parent of",
        ),
        (
            {"grades": GRADES, "rubrics": RUBRICS + "8,8,Head\n"},
            "rubrics.csv, line 3: the parents of rubric 8 form a circ",
        ),
        (
            {"grades": GRADES, "rubrics": RUBRICS + "x,,Head\n"},
            "rubrics.csv, line 3: rubric_id 'x' is not a whole number",
        ),
        ({"grades": GRADES + "8,ars,1\n", "rubrics": RUBRICS}, "line 3: the rubric 8 is not in the table of rubrics"),
        (
            {"grades": GRADES, "rubrics": RUBRICS, "remedies": "rem\npuls\n"},
            "grades.csv, line 2: remedy 'ars' is not in the table of remedies",
        ),
        ({"grades": GRADES, "columns": "degree=grade"}, "There is no field degree; there are rubrics.rubric_id, "),
        ({"grades": GRADES, "columns": "grade=Points"}, "No table has the column Points (for grade); there are grade,"),
    ],
)
def test_a_broken_row_is_named_and_nothing_is_left(
    tmp_path: Path, tables: dict[str, str | bytes], message: str
) -> None:
    """By file and line."""
    with pytest.raises(RepertoryError) as refused:
        imported(tmp_path, **tables)
    assert message in str(refused.value)
    assert {path.suffix for path in tmp_path.iterdir()} == {".csv"}
