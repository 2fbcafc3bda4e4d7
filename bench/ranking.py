"""Ranking beside the bare SELECT of its rows, as ratios in one run: python bench/ranking.py ROWS

ROWS is a folder of repertory rows (rubrics.tsv, grades.tsv, remedies.tsv, gzipped or not).
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import aiosqlite

import clincore
from clincore.adapters.sqlite_repertory import import_kent_rows
from clincore.services.repertorization import repertorize

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_CASES = 200
_SELECT = """
    SELECT symptom_id, remedy, degree FROM symptom_remedies WHERE symptom_id IN (SELECT value FROM json_each(?))
"""
_GRADED = "SELECT DISTINCT symptom_id FROM symptom_remedies"


async def timed(call: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    await call()
    return time.perf_counter() - start


async def compare(source: Path, cache: Path) -> dict[str, float]:
    """Return, for cases of 10 and 50 rubrics, the median time of a ranking with its grid over that of its SELECT."""
    ratios = {}
    async with (
        clincore.open("memory:", source, cache_directory=cache) as core,
        aiosqlite.connect(f"file:{source}?mode=ro", uri=True) as rows,
    ):
        graded = [row[0] for row in await rows.execute_fetchall(_GRADED)]
        for size in (10, 50):
            seeded = random.Random(size)  # noqa: S311 - the same cases in every run
            ours, bare = [], []
            for _ in range(_CASES):
                ids = seeded.sample(graded, size)
                entered = clincore.CaseInput.parse({"symptom_ids": ids, "top_n": 0})

                async def rank(entered: clincore.CaseInput = entered) -> None:
                    (await repertorize(core.resources, entered)).grid()

                async def select(ids: list[int] = ids) -> None:
                    await rows.execute_fetchall(_SELECT, (json.dumps(ids),))

                bare.append(await timed(select))
                ours.append(await timed(rank))
            ratios[f"rank and grid / SELECT, {size} rubrics"] = statistics.median(ours) / statistics.median(bare)
            ratios[f"milliseconds, {size} rubrics"] = statistics.median(ours) * 1000
    return ratios


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "repertory.sqlite"
        start = time.perf_counter()
        import_kent_rows(Path(sys.argv[1]), source, name="bench", edition="")
        imported = time.perf_counter() - start
        found = asyncio.run(compare(source, Path(folder)))
    print(f"{imported:8.2f}  seconds, import")
    for name, value in found.items():
        print(f"{value:8.2f}  {name}")


if __name__ == "__main__":
    main()
