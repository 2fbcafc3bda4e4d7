"""The README's programs and commands, run as they stand there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest
from service import environment, running_service

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
    """The roles, the migrations, the service, the bootstrap and the live check, on a server of one's own.

    Names are changed, because the test's server has roles of the same names, and so are the address and the port.
    """
    (roles,) = blocks("sql", "Deployment on your own PostgreSQL")
    commands, serving, operating = blocks("sh", "Deployment on your own PostgreSQL")
    with psycopg.connect(postgres.address.superuser_url, autocommit=True) as superuser:
        for statement in renamed(roles).strip().split(";\n"):
            superuser.execute(statement)
    settings: dict[str, str] = {}
    for line in commands.splitlines():
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").partition("=")
            settings[name] = at_server(value, postgres) if value.startswith("postgresql:") else value
        else:
            done = run(line, tmp_path, settings)
            assert done.returncode == 0, f"{line}\n{done.stderr}"
            assert "b1c2d3e4f505" in done.stdout
    for line in operating.splitlines():
        done = run(line, tmp_path, settings)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert done.stdout
    settings["REPERTORY_DB_PATH"] = "starter:"
    start, bootstrap, check = serving.splitlines()
    assert start == "uvicorn clincore.api.main:app --port 8000"
    with running_service(settings.pop("DATABASE_URL"), **settings) as service:
        words = shlex.split(bootstrap.replace("$BOOTSTRAP_TOKEN", settings["BOOTSTRAP_TOKEN"]))
        headers = dict(words[i + 1].split(": ", 1) for i, word in enumerate(words) if word == "-H")
        url = words[3].replace("http://127.0.0.1:8000", service.url)
        answer = httpx.post(url, headers=headers, content=words[words.index("-d") + 1])
        assert answer.status_code == 201, answer.text
        done = subprocess.run(
            [sys.executable, *check.split()[1:], "--url", service.url],
            cwd=ROOT,
            env=environment(DATABASE_URL=at_server(renamed_url(commands), postgres)),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout


def renamed(text: str) -> str:
    return re.sub(r"\bclincore(?=_owner|_user|\b)", "readme", text)


def renamed_url(commands: str) -> str:
    found = re.search(r"DATABASE_URL=(\S+)", commands)
    assert found
    return found.group(1)


def at_server(url: str, postgres: Server) -> str:
    """The URL with the test's names and the test server's address, which has no TCP port and needs no password."""
    address = postgres.address.superuser_url.partition("?")[2]
    role = renamed(url.partition("//")[2].partition(":")[0])
    return f"postgresql://{role}@/readme?{address}"


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"])
def test_no_page_names_a_file_that_is_not_there(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for path in re.findall(r"`((?:clincore|scripts|tests|docs|migrations_sql)/[\w./-]*)`", text):
        assert (ROOT / path).exists(), path
