"""Whether a database is what the chain makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString

import psycopg

from clincore.adapters.postgres.catalog.expected import differences, expected_catalog
from clincore.adapters.postgres.catalog.reading import read_catalog
from clincore.domain.migration import ChangedFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clincore.domain.migration import Revision

_CHECKSUMS: Final[LiteralString] = """
    SELECT DISTINCT ON (revision) revision, checksum FROM clincore.migration_log
    WHERE direction IN ('upgrade', 'stamp') ORDER BY revision, id DESC
"""


def applied_part(chain: Sequence[Revision], current: str | None) -> Sequence[Revision]:
    """Return the revisions up to ``current``, which is one of them or None."""
    ids = [revision.id for revision in chain]
    return chain[: ids.index(current) + 1] if current is not None else ()


async def changed_files(
    connection: psycopg.AsyncConnection[Any], applied: Iterable[Revision]
) -> tuple[ChangedFile, ...]:
    """Return the files of revisions that are not the ones that were applied, oldest first."""
    logged = dict(await (await connection.execute(_CHECKSUMS)).fetchall())
    return tuple(
        ChangedFile(file=revision.file, applied=logged[revision.id], now=revision.checksum)
        for revision in applied
        if logged.get(revision.id, revision.checksum) != revision.checksum
    )


async def schema_differences(
    connection: psycopg.AsyncConnection[Any], applied: Sequence[Revision], service_role: str
) -> tuple[str, ...]:
    """Return in what the live schema is not that of the last revision applied, in the caller's transaction."""
    found = await read_catalog(connection, service_role)
    expected = expected_catalog(applied[-1].id, is_of_one_role=found.is_of_one_role)
    absent = [revision for revision in applied if not await _is_there(connection, revision)]
    return (
        *(f"{revision.file}: its verify part does not hold" for revision in absent),
        *differences(expected, found),
    )


async def _is_there(connection: psycopg.AsyncConnection[Any], revision: Revision) -> bool:
    try:
        async with connection.transaction():
            row = await (await connection.execute(revision.verify.encode())).fetchone()
    except psycopg.errors.Error:
        return False
    return row is not None and row[0] is True
