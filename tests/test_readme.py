"""The README's programs and commands, run as they stand there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pages import require_curl, run_in_shell
from service import environment

if TYPE_CHECKING:
    from databases import Server

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = Path(sys.executable).with_name("clincore")


def blocks(language: str, after: str) -> list[str]:
    """The code blocks of a language below a heading, up to the next heading of its level."""
    section = README.split(f"\n## {after}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def run(line: str, folder: Path, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    words = shlex.split(line)
    assert words[0] == "clincore"
    return subprocess.run(
        [str(COMMAND), *words[1:]],
        cwd=folder,
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_two_commands_are_in_the_makefile() -> None:
    (block,) = blocks("sh", "Two commands")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [line.split()[1] for line in block.splitlines()]
    assert targets == ["demo", "test"]
    for target in targets:
        assert f"\n{target}:" in makefile


def test_the_fifteen_lines_run(tmp_path: Path) -> None:
    (program,) = blocks("python", "Fifteen lines")
    statements = [line for line in program.splitlines() if line.strip()]
    assert len(statements) <= 15
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout.splitlines()
    assert printed[0].startswith("1 ars Arsenicum album ")
    assert printed[3].startswith("verified ")
    assert printed[4] == "4 calls"


def test_the_repertory_commands_run(tmp_path: Path) -> None:
    (block,) = blocks("sh", "On a real repertory")
    for line in block.splitlines():
        done = run(line.replace("clincore/data", str(ROOT / "clincore" / "data")), tmp_path, {})
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert done.stdout.strip()


def test_the_settings_table_names_every_setting() -> None:
    table = README.split("\n## Settings\n", 1)[1].split("\n## ", 1)[0]
    listed = set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE))
    source = (ROOT / "clincore" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'"((?:[A-Z]+_)+[A-Z]+)"', source))
    assert listed == read


def test_the_deployment_goes_as_written(postgres: Server, tmp_path: Path) -> None:
    """The roles, the migrations, the checks, the service, the bootstrap, the live check and another clinic."""
    require_curl()
    sections = (blocks("sh", "On a real repertory"), blocks("sh", "Deployment on your own PostgreSQL"))
    *_, verified, served, operated = run_in_shell([*sections[0], *sections[1]], postgres.address.binaries, tmp_path)
    assert "applied    b1c2d3e4f505" in verified
    assert "\nfail" not in verified
    assert '"api_key":"clc_' in served
    assert served.endswith("\nThe deployment works.\n")
    assert operated.count(" paid ") == 1


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"])
def test_no_page_names_a_file_that_is_not_there(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for path in re.findall(r"`((?:clincore|scripts|tests|docs|migrations_sql)/[\w./-]*)`", text):
        assert (ROOT / path).exists(), path
