"""The model, over HTTP on a running service: whatever three tenants do, it does what the model does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_targets import service_target

from clincore.testing.model import run_model

if TYPE_CHECKING:
    from pathlib import Path

    from databases import NewDatabase


def test_a_running_service_does_what_the_model_does(new_database: NewDatabase, tmp_path: Path) -> None:
    with new_database() as database, service_target(database, tmp_path) as target:
        print(f"a service: {run_model(target)}")
