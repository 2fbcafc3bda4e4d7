"""pgbench with the statements that the service really sends: they are read from the server's log, not written here."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from clincore.adapters.embedded_postgres.address import EmbeddedAddress

CLIENTS: Final = 8
LOG_SETTINGS: Final = {"log_statement": "all", "log_error_verbosity": "default", "log_parameter_max_length": "-1"}
"""What makes the server log each statement of a role with its parameters."""
_ENTRY: Final = re.compile(r"^\S+ \S+ \S+ \[(\d+)\] (\w+):  (.*)$", re.DOTALL)
_STATEMENT: Final = re.compile(r"^(?:execute [^:]+|statement): (.*)$", re.DOTALL)
_PARAMETER: Final = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')(?:, |$)")
_PLACE: Final = re.compile(r"\$(\d+)")
_NOW: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\+00")
_TPS: Final = re.compile(r"^tps = ([0-9.]+) \(without", re.MULTILINE)
_FAILED: Final = re.compile(r"^number of failed transactions: ([0-9]+)", re.MULTILINE)


@frozen
class Sent:
    """One statement as the server met it; parameters are text, None for NULL."""

    sql: str
    parameters: tuple[str | None, ...]


@frozen
class Script:
    """A transaction for pgbench, with the values of its variables."""

    text: str
    variables: Mapping[str, str]

    @property
    def statements(self) -> int:
        return self.text.count(";\n")


def sent_statements(log: str) -> list[Sent]:
    """Return the statements in a server's log, in order."""
    found: list[Sent] = []
    for _, level, text in _entries(log):
        statement = _STATEMENT.match(text)
        if level == "LOG" and statement:
            found.append(Sent(statement.group(1), ()))
        elif level == "DETAIL" and found:
            values = [value for _, value in _PARAMETER.findall(text)]
            found[-1] = Sent(found[-1].sql, tuple(None if value == "NULL" else _unquoted(value) for value in values))
    return found


def _entries(log: str) -> Iterator[tuple[str, str, str]]:
    for entry in re.split(r"\n(?!\t)", log):
        if found := _ENTRY.match(entry.replace("\n\t", "\n")):
            yield found.group(1), found.group(2), found.group(3)


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'")


def script_of(statements: Sequence[Sent], drawn: Mapping[str, str], preamble: str) -> Script:
    """Return a transaction's script; ``drawn`` are the values that another transaction has otherwise, as expressions.

    The moment of the call becomes now(). All other values stay parameters, as in the service.
    """
    variables: dict[str, str] = {}
    lines = [preamble]
    for statement in statements:

        def place(found: re.Match[str], parameters: tuple[str | None, ...] = statement.parameters) -> str:
            value = parameters[int(found.group(1)) - 1]
            if value is None:
                return "NULL"
            if value in drawn:
                return drawn[value]
            if _NOW.fullmatch(value):
                return "now()"
            name = next((name for name, known in variables.items() if known == value), f"v{len(variables)}")
            variables[name] = value
            return f":{name}"

        lines.append(" ".join(_PLACE.sub(place, statement.sql).split()) + ";\n")
    return Script("".join(lines), variables)


@frozen
class Program:
    """pgbench, the connection string that it is given, and a folder for its script."""

    path: Path
    conninfo: str
    folder: Path

    @classmethod
    def find(cls, address: EmbeddedAddress, folder: Path) -> Program:
        """Take the one beside PostgreSQL's programs, else any that is installed."""
        beside = address.binaries / "pgbench"
        installed = shutil.which("pgbench")
        if not beside.exists() and installed is None:
            raise SystemExit(
                f"pgbench is needed: it is not in {address.binaries}, and not on the PATH (apt-get install postgresql)"
            )
        return cls(beside if beside.exists() else Path(str(installed)), address.service_url, folder)


def run(program: Program, script: Script, seconds: float, first: int) -> float:
    """Return the transactions a second; ``first`` is the number of the first record that the run may use up."""
    file = program.folder / "script.sql"
    file.write_text(script.text, encoding="utf-8")
    given = {**script.variables, "first": str(first), "turn": "0"}
    command = [str(program.path), "--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}", "--jobs=2"]
    command += [f"--time={max(1, round(seconds))}", f"--file={file}"]
    command += [f"--define={name}={value}" for name, value in given.items()]
    done = subprocess.run([*command, program.conninfo], capture_output=True, text=True, check=False)  # noqa: S603
    found = _TPS.search(done.stdout)
    failed = _FAILED.search(done.stdout)
    if done.returncode != 0 or found is None or (failed and failed.group(1) != "0"):
        raise SystemExit(f"pgbench failed:\n{done.stdout}{done.stderr}\n{script.text}")
    return float(found.group(1))
