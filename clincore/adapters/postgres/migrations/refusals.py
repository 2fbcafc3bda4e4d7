"""What the runner says where the server, or the runner itself, refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import errors

from clincore.domain.errors import ClinCoreError, DatabaseUnavailable, MigrationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clincore.adapters.postgres.migrations.waiting import Waiting

_DIFFERENCES_TOLD: Final = 20


async def execute(connection: psycopg.AsyncConnection[Any], text: str) -> None:
    """Run a script of the chain."""
    await connection.execute(text.encode())


def refusal(error: psycopg.Error, waiting: Waiting, lock_seconds: float) -> ClinCoreError:
    """Return what an error of the server means; its message names no row's content."""
    said = error.diag.message_primary
    if isinstance(error, errors.LockNotAvailable):
        who = waiting.last or "another migration is running, or a transaction holds a table"
        return MigrationError(
            f"Gave up after {lock_seconds:g} seconds: {who}. Nothing was changed; try again when it has ended."
        )
    if isinstance(error, errors.RestrictViolation):
        return MigrationError(f"{said}. It was not taken back. Make a backup, then repeat it with --allow-data-loss.")
    if isinstance(error, errors.InsufficientPrivilege):
        return MigrationError(f"{said}. Set MIGRATION_DATABASE_URL to the URL of the database's owner.")
    if isinstance(error, psycopg.OperationalError):
        return DatabaseUnavailable()
    return MigrationError(f"{said} (SQLSTATE {error.sqlstate})")


def stamp_refused(revision: str, differences: Sequence[str]) -> MigrationError:
    """Return the refusal to record what is not so, with the first differences."""
    told = [f"  {difference}" for difference in differences[:_DIFFERENCES_TOLD]]
    if (more := len(differences) - _DIFFERENCES_TOLD) > 0:
        told.append(f"  and {more} more")
    return MigrationError(
        "\n".join([f"The schema is not that of {revision}, so that it cannot be stamped; nothing was changed:", *told])
    )
