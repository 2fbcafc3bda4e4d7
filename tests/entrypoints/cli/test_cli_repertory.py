"""``clincore repertory`` imports, searches and ranks without a database."""

from __future__ import annotations

import csv
import json
import os
import pty
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from command_line import Ended, clincore
from oorep_dumps import database, write_dump
from service import environment

ARSENICUM = ("--rubric", "8", "--rubric", "18", "--rubric", "29", "--rubric", "71")
CHOICE = "repertory: the starter one (--repertory FILE or REPERTORY_DB_PATH choose another)\n"


def rank(*arguments: str, **settings: str) -> Ended:
    return clincore("repertory", "rank", *arguments, **settings)


def ranked(*arguments: str) -> dict[str, Any]:
    """Rank, and read the answer as JSON."""
    ended = rank(*arguments, "--json")
    assert (ended.code, ended.err) == (0, CHOICE)
    answer: dict[str, Any] = json.loads(ended.out)
    return answer


def paragraphs(ended: Ended) -> list[list[list[str]]]:
    """The output's tables and lines, as words."""
    return [[line.split() for line in part.splitlines()] for part in ended.out.split("\n\n")]


def test_info_names_the_edition_and_its_fingerprint() -> None:
    ended = clincore("repertory", "info")
    found = dict(line.split(maxsplit=1) for line in ended.lines)
    assert (ended.code, ended.err) == (0, CHOICE)
    assert found["name"] == "ClinCore Starter Repertory"
    assert len(found["fingerprint"]) == 64


def test_rank_prints_an_aligned_table() -> None:
    ended = rank(*ARSENICUM, "--top", "3")
    title, rows = paragraphs(ended)
    assert (ended.code, ended.err) == (0, CHOICE)
    assert "mcare/6.1" in title[0]
    assert rows[0] == ["rank", "remedy", "name", "score", "raw", "coverage", "hits"]
    assert rows[2][:4] == ["1", "ars", "Arsenicum", "album"]
    assert rows[2][-1] == "4/4"
    assert len({len(line) for line in ended.lines[2:]}) == 1
    assert len(rows) == 5


def test_rank_gives_the_same_as_json_as_in_the_table() -> None:
    answer = ranked(*ARSENICUM, "--top", "3")
    rows = paragraphs(rank(*ARSENICUM, "--top", "3"))[1][2:]
    assert [row["remedy"] for row in answer["ranking"]] == [row[1] for row in rows]
    assert [row["score"] for row in answer["ranking"]] == [row[-4] for row in rows]
    assert set(answer) == {"ranking", "method", "case_type", "course", "repertory", "remedies_evaluated"}


def test_the_grid_adds_up_and_its_legend_names_the_rubrics() -> None:
    ended = rank(*ARSENICUM, "--grid", "--top", "5")
    grid, legend = paragraphs(ended)[3:]
    assert grid[0] == ["remedy", "R1", "R2", "R3", "R4", "=", "score"]
    for _, *cells, score in grid[2:]:
        assert sum(Decimal(cell) for cell in cells if cell != "." and not cell.startswith("(")) == Decimal(score)
        assert {cell for cell in cells if cell.startswith("(")} <= {"(1)", "(2)", "(3)"}
    assert [row[:2] for row in legend[2:]] == [["R1", "8"], ["R2", "18"], ["R3", "29"], ["R4", "71"]]
    assert "Mind > ANXIETY > night, midnight, after" in ended.out


def test_the_grid_stands_in_json_as_well() -> None:
    answer = ranked(*ARSENICUM, "--grid", "--top", "2")
    for row in answer["grid"]:
        assert sum(Decimal(cell["contribution"]) for cell in row["cells"]) == Decimal(row["score"])
    assert len(answer["grid"]) == 2


def test_the_grid_as_csv_adds_up_and_is_the_one_in_json() -> None:
    ended = rank(*ARSENICUM, "--grid", "--top", "5", "--format", "csv")
    lines = list(csv.DictReader(ended.lines))
    answer = ranked(*ARSENICUM, "--grid", "--top", "5")
    assert (ended.code, ended.err, len(lines)) == (0, CHOICE, 5)
    for line, row, explained in zip(lines, answer["ranking"], answer["grid"], strict=True):
        given = {name.split()[1]: part for name, part in line.items() if name.startswith("contribution ") and part}
        grades = {name.split()[1]: part for name, part in line.items() if name.startswith("grade ") and part}
        assert sum(map(Decimal, given.values())) == Decimal(line["score"]) == Decimal(row["score"])
        assert [line["rank"], line["remedy"], line["name"]] == [str(row["rank"]), row["remedy"], row["name"]]
        assert given == {str(cell["symptom_id"]): cell["contribution"] for cell in explained["cells"]}
        assert grades == {str(cell["symptom_id"]): str(cell["grade"]) for cell in explained["cells"]}


def test_the_ranking_as_csv_has_the_columns_of_json() -> None:
    lines = list(csv.DictReader(rank(*ARSENICUM, "--top", "0", "--format", "csv").lines))
    rows = ranked(*ARSENICUM, "--top", "0")["ranking"]
    assert lines == [
        {name: str(value) for name, value in row.items()} | {"tied": json.dumps(row["tied"])} for row in rows
    ]


def test_the_stability_margin_stands_in_text_and_json() -> None:
    found = ranked(*ARSENICUM, "--stability")["stability"]
    told = rank(*ARSENICUM, "--stability").lines[-1]
    assert told.startswith(f"Stability margin {found['margin']}: if the weight of rubric {found['symptom_id']} (")
    assert told.endswith(f"{found['remedy']} is first or level.")
    alone = rank("--rubric", "8", "--eliminate", "14", "--stability", "--method", "coverage/1")
    assert "Stab" in alone.lines[-1]
    assert rank(*ARSENICUM, "--stability", "--format", "csv").code == 2


def test_a_changed_weight_puts_the_named_remedy_first() -> None:
    """At the margin the place is kept or shared, a thousandth beyond it is lost."""
    margin = ranked("--rubric", "8", "--rubric", "29", "--stability")["stability"]
    weights = {"8": Decimal(1), "29": Decimal(1)}
    name, part = str(margin["symptom_id"]), Decimal(margin["margin"])
    firsts = set()
    for direction in (1, -1):
        changed = weights | {name: round(weights[name] * (1 + direction * (part + Decimal("0.001"))), 3)}
        answer = ranked(*(word for one, weight in changed.items() for word in ("--rubric", f"{one}:{weight}")))
        firsts.add(answer["ranking"][0]["remedy"])
    assert margin["remedy"] in firsts


def test_equal_ranks_are_marked() -> None:
    ended = rank("--rubric", "8", "--method", "coverage/1")
    ranks = [words[0] for words in paragraphs(ended)[1][2:]]
    assert ranks[:2] == ["1=", "1="]
    assert ended.lines[-1] == "= tied"


def test_what_lacks_an_eliminating_rubric_drops_out() -> None:
    free = ranked("--rubric", "8", "--rubric", "18", "--top", "0")
    bound = ranked("--rubric", "18", "--eliminate", "8", "--top", "0")
    inside = ranked("--rubric", "8", "--top", "0")
    assert bound["remedies_evaluated"] == inside["remedies_evaluated"] < free["remedies_evaluated"]


def test_a_rubric_with_a_weight_may_eliminate_too() -> None:
    assert "[weight 2.5, eliminates]" in rank("--rubric", "8:2.5", "--eliminate", "8", "--grid").out


def test_course_case_type_and_method_are_used() -> None:
    answer = ranked(*ARSENICUM, "--course", "acute", "--case-type", "mixed", "--method", "sum-of-grades/1")
    assert (answer["course"], answer["case_type"], answer["method"]) == ("acute", "mixed", "sum-of-grades/1")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "Name at least one rubric"),
        (("--rubric", "x"), 2, "'x' is not a rubric's id"),
        (("--rubric", "8:"), 2, "'8:' is not a rubric's id"),
        (("--rubric", "8:NaN"), 1, "rubrics[0].weight: must be a number from 0.1 to 10"),
        (("--rubric", "8:0"), 1, "rubrics[0].weight: must be a number from 0.1 to 10"),
        (("--rubric", "8", "--rubric", "8"), 1, "rubrics[1]: rubric 8 is repeated"),
        (("--rubric", "900", "--rubric", "901"), 1, "rubrics[1]: rubric 901 is not in the repertory"),
        (("--rubric", "8", "--method", "mcare/9"), 1, "There is no ranking method 'mcare/9'"),
        (("--rubric", "8", "--course", "subacute"), 2, "'subacute' is not one of"),
        (("--rubric", "8", "--repertory", "/nowhere.sqlite"), 2, "does not exist"),
    ],
)
def test_a_wrong_input_is_one_clear_message(arguments: tuple[str, ...], code: int, said: str) -> None:
    ended = rank(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


def test_search_shows_id_remedies_the_best_ones_and_the_path() -> None:
    ended = clincore("repertory", "search", "anxiety", "midnight")
    assert (ended.code, ended.err) == (0, CHOICE)
    assert ended.lines[0].split() == ["id", "remedies", "best", "rubric"]
    assert ended.lines[2].split()[:4] == ["8", "6", "ars", "3,"]
    assert ended.lines[2].endswith("Mind > ANXIETY > night, midnight, after")


def test_search_leaves_out_what_a_term_with_a_dash_names() -> None:
    """``-h…`` is a term like any other, and not a call for help."""
    all_of_them = clincore("repertory", "search", "anxiety").lines[2:]
    without = clincore("repertory", "search", "anxiety", "-health").lines[2:]
    assert without == [line for line in all_of_them if "health" not in line]
    assert 0 < len(without) < len(all_of_them)


def test_search_goes_on_where_a_page_ended() -> None:
    first = clincore("repertory", "search", "anxiety", "--limit", "2")
    cursor = first.err.splitlines()[-1].removeprefix("There are more: --cursor ")
    second = clincore("repertory", "search", "anxiety", "--limit", "200", "--cursor", cursor)
    whole = clincore("repertory", "search", "anxiety")
    ids = [line.split()[0] for ended in (first, second) for line in ended.lines[2:]]
    assert ids == [line.split()[0] for line in whole.lines[2:]]


def test_a_search_that_finds_nothing_says_so() -> None:
    ended = clincore("repertory", "search", "xylophone")
    assert (ended.code, ended.out, ended.err) == (0, "", f"{CHOICE}No rubric fits.\n")


def test_show_prints_a_rubric_with_its_remedies_and_the_tree_around_it() -> None:
    ended = clincore("repertory", "show", "4")
    head, remedies, above, beside, below = ended.out.rstrip("\n").split("\n\n")
    assert (ended.code, ended.err, head) == (0, CHOICE, "4  Mind > ANXIETY")
    assert [line.split(":")[0] for line in remedies.splitlines()] == ["grade 3", "grade 2"]
    assert above.splitlines()[0] == "above:"
    assert above.splitlines()[-1].split()[-1] == "Mind"
    assert "ANGER" in beside
    assert "night, midnight, after" in below


def test_show_without_an_id_lists_the_chapters() -> None:
    ended = clincore("repertory", "show")
    assert (ended.code, ended.err) == (0, CHOICE)
    assert ended.lines[2].split() == ["1", "0", "20", "Mind"]


def test_show_refuses_a_rubric_that_does_not_exist() -> None:
    ended = clincore("repertory", "show", "99999")
    assert (ended.code, ended.out) == (1, "")
    assert "ClinCore Starter Repertory has no rubric 99999" in ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (('"anxiety',), 1, "(at character "),
        (("-anxiety",), 1, "error: "),
        (("anxiety", "--cursor", "x"), 1, "The cursor is not one"),
        (("anxiety", "--lmit", "3"), 2, "--lmit"),
        ((), 2, "Missing argument"),
    ],
)
def test_a_search_that_cannot_be_read_is_refused(arguments: tuple[str, ...], code: int, said: str) -> None:
    ended = clincore("repertory", "search", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


def test_the_repertory_is_that_of_the_setting_unless_one_is_given(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.sqlite"
    foreign.write_text("no repertory")
    ended = clincore("repertory", "info", REPERTORY_DB_PATH=str(foreign))
    assert (ended.code, ended.out) == (1, "")
    assert str(foreign) in ended.err
    missing = clincore("repertory", "info", REPERTORY_DB_PATH=str(tmp_path / "missing.sqlite"))
    assert missing.code == 2
    assert "REPERTORY_DB_PATH" in missing.err


# --- proofs ---------------------------------------------------------------------------------------------


def test_a_proof_is_checked_without_the_repertory(tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    written = clincore("repertory", "prove", "8", "--out", proof)
    assert proof.read_text(encoding="utf-8") == clincore("repertory", "prove", "8").out
    fingerprint = json.loads(proof.read_text(encoding="utf-8"))["edition"]["fingerprint"]
    assert written.out == f"{proof}: rubric 8 of {fingerprint}\n"
    nowhere = {"REPERTORY_DB_PATH": str(tmp_path / "missing.sqlite")}
    ended = clincore("repertory", "verify-proof", proof, "--fingerprint", fingerprint, **nowhere)
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[0].split() == ["rubric", "8"]
    assert ended.lines[1].endswith("Mind > ANXIETY > night, midnight, after")
    assert ended.lines[2].split()[:3] == ["grades", "ars", "3,"]
    assert ended.lines[-1] == "The rubric belongs to the edition of this fingerprint."
    info = clincore("repertory", "info").out
    assert fingerprint in info


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('[\\"ars\\",3]', '[\\"ars\\",2]', "The proof does not hold"),
        ('"index": 7', '"index": 8', "The proof does not hold"),
        ('"size": 167', '"size": 168', "The proof does not hold"),
        ('"rubrics": 167', '"rubrics": 166', "The proof does not hold"),
        ('"index": 7', '"index": "7"', "index: must be a whole number"),
        ("{", "", "is not JSON"),
    ],
)
def test_a_proof_that_was_changed_does_not_hold(tmp_path: Path, before: str, after: str, said: str) -> None:
    text = clincore("repertory", "prove", "8").out
    assert before in text
    proof = tmp_path / "proof.json"
    proof.write_text(text.replace(before, after, 1), encoding="utf-8")
    ended = clincore("repertory", "verify-proof", proof)
    assert (ended.code, ended.out) == (1, "")
    assert said in ended.err


def test_a_proof_for_another_edition_than_the_one_that_is_asked_does_not_hold(tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    proof.write_text(clincore("repertory", "prove", "8").out, encoding="utf-8")
    ended = clincore("repertory", "verify-proof", proof, "--fingerprint", "0" * 64)
    assert (ended.code, ended.out) == (1, "")
    assert "The proof is for another edition" in ended.err


def test_a_rubric_that_is_not_there_has_no_proof() -> None:
    ended = clincore("repertory", "prove", "99999")
    assert (ended.code, ended.out) == (1, "")
    assert "99999 is not in the repertory" in ended.err


# --- importing ------------------------------------------------------------------------------------------


def small_kent(directory: Path) -> Path:
    directory.mkdir()
    (directory / "rubrics.tsv").write_text(
        "rubric_id\tparent_id\tchapter\tpage\ttext\n7\t\tMind\t1\tMind\n9\t7\tMind\t1\tFEAR\n"
    )
    (directory / "remedies.tsv").write_text("remedy\tname\nacon\tAconitum napellus\n")
    (directory / "grades.tsv").write_text("rubric_id\tremedy\tgrade\n9\tacon\t3\n")
    return directory


def import_kent(directory: Path, out: Path, *arguments: str) -> Ended:
    return clincore("repertory", "import", "kent", directory, "--out", out, *arguments)


def test_import_prints_counts_and_the_file_works(tmp_path: Path) -> None:
    out = tmp_path / "small.sqlite"
    ended = import_kent(small_kent(tmp_path / "rows"), out, "--name", "Small", "--edition", "2nd")
    assert (ended.code, ended.out) == (0, f"{out}: 2 rubrics, 1 remedies, 1 grades\n")
    assert ended.err.split() == ["rubrics", "remedies", "grades"]
    found = clincore("repertory", "search", "fear", "--repertory", out)
    assert "acon 3" in found.out
    assert "starter" not in found.err
    assert rank("--rubric", "9", REPERTORY_DB_PATH=str(out)).lines[0].startswith("Small, 2nd | mcare/6.1")


def test_import_replaces_a_file_only_where_it_is_asked_to(tmp_path: Path) -> None:
    out = tmp_path / "kept.sqlite"
    out.write_text("kept")
    rows = small_kent(tmp_path / "rows")
    refused = import_kent(rows, out)
    assert (refused.code, out.read_text()) == (1, "kept")
    assert "--overwrite" in refused.err
    assert import_kent(rows, out, "--overwrite").code == 0
    assert out.read_bytes().startswith(b"SQLite format 3")


def test_import_names_the_line_that_is_broken_and_writes_nothing(tmp_path: Path) -> None:
    rows = small_kent(tmp_path / "rows")
    (rows / "grades.tsv").write_text("rubric_id\tremedy\tgrade\n9\tacon\t3\n9\tacon\t8\n")
    ended = import_kent(rows, tmp_path / "out.sqlite")
    assert ended.code == 1
    assert "grades.tsv, line 3: grade '8'" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]


def test_an_oorep_dump_is_imported_by_its_abbreviation(tmp_path: Path) -> None:
    dump, out = write_dump(database(), tmp_path / "oorep.sql"), tmp_path / "kent.sqlite"
    refused = clincore("repertory", "import", "oorep", dump, "--out", out)
    assert (refused.code, refused.out) == (1, "")
    assert "choose one of: kent-de (24 rubrics), publicum (24 rubrics)" in refused.err
    ended = clincore("repertory", "import", "oorep", dump, "--out", out, "--abbrev", "kent-de")
    assert ended.code == 0
    assert ended.out.startswith(f"{out}: 24 rubrics, 4 remedies, ")
    told = clincore("repertory", "info", "--repertory", out)
    assert told.lines[0].split(maxsplit=1) == ["name", "Kents Repertorium"]
    assert told.lines[1].split() == ["edition", "6."]


def test_csv_tables_are_imported_with_the_columns_that_are_named(tmp_path: Path) -> None:
    table, out = tmp_path / "sheet.csv", tmp_path / "sheet.sqlite"
    table.write_text("Rubric;Drug;Points\nMind > FEAR;acon;3\n")
    words = ("repertory", "import", "csv", table, "--out", out, "--name", "Sheet")
    refused = clincore(*words, "--column", "grade")
    assert (refused.code, refused.out) == (2, "")
    assert "grade is not FIELD=COLUMN, as in grade=Weight" in refused.err
    ended = clincore(*words, "--column", "grade=Points", "--column", "remedy=Drug")
    assert (ended.code, ended.out) == (0, f"{out}: 2 rubrics, 1 remedies, 1 grades\n")
    assert "acon 3" in clincore("repertory", "search", "fear", "--repertory", out).out


def test_an_import_that_is_ended_by_a_signal_leaves_nothing(tmp_path: Path) -> None:
    rows = small_kent(tmp_path / "rows")
    with (rows / "grades.tsv").open("a") as grades:
        grades.write("9\tacon\t3\n" * 500_000)
    command: list[str | Path] = [sys.executable, "-m", "clincore.entrypoints.cli", "repertory", "import", "kent"]
    with subprocess.Popen(
        [*command, rows, "--out", tmp_path / "out.sqlite"], stderr=subprocess.PIPE, env=environment(), text=True
    ) as running:
        assert running.stderr is not None
        assert running.stderr.readline() == "rubrics\n"
        running.send_signal(signal.SIGTERM)
        running.stderr.read()  # to the end: it may still have something to say
    assert running.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == [rows]


def test_import_draws_bars_on_a_terminal(tmp_path: Path) -> None:
    out = tmp_path / "small.sqlite"
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "clincore.entrypoints.cli", "repertory", "import", "kent"]
    done = subprocess.run(
        [*command, small_kent(tmp_path / "rows"), "--out", out],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=environment(TERM="xterm"),
        check=True,
    )
    drawn = os.read(ours, 100_000).decode()
    os.close(theirs)
    os.close(ours)
    assert done.stdout.decode().startswith(str(out))
    for step in ("rubrics", "remedies", "grades"):
        assert f"{step}  [" in drawn
    assert "2/2" in drawn


def test_kents_repertory_is_imported_searched_and_ranked_with(kent_directory: Path, tmp_path: Path) -> None:
    """The real input: what is asked of it has the answer that every practitioner expects."""
    out = tmp_path / "kent.sqlite"
    ended = import_kent(kent_directory, out)
    assert (ended.code, ended.out) == (0, f"{out}: 66,959 rubrics, 562 remedies, 447,994 grades\n")
    settings = {"REPERTORY_DB_PATH": str(out), "REPERTORY_CACHE_DIR": str(tmp_path / "cache")}
    queries = (
        "mind fear death",
        "mind restlessness night",
        "stomach thirst small often",
        "generalities heat vital lack",
    )
    pages = [clincore("repertory", "search", query, "--limit", "1", **settings) for query in queries]
    ids = [page.lines[2].split()[0] for page in pages]
    assert ids == ["2102", "3400", "25581", "65704"]
    found = rank(*(word for one in ids for word in ("--rubric", f"{one}:2")), "--top", "3", "--grid", **settings)
    assert (found.code, found.err) == (0, "")
    assert found.lines[4].split()[:4] == ["1", "ars", "Arsenicum", "album"]
