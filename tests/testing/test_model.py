"""The model, on everything that ClinCore runs on: whatever three tenants do, all do what the model does.

What was done is printed: ``make soak`` shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_targets import memory_target, postgres_target

from clincore.testing.model import run_model

if TYPE_CHECKING:
    from pathlib import Path

    from databases import NewDatabase, Server


def test_memory_does_what_the_model_does(tmp_path: Path) -> None:
    with memory_target(tmp_path) as target:
        print(f"memory: {run_model(target)}")


def test_postgresql_does_what_the_model_does(postgres: Server, new_database: NewDatabase, tmp_path: Path) -> None:
    with new_database() as database, postgres_target(database, tmp_path) as target:
        print(f"PostgreSQL {postgres.version}: {run_model(target)}")
