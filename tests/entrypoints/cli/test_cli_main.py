"""The command itself: what a stranger reads, and what becomes of an error."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from command_line import clincore, clincore_process
from service import environment

SCRIPT = Path(sys.executable).with_name("clincore")


def test_the_console_script_says_its_version() -> None:
    done = subprocess.run([SCRIPT, "--version"], capture_output=True, text=True, check=True, env=environment())
    assert done.stdout == f"clincore {version('clincore')}\n"


def test_help_says_what_clincore_is_the_commands_and_where_the_settings_are() -> None:
    ended = clincore("--help")
    assert (ended.code, ended.err) == (0, "")
    for told in ("homeopathy", "demo", "serve", "migrate", "tenant", "key", "repertory", "DATABASE_URL", "README"):
        assert told in ended.out


def test_help_imports_no_driver_and_no_server() -> None:
    """So that it is there at once."""
    program = (
        "import sys; from clincore.entrypoints.cli.main import run_command; run_command(['--help']); "
        "print(sorted({'psycopg', 'uvicorn', 'aiosqlite', 'starlette'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize(
    "path",
    [
        ("demo",),
        ("serve",),
        ("migrate", "upgrade"),
        ("migrate", "downgrade"),
        ("tenant", "create"),
        ("tenant", "list"),
        ("tenant", "set-plan"),
        ("key", "create"),
        ("key", "list"),
        ("key", "revoke"),
        ("repertory", "search"),
        ("repertory", "rank"),
        ("repertory", "import", "kent"),
    ],
)
def test_every_command_has_help(path: tuple[str, ...]) -> None:
    ended = clincore(*path, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Usage: clincore ")


def test_an_unknown_command_is_wrong_usage() -> None:
    ended = clincore("repertorize")
    assert (ended.code, ended.out) == (2, "")
    assert "No such command" in ended.err


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    """As in ``clincore repertory rank … | head -1``."""
    process = subprocess.Popen(
        [SCRIPT, "repertory", "rank", "--rubric", "18", "--top", "0", "--json", "--grid"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 1
    assert "Error" not in said
    assert "error" not in said


def test_letters_that_the_terminal_lacks_are_replaced() -> None:
    ended = clincore_process("serve", PYTHONIOENCODING="latin-1")
    assert ended.code == 2
    assert "clincore_user:?@127.0.0.1" in ended.err
