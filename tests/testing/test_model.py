"""The model, on everything that ClinCore runs on: whatever three tenants do, all do what the model does.

What was done is printed: ``make soak`` shows it.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_targets import memory_target, postgres_target

from clincore.adapters.memory.database import MemoryDatabase
from clincore.testing.model import run_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from databases import NewDatabase, Server


def test_memory_does_what_the_model_does(tmp_path: Path) -> None:
    with memory_target(tmp_path) as target:
        print(f"memory: {run_model(target)}")


def test_postgresql_does_what_the_model_does(postgres: Server, new_database: NewDatabase, tmp_path: Path) -> None:
    with new_database() as database, postgres_target(database, tmp_path) as target:
        print(f"PostgreSQL {postgres.version}: {run_model(target)}")


def test_the_lines_in_the_documentation_run() -> None:
    class MyDatabase(MemoryDatabase):
        @staticmethod
        @asynccontextmanager
        async def open() -> AsyncIterator[MemoryDatabase]:
            database = MyDatabase()
            yield database
            await database.close()

    page = Path(__file__).parents[2].joinpath("docs", "model.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {"MyDatabase": MyDatabase}
    exec(program, names)  # noqa: S102 - the lines are the project's own
    names["test_my_database_does_what_the_model_does"]()
