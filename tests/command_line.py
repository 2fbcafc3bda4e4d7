"""The command line, in a process of its own or, many times faster, in this one."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from attrs import frozen
from service import environment

from clincore.entrypoints.cli.main import run_command

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLINCORE = (sys.executable, "-W", "error", "-m", "clincore.entrypoints.cli")
_PATIENCE = 120


@frozen
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def clincore(*arguments: object, **settings: str) -> Ended:
    """Run a command to its end in this process, with these settings and no others of ClinCore's."""
    out, err = io.StringIO(), io.StringIO()
    with patch.dict(os.environ, environment(**settings), clear=True), redirect_stdout(out), redirect_stderr(err):
        code = run_command([str(argument) for argument in arguments])
    return Ended(code, out.getvalue(), err.getvalue())


def clincore_process(*arguments: object, **settings: str) -> Ended:
    """Run a command to its end in a process of its own."""
    done = subprocess.run(
        [*_CLINCORE, *map(str, arguments)],
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=_PATIENCE,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


@contextmanager
def running(*arguments: object, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command until the block ends; both of its streams are read as ``stdout``."""
    with subprocess.Popen(
        [*_CLINCORE, *map(str, arguments)],
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


@contextmanager
def passable_directory() -> Iterator[Path]:
    """Yield a directory that an unprivileged user can pass through, which pytest's own are not."""
    made = Path(tempfile.mkdtemp(prefix="clincore-cli-", dir="/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def line_with(text: str, process: subprocess.Popen[str]) -> str:
    """Read on until a line with the text comes, and return it."""
    assert process.stdout is not None
    read = []
    for line in process.stdout:
        read.append(line)
        if text in line:
            return line
    raise AssertionError(f"{text!r} never came:\n{''.join(read)}")


def processes_naming(text: object) -> list[str]:
    """Return the command lines of all processes, this one aside, in which the text stands."""
    proc = Path("/proc")
    if not (proc / "self" / "cmdline").exists():
        listed = subprocess.run(["ps", "-axww", "-o", "command"], capture_output=True, text=True, check=True)
        return [line for line in listed.stdout.splitlines() if str(text) in line]
    found = []
    for entry in proc.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(text) in line:
                found.append(line)
    return found
