from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from migration_runs import SQL_FILES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databases import FreshDatabase, NewDatabase


@pytest.fixture
def empty(new_database: NewDatabase) -> Iterator[FreshDatabase]:
    """A database to which nothing was applied."""
    with new_database(migrated=False) as made:
        yield made


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the chain's files, to be changed."""
    return Path(shutil.copytree(SQL_FILES, tmp_path / "chain"))
