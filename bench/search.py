"""Opening and searching a large repertory, and importing one: python bench/search.py ROWS

The repertory is generated: 250,000 rubrics and 2,000,000 grades. ROWS is a folder of repertory rows (rubrics.tsv,
grades.tsv, remedies.tsv, gzipped or not). Times are also given as ratios to the time of reading one row by its id.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from generator import write_repertory

from clincore.adapters.sqlite_repertory import SqliteRepertory, import_kent_rows

_RUBRICS, _GRADES = 250_000, 2_000_000
_QUERIES, _PAGE = 500, 50
_PEAK = re.compile(r"^VmHWM:\s*(\d+) kB$", re.MULTILINE)
_BARE = "print(open('/proc/self/status').read())"


def queries(source: Path) -> list[str]:
    """Return queries of every kind, seeded, made of words that stand in the repertory."""
    seeded = random.Random(1)  # noqa: S311 - the same queries in every run
    with closing(sqlite3.connect(source)) as connection:
        texts = [text.split() for (text,) in connection.execute("SELECT item FROM syntree WHERE id % 97 = 0")]
        remedies = [remedy for (remedy,) in connection.execute("SELECT remedy FROM remedies ORDER BY remedy")]
    made = []
    for _ in range(_QUERIES):
        words = seeded.choice(texts)
        common, other = seeded.choice(["mind", "head", "night", "agg", "worse", "from", "left"]), words[0]
        made.append(
            seeded.choice(
                [
                    other,
                    common,
                    f"{common} {other}",
                    f"{common} night",
                    f"{common} -night",
                    f"{common} -{other}",
                    f'"{" ".join(words)}"',
                    f"{other[:3]}* {common}",
                    f"{common[:1]}*",
                    f"*{other[-4:]}",
                    f"*{other[2:6]}* {common}",
                    f"{common} remedy:{seeded.choice(remedies)}",
                    f"{common} grade:3",
                    f"{common} remedy:{seeded.choice(remedies)} grade:2",
                ]
            )
        )
    return made


async def serve(source: Path, cache: Path) -> dict[str, float]:
    """Return what opening and searching cost; each query is asked for its first page and for its second."""
    found: dict[str, float] = {}
    start = time.perf_counter()
    async with await SqliteRepertory.open(source, cache_directory=cache) as repertory:
        found["seconds, opening"] = time.perf_counter() - start
        times, rows = await _searched(repertory, queries(source))
    found["megabytes resident at most"] = peak(await asyncio.to_thread(Path("/proc/self/status").read_text))
    for percent in (50, 95, 100):
        at = times[min(len(times) * percent // 100, len(times) - 1)]
        found[f"milliseconds, search, percentile {percent}"] = at * 1000
        found[f"search, percentile {percent} / one rubric by its id"] = at / statistics.median(rows)
    warm = []
    for _ in range(11):
        start = time.perf_counter()
        repertory = await SqliteRepertory.open(source, cache_directory=cache)
        warm.append(time.perf_counter() - start)
        await repertory.close()
    found["milliseconds, opening warm"] = statistics.median(warm) * 1000
    return found


def peak(status: str) -> float:
    """Return how many megabytes of a process were resident at most, by its /proc/…/status."""
    return int(_PEAK.findall(status)[0]) / 1024


async def _searched(repertory: SqliteRepertory, asked: list[str]) -> tuple[list[float], list[float]]:
    """Return how long each page took, in order, and how long it took to read single rubrics in between."""
    times, rows = [], []
    for number, query in enumerate(asked):
        start = time.perf_counter()
        await repertory.rubrics([number * (_RUBRICS // _QUERIES) + 1])
        rows.append(time.perf_counter() - start)
        after = None
        for _ in range(2):
            start = time.perf_counter()
            page = await repertory.search(query, limit=_PAGE, after=after)
            times.append(time.perf_counter() - start)
            if (after := page.next) is None:
                break
    return sorted(times), rows


def in_a_process_of_its_own(source: Path, cache: Path) -> dict[str, float]:
    """Return what ``serve`` does there; memory is told above that of a bare interpreter."""
    told = subprocess.run([sys.executable, __file__, source, cache], stdout=subprocess.PIPE, check=True)  # noqa: S603
    bare = subprocess.run([sys.executable, "-c", _BARE], stdout=subprocess.PIPE, check=True)  # noqa: S603
    found: dict[str, float] = json.loads(told.stdout)
    found["megabytes resident above the interpreter's"] = found.pop("megabytes resident at most") - peak(
        bare.stdout.decode()
    )
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        kent, source, cache = (Path(folder) / name for name in ("rows.sqlite", "large.sqlite", "cache"))
        start = time.perf_counter()
        import_kent_rows(Path(sys.argv[1]), kent, name="bench", edition="")
        print(f"{time.perf_counter() - start:10.2f}  seconds, import of {sys.argv[1]}")
        write_repertory(source, rubrics=_RUBRICS, grades=_GRADES)
        print(f"a generated repertory of {_RUBRICS:,} rubrics and {_GRADES:,} grades")
        for title in ("for the first time", "again"):
            print(f"opened {title}")
            for name, value in in_a_process_of_its_own(source, cache).items():
                print(f"{value:10.2f}  {name}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))))
    else:
        main()
