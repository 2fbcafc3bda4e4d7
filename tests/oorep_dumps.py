"""Dumps of OOREP's database, as small as a test needs them: seeded, with several repertories in one."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from pathlib import Path

Row = tuple[object, ...]

COLUMNS = {
    "chapter": "abbrev, id, textt",
    "info": "abbrev, title, languag, authorlastname, authorfirstname, yearr, publisher, license, edition, access",
    "remedy": "id, nameabbrev, namelong, namealt",
    "rubric": "abbrev, id, mother, ismother, chapterid, fullpath, path, textt",
    "rubricremedy": "abbrev, rubricid, remedyid, weight, chapterid",
}
SCHEMA = """
CREATE TABLE chapter (abbrev text, id int, textt text);
CREATE TABLE info (abbrev text PRIMARY KEY, title text, languag text, authorlastname text, authorfirstname text,
    yearr int, publisher text, license text, edition text, access text);
CREATE TABLE member (member_id int, member_name text);
CREATE TABLE remedy (id int, nameabbrev text, namelong text, namealt text[]);
CREATE TABLE rubric (abbrev text, id int, mother int, ismother boolean, chapterid int, fullpath text, path text,
    textt text, PRIMARY KEY (abbrev, id));
CREATE TABLE rubricremedy (abbrev text, rubricid int, remedyid int, weight int, chapterid int);
"""


@frozen(kw_only=True)
class Database:
    """The tables' rows, by table."""

    rows: dict[str, list[Row]] = field()

    def of(self, table: str, abbreviation: str) -> list[Row]:
        return [row for row in self.rows[table] if row[0] == abbreviation]


def database(seed: int = 1) -> Database:
    """Return two repertories: publicum, whose tree is in the full paths alone, and kent-de, which names mothers."""
    seeded = random.Random(seed)  # noqa: S311
    remedies: list[Row] = [
        (number, f"{name}.", f"{name} officinalis", None)
        for number, name in enumerate(["Acon", "Ars", "Bell", "Nux-v"])
    ]
    rows: dict[str, list[Row]] = {
        "chapter": [],
        "info": [
            ("publicum", "Repertorium publicum", "en", None, None, 1897, None, "GPL", None, "Public"),
            ("kent-de", "Kents Repertorium", "de", "Kent", "J. T.", 1897, None, None, "6.", "Default"),
        ],
        "member": [(1, "COPY public.rubric (abbrev) FROM stdin;\n\\.\n"), (2, None)],
        "remedy": remedies,
        "rubric": [],
        "rubricremedy": [],
    }
    for abbreviation, chapters in (("publicum", ["Mind", "Head"]), ("kent-de", ["Gemüt", "Kopf"])):
        number, flat = 1, abbreviation == "publicum"
        for chapter, name in enumerate(chapters):
            above: list[tuple[int, str]] = []
            for _ in range(12):
                depth = seeded.randint(1, len(above)) if above else 0
                del above[depth:]
                text = name if not above else f"rubric {seeded.choice(['night, at', 'alone', 'walking'])} {number}"
                path = ", ".join([*(part for _, part in above), text])
                mother = -1 if not above else above[-1][0]
                rows["rubric"].append(
                    (abbreviation, number, None if flat else mother, None, chapter, path, None if flat else text, None)
                )
                for remedy in seeded.sample(range(4), seeded.randint(0, 3)):
                    weight = seeded.randint(1, 3)
                    rows["rubricremedy"].append((abbreviation, number, remedy, weight, chapter))
                above.append((number, text))
                number += 1
    return Database(rows=rows)


def write_dump(made: Database, path: Path, **changed: str) -> Path:
    """Write the dump as pg_dump does; ``changed`` gives the text that a table's rows are replaced by."""
    parts = ["--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\n\n"]
    for table, columns in COLUMNS.items():
        lines = changed.get(table) or "".join("\t".join(map(_field, row)) + "\n" for row in made.rows[table])
        parts.append(f"COPY public.{table} ({columns}) FROM stdin;\n{lines}\\.\n\n\n")
    path.write_text("".join(parts), encoding="utf-8")
    return path


def _field(value: object) -> str:
    return "\\N" if value is None else str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
