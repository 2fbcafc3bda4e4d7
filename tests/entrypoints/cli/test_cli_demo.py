"""``clincore demo`` does the whole job on a real PostgreSQL, and leaves nothing behind."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command_line import clincore, clincore_process, line_with, passable_directory, processes_naming, running

from clincore.adapters.postgres.migrations.revisions import read_chain
from clincore.entrypoints.cli import demo_story

if TYPE_CHECKING:
    from collections.abc import Iterator

ID = "[0-9a-f]{8}-[0-9a-f-]{27}"
ESSENTIAL = (
    r"The database is at b1c2d3e4f505, the head\.",
    r"The same token a second time is refused: This deployment was bootstrapped before",
    r"R1    8         6  Mind > ANXIETY > night, midnight, after",
    r"   1  ars     Arsenicum album     \d\.\d{6}",
    r"Arsenicum album comes first, with 6 of 6 rubrics\.",
    r"^   [0-9a-f]{64}$",
    r"verdict   verified",
    rf"ERROR:  case {ID} is finalized and never changes again",
    rf"its own clinic    GET /cases/{ID}     200",
    rf"the other clinic  GET /cases/{ID}     404",
    rf"Both are answered alike: There is no case {ID}\.",
    r"POST /cases/\{id\}/verify-replay +1$",
    r"all together +6$",
    r"process \d+ has ended, and no server is left\.",
)


@pytest.fixture
def ground() -> Iterator[Path]:
    with passable_directory() as made:
        yield made


def directory_in(line: str) -> Path:
    """The demo's directory, from the line that names the database's."""
    found = re.search(r", on (/.*)/database\.$", line)
    assert found is not None, line
    return Path(found.group(1))


def test_the_demo_shows_the_whole_job_and_leaves_nothing_behind() -> None:
    """Settings of the environment play no part in it."""
    ended = clincore_process("demo", DATABASE_URL="nonsense", REPERTORY_DB_PATH="/nowhere")
    assert (ended.code, ended.err) == (0, "")
    for pattern in ESSENTIAL:
        assert re.search(pattern, ended.out, re.MULTILINE), pattern
    applied = re.findall(r"^   (\d)  (\w+) ", ended.out, re.MULTILINE)
    assert applied == [(str(number), revision.id) for number, revision in enumerate(read_chain(), 1)]
    assert len(set(re.findall(r"\b[0-9a-f]{64}\b", ended.out))) == 1
    assert re.findall(r"^(\d+)\. ", ended.out, re.MULTILINE) == [str(number) for number in range(1, 12)]
    assert "clc_" not in re.sub(r"begins with clc_\w{6};", "", ended.out)
    assert max(map(len, ended.lines)) <= 130
    directory = directory_in(ended.lines[1])
    assert processes_naming(directory) == []
    assert not directory.exists()


@pytest.mark.parametrize(
    ("number", "code", "reached"),
    [
        (signal.SIGTERM, 143, "5. The remedies"),
        (signal.SIGINT, 130, "2. Its schema"),
        (signal.SIGTERM, 143, "1. A Post"),
    ],
)
def test_a_signal_ends_the_demo_and_all_that_it_started(
    ground: Path, number: signal.Signals, code: int, reached: str
) -> None:
    with running("demo", "--directory", ground / "demo") as process:
        line_with(reached, process)
        process.send_signal(number)
        assert process.wait(60) == code
        assert process.stdout is not None
        assert "Traceback" not in process.stdout.read()
    assert processes_naming(ground) == []
    assert list(ground.iterdir()) == []


def test_the_demo_keeps_its_directory_where_it_is_asked_to(ground: Path) -> None:
    """And its database can be looked into afterwards."""
    ended = clincore_process("demo", "--directory", ground, "--keep")
    assert ended.code == 0
    assert f"Kept: {ground}" in ended.lines
    current = clincore("migrate", "current", DATABASE_URL=f"embedded:{ground / 'database'}")
    assert (current.code, current.out) == (0, "b1c2d3e4f505 (head)\n")
    assert processes_naming(ground) == []


def test_the_demo_works_in_no_directory_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    ended = clincore("demo", "--directory", tmp_path)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"error: {tmp_path} is not an empty directory")
    assert [path.name for path in tmp_path.iterdir()] == ["something"]


def test_a_promise_that_is_not_kept_fails_the_demo_and_stops_the_server(
    ground: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the database is given nothing to refuse."""
    harmless = "UPDATE public.cases SET revision = revision WHERE tenant_id = %(tenant_id)s AND id = %(case_id)s"
    monkeypatch.setattr(demo_story, "_ALTER", harmless)
    ended = clincore("demo", "--directory", ground / "demo")
    assert (ended.code, ended.err) == (1, "error: The database did not refuse to change a finalized case.\n")
    assert processes_naming(ground) == []
    assert list(ground.iterdir()) == []
