"""Where the driver's errors become the domain's.

The driver's messages can repeat a row (``DETAIL: Key (…)=(…)``), so that only codes and names are taken from them, and
the driver's exception is not chained.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import psycopg

from clincore.domain.errors import DatabaseUnavailable, RightsMissing, StorageFault

if TYPE_CHECKING:
    from collections.abc import Iterator


OWNERS_DATABASE_UNREACHABLE: Final = (
    "The database cannot be reached over MIGRATION_DATABASE_URL (or DATABASE_URL): is it running, and are host, port, "
    "database, user and password right?"
)


def translated(error: psycopg.Error) -> Exception:
    """Return the domain's error for one of the driver's."""
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return DatabaseUnavailable()
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return RightsMissing()
    return StorageFault(error.sqlstate, error.diag.constraint_name)


@contextmanager
def translating() -> Iterator[None]:
    """Raise the domain's error in place of the driver's."""
    try:
        yield
    except psycopg.Error as error:
        raise translated(error) from None
