"""Ranking beside the bare SELECT of its rows, as ratios in one run: python bench/ranking.py ROWS

ROWS is a folder of repertory rows (rubrics.tsv, grades.tsv, remedies.tsv, gzipped or not). Then the same on generated
repertories of several sizes, with cases of equally many rows, and the memory that an opened one takes.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aiosqlite
from generator import write_repertory

import clincore
from clincore.adapters.sqlite_repertory import import_kent_rows
from clincore.services.repertorization import repertorize

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from clincore import ClinCore

_CASES: Final = 200
_WARM_UP: Final = 20
_LIMIT: Final = 2.5
_MEGABYTES: Final = 100
_SIZES: Final = ((10_000, 80_000), (67_000, 448_000), (250_000, 2_000_000))
_ROWS_OF_A_CASE: Final = range(90, 111)
_SELECT: Final = """
    SELECT symptom_id, remedy, degree FROM symptom_remedies WHERE symptom_id IN (SELECT value FROM json_each(?))
"""
_GRADED: Final = "SELECT symptom_id, count(*) FROM symptom_remedies GROUP BY symptom_id ORDER BY symptom_id"
_MEMORY: Final = """
import asyncio, pathlib, sys

def resident():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4 / 1024

async def main():
    async with clincore.open("memory:", sys.argv[1], cache_directory=pathlib.Path(sys.argv[2])) as core:
        for first in (1, 1001, 2001):
            entered = clincore.CaseInput.parse({"symptom_ids": list(range(first, first + 50)), "top_n": 0})
            (await repertorize(core.resources, entered)).grid()
        print(resident() - before)

before = resident()
import clincore
from clincore.services.repertorization import repertorize
asyncio.run(main())
"""


async def timed(call: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    await call()
    return time.perf_counter() - start


async def medians(core: ClinCore, source: Path, cases: Sequence[Sequence[int]]) -> tuple[float, float, float]:
    """Return the median seconds of a ranking with its whole grid, and of its SELECT with a thread and without."""
    ours, threaded, bare = [], [], []
    async with aiosqlite.connect(f"file:{source}?mode=ro", uri=True) as rows:
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as connection:
            for ids in cases:
                entered = clincore.CaseInput.parse({"symptom_ids": ids, "top_n": 0})
                given = (json.dumps(ids),)

                async def rank(entered: clincore.CaseInput = entered) -> None:
                    (await repertorize(core.resources, entered)).grid()

                async def select(given: tuple[str] = given) -> None:
                    await rows.execute_fetchall(_SELECT, given)

                async def select_here(given: tuple[str] = given) -> None:
                    connection.execute(_SELECT, given).fetchall()

                threaded.append(await timed(select))
                ours.append(await timed(rank))
                bare.append(await timed(select_here))
    return tuple(statistics.median(times[_WARM_UP:]) for times in (ours, threaded, bare))  # type: ignore[return-value]


def graded(source: Path) -> list[tuple[int, int]]:
    with closing(sqlite3.connect(source)) as connection:
        return connection.execute(_GRADED).fetchall()


async def compare(source: Path, cache: Path) -> None:
    """Print the ratios for cases of 10 and 50 rubrics."""
    ids = [rubric_id for rubric_id, _ in graded(source)]
    async with clincore.open("memory:", source, cache_directory=cache) as core:
        for size in (10, 50):
            seeded = random.Random(size)  # noqa: S311 - the same cases in every run
            cases = [seeded.sample(ids, size) for _ in range(_CASES + _WARM_UP)]
            ours, threaded, bare = await medians(core, source, cases)
            print(f"{ours / threaded:8.2f}  rank and grid / SELECT through aiosqlite, {size} rubrics (limit {_LIMIT})")
            print(f"{ours / bare:8.2f}  rank and grid / SELECT without the thread, {size} rubrics")
            print(f"{ours * 1000:8.2f}  milliseconds, {size} rubrics")


async def grow(folder: Path) -> None:
    """Print what cases of equally many rows take in repertories of different sizes, as ratios to the smallest."""
    first = 0.0
    for rubrics, grades in _SIZES:
        source = folder / f"{rubrics}.sqlite"
        write_repertory(source, rubrics=rubrics, grades=grades)
        seeded = random.Random(rubrics)  # noqa: S311 - the same cases in every run
        cases = cases_of_equal_rows(seeded, graded(source))
        async with clincore.open("memory:", source, cache_directory=folder) as core:
            ours, threaded, _ = await medians(core, source, cases)
        first = first or ours
        print(
            f"{ours / first:8.2f}  rank and grid, {rubrics:,} rubrics / {_SIZES[0][0]:,} rubrics, cases of as many rows"
        )
        print(f"{ours / threaded:8.2f}  rank and grid / SELECT through aiosqlite, {rubrics:,} rubrics")
        print(f"{resident(source, folder):8.0f}  megabytes resident (limit {_MEGABYTES}), {rubrics:,} rubrics")


def cases_of_equal_rows(seeded: random.Random, rubrics: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Draw cases of ten rubrics that have about a hundred rows together."""
    found: list[list[int]] = []
    while len(found) < _CASES + _WARM_UP:
        drawn = seeded.sample(rubrics, 10)
        if sum(rows for _, rows in drawn) in _ROWS_OF_A_CASE:
            found.append([rubric_id for rubric_id, _ in drawn])
    return found


def resident(source: Path, cache: Path) -> float:
    """Return the megabytes that a process has more after it opened the repertory and ranked with it."""
    program = [sys.executable, "-c", _MEMORY, str(source), str(cache)]
    return float(subprocess.run(program, capture_output=True, text=True, check=True).stdout)  # noqa: S603


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "repertory.sqlite"
        start = time.perf_counter()
        import_kent_rows(Path(sys.argv[1]), source, name="bench", edition="")
        print(f"{time.perf_counter() - start:8.2f}  seconds, import")
        asyncio.run(compare(source, folder))
        asyncio.run(grow(folder))


if __name__ == "__main__":
    main()
