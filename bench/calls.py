"""Calls over HTTP beside pgbench and a bare route, as ratios in one run: python bench/calls.py ROWS [--json FILE]

ROWS is a folder of repertory rows (rubrics.tsv, grades.tsv, remedies.tsv, gzipped or not). One PostgreSQL, one server
process, a client in a process of its own and pgbench take turns, in rounds, on one machine; figures are medians of the
rounds. pgbench runs the statements that the service sends, each its own round trip.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import calls_pgbench
from attrs import asdict, evolve, frozen
from calls_ground import (
    CASES,
    FIRST_CASE,
    FIRST_DRAFT,
    PATIENTS,
    Ground,
    cpu_of,
    opened_ground,
    resident,
    running,
)
from calls_load import Load, Measured, numbered_id

import clincore
from clincore.adapters.sqlite_repertory import import_kent_rows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from calls_pgbench import Script

    from clincore.services.clinic import Clinic

_RUBRICS: Final = 10
_KINDS: Final = 50
_BESIDE: Final = 16
_SERVICE: Final = (str(Path(sys.executable).with_name("clincore")), "serve", "--port", "0")
_BARE: Final = (sys.executable, str(Path(__file__).with_name("calls_bare.py")))
_REPORT: Final = Path(__file__).parent / "results" / "calls.json"
_GRADED: Final = "SELECT symptom_id FROM symptom_remedies GROUP BY symptom_id ORDER BY symptom_id"
_DRAFTS_A_SECOND: Final = 6_000
"""More than anything here finalizes."""
_MEMORY_REQUESTS: Final = 50_000
_MEMORY_LIMIT: Final = 150
_P99_LIMIT: Final = 20


@frozen(kw_only=True)
class Measure:
    """One call: how a client makes it, and the transaction that pgbench makes of it.

    ``target`` is the share of pgbench's transactions that it shall reach.
    """

    name: str
    target: float
    load: Load
    script: Script
    uses_up_drafts: bool = False


@frozen
class Run:
    """One run of one load: what the client met, and the CPU seconds of the server and of PostgreSQL's processes."""

    measured: Measured
    server_cpu: float
    postgres_cpu: float

    @property
    def server_milliseconds(self) -> float:
        return self.server_cpu * 1000 / max(self.measured.answered, 1)


class Bench:
    """What takes turns: the service and the bare route by their processes and ports, and pgbench."""

    def __init__(self, ground: Ground, folder: Path, service: tuple[int, int], bare: tuple[int, int]) -> None:
        self._ground = ground
        self._pgbench = calls_pgbench.Program.find(ground.address, folder)
        self._service, self._port = service
        self._bare, self._bare_port = bare
        self._next_draft = FIRST_DRAFT

    def bare(self, connections: int, seconds: float) -> Run:
        load = Load(port=self._bare_port, connections=connections, method="GET", path="/bare/ID", first=0, count=CASES)
        return self._run(evolve(load, seconds=seconds), self._bare)

    def call(self, measure: Measure, connections: int, seconds: float) -> Run:
        load = evolve(measure.load, port=self._port, connections=connections, seconds=seconds)
        if measure.uses_up_drafts:
            count = round(seconds * _DRAFTS_A_SECOND)
            load = evolve(load, first=self._drafts(count), count=count)
        return self._run(load, self._service)

    def pgbench(self, measure: Measure, seconds: float) -> float:
        first = self._drafts(round(seconds * _DRAFTS_A_SECOND)) if measure.uses_up_drafts else FIRST_CASE
        return calls_pgbench.run(self._pgbench, measure.script, seconds, first)

    def memory(self, measures: list[Measure]) -> list[float]:
        """Return the megabytes of the server before, and after twice as many requests as named."""
        found = [resident(self._service)]
        for _ in range(2):
            for measure, share in zip(measures, (0.8, 0.2), strict=True):
                load = evolve(measure.load, port=self._port, connections=16, requests=round(_MEMORY_REQUESTS * share))
                self._run(load, self._service)
            found.append(resident(self._service))
        return found

    def _drafts(self, count: int) -> int:
        first = self._next_draft
        self._next_draft += count
        self._ground.enter_drafts(first, count)
        return first

    def _run(self, load: Load, process: int) -> Run:
        before = cpu_of(process), self._ground.postgres_cpu()
        done = subprocess.run(  # noqa: S603
            [sys.executable, Path(__file__).with_name("calls_load.py")],
            input=json.dumps(asdict(load)),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        measured = Measured(**json.loads(done.stdout))
        if measured.refused:
            raise SystemExit(f"{load.method} {load.path}: {measured.refused} calls were refused")
        return Run(measured, cpu_of(process) - before[0], self._ground.postgres_cpu() - before[1])


async def measures_of(ground: Ground, repertory: Path, folder: Path) -> list[Measure]:
    """Return the calls, each with the statements that the adapter was seen to send for it."""
    drafts = [int(number) for number in range(FIRST_DRAFT - 10, FIRST_DRAFT)]
    ground.enter_drafts(drafts[0], len(drafts))
    with ground.statements_logged(calls_pgbench.LOG_SETTINGS):
        async with clincore.open(ground.address.service_url, repertory, cache_directory=folder, pool_size=1) as core:
            clinic = core.clinic(ground.api_key)
            scripts = [
                await _script(
                    ground, clinic, view, FIRST_CASE, f"\\set n random({FIRST_CASE}, {FIRST_CASE + CASES - 1})"
                ),
                await _script(ground, clinic, create(ground), 0, f"\\set n random(0, {PATIENTS - 1})"),
                await _script(ground, clinic, finalize(drafts), drafts[-1], _NEXT_DRAFT),
            ]
    key = {"X-API-Key": ground.api_key}
    bodies = [json.dumps({"patient_id": "ID", "input_payload": payload}) for payload in ground.payloads]
    load = Load(port=0, connections=0, method="GET", path="/cases/ID", headers=key, first=FIRST_CASE, count=CASES)
    entering = evolve(load, method="POST", path="/cases", bodies=bodies, first=0, count=PATIENTS, expected=201)
    finalizing = evolve(load, method="POST", path="/cases/ID/finalize", is_each_once=True)
    return [
        Measure(name="GET /cases/{id}", target=0.4, load=load, script=scripts[0]),
        Measure(name="POST /cases", target=0.35, load=entering, script=scripts[1]),
        Measure(name="POST /cases/{id}/finalize", target=0.2, load=finalizing, script=scripts[2], uses_up_drafts=True),
    ]


_NEXT_DRAFT: Final = f"\\set n :first + :client_id + {calls_pgbench.CLIENTS} * :turn\n\\set turn :turn + 1"


async def view(clinic: Clinic, _turn: int) -> str:
    await clinic.cases.get(numbered_id(FIRST_CASE))
    return ""


def create(ground: Ground) -> Callable[[Clinic, int], Awaitable[str]]:
    async def call(clinic: Clinic, _turn: int) -> str:
        return str((await clinic.cases.create(numbered_id(0), ground.payloads[0])).id)

    return call


def finalize(drafts: list[int]) -> Callable[[Clinic, int], Awaitable[str]]:
    async def call(clinic: Clinic, turn: int) -> str:
        await clinic.cases.finalize(numbered_id(drafts[turn]))
        return ""

    return call


async def _script(
    ground: Ground, clinic: Clinic, call: Callable[[Clinic, int], Awaitable[str]], number: int, preamble: str
) -> Script:
    """Make the call until the driver has its statements prepared, and return the last one's as a script.

    ``number`` is that of the record which it names, in whose place the script takes the one numbered ``n``.
    """
    for turn in range(10):
        before = ground.log.stat().st_size
        made = await call(clinic, turn)
    with ground.log.open("rb") as log:
        log.seek(before)
        sent = calls_pgbench.sent_statements(log.read().decode())
    drawn = {str(numbered_id(number)): "md5(:n::text)::uuid"}
    if made:
        drawn[made] = "md5(:made::text)::uuid"
        preamble += f"\n\\set made random(1, {1 << 60})"
    return calls_pgbench.script_of(sent, drawn, f"{preamble}\n")


def payloads_of(repertory: Path) -> list[dict[str, Any]]:
    """Draw inputs of ten graded rubrics each."""
    with closing(sqlite3.connect(repertory)) as connection:
        graded = [rubric_id for (rubric_id,) in connection.execute(_GRADED)]
    seeded = random.Random(1)  # noqa: S311 - the same inputs in every run
    return [{"symptom_ids": seeded.sample(graded, _RUBRICS)} for _ in range(_KINDS)]


def measured_rounds(bench: Bench, measures: list[Measure], rounds: int, seconds: float) -> dict[str, Any]:
    """Let everything take its turn in each round, and return the medians."""
    runs: dict[str, list[Run]] = {}
    transactions: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for connections in (1, _BESIDE):
            found = {f"bare {connections}": bench.bare(connections, seconds)}
            found |= {f"{one.name} {connections}": bench.call(one, connections, seconds) for one in measures}
            if number:  # the first round warms up
                for name, run in found.items():
                    runs.setdefault(name, []).append(run)
        for one in measures:
            tps = bench.pgbench(one, seconds)
            if number:
                transactions.setdefault(one.name, []).append(tps)
    return {
        "rounds": rounds,
        "seconds": seconds,
        "pgbench": {name: statistics.median(found) for name, found in transactions.items()},
        "runs": {name: _medians(found) for name, found in runs.items()},
        "ratios": {
            one.name: statistics.median(
                run.measured.per_second / tps
                for run, tps in zip(runs[f"{one.name} {_BESIDE}"], transactions[one.name], strict=True)
            )
            for one in measures
        },
    }


def _medians(runs: list[Run]) -> dict[str, float]:
    def median(of: Callable[[Run], float]) -> float:
        return statistics.median(of(run) for run in runs)

    return {
        "per_second": median(lambda run: run.measured.per_second),
        "p50": median(lambda run: run.measured.p50),
        "p99": median(lambda run: run.measured.p99),
        "server_ms": median(lambda run: run.server_milliseconds),
        "client_cpu": median(lambda run: run.measured.cpu_seconds / run.measured.seconds),
        "server_cpu": median(lambda run: run.server_cpu / run.measured.seconds),
        "postgres_cpu": median(lambda run: run.postgres_cpu / run.measured.seconds),
    }


def print_rounds(found: dict[str, Any], measures: list[Measure]) -> None:
    print(f"medians of {found['rounds']} rounds of {found['seconds']} s; CPU in cores; server ms: CPU of one call")
    print(" " * 28 + " conn.  calls/s  / bare  p50 ms  p99 ms server ms  server postgres  client")
    for name, run in found["runs"].items():
        call, _, connections = name.rpartition(" ")
        beside = run["per_second"] / found["runs"][f"bare {connections}"]["per_second"]
        print(
            f"{call:28}{connections:>6}{run['per_second']:9.0f}{beside:8.2f}{run['p50']:8.2f}{run['p99']:8.2f}"
            f"{run['server_ms']:10.3f}{run['server_cpu']:8.2f}{run['postgres_cpu']:9.2f}{run['client_cpu']:8.2f}"
        )
    for one in measures:
        found_p99 = found["runs"][f"{one.name} {_BESIDE}"]["p99"]
        print(f"{found_p99:8.1f}  milliseconds, p99 of {one.name} at {_BESIDE} connections (limit {_P99_LIMIT})")
    print(f"pgbench, prepared, {calls_pgbench.CLIENTS} clients, each statement its own round trip")
    for one in measures:
        ratio = found["ratios"][one.name]
        print(
            f"{ratio:8.2f}  {one.name} at {_BESIDE} connections / pgbench (target {one.target}); pgbench makes "
            f"{found['pgbench'][one.name]:.0f} transactions of {one.script.statements} statements a second"
        )


async def bench(folder: Path, repertory: Path, rounds: int, seconds: float, *, with_memory: bool) -> dict[str, Any]:
    """Print and return what was measured."""
    async with opened_ground(folder, repertory, payloads_of(repertory)) as ground:
        measures = await measures_of(ground, repertory, folder)
        settings = {"DATABASE_URL": ground.address.service_url, "REPERTORY_DB_PATH": str(repertory)}
        settings["REPERTORY_CACHE_DIR"] = str(folder)
        with (
            running(_SERVICE, folder / "service.log", **settings) as service,
            running(_BARE, folder / "bare.log") as bare,
        ):
            ground.settle()
            bench = Bench(ground, folder, service, bare)
            found = measured_rounds(bench, measures, rounds, seconds)
            print_rounds(found, measures)
            if with_memory:
                found["memory"] = bench.memory(measures[:2])
                print_memory(found["memory"])
    return found


def print_memory(found: list[float]) -> None:
    print(f"{found[2]:8.0f}  megabytes resident after {2 * _MEMORY_REQUESTS:,} requests more (limit {_MEMORY_LIMIT})")
    print(f"{found[2] - found[1]:8.1f}  megabytes more than after {_MEMORY_REQUESTS:,}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path, help="a folder of repertory rows")
    parser.add_argument(
        "--json", type=Path, default=_REPORT, help="where the figures are written (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each turn")
    parser.add_argument("--no-memory", action="store_true", help="leave the requests out that memory is told after")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)  # started by root, PostgreSQL runs as another user, who has to get to its data
        repertory = folder / "repertory.sqlite"
        import_kent_rows(given.rows, repertory, name="bench", edition="")
        found = asyncio.run(bench(folder, repertory, given.rounds, given.seconds, with_memory=not given.no_memory))
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(found, indent=2), encoding="utf-8")
    print(f"written to {given.json}")


if __name__ == "__main__":
    main()
