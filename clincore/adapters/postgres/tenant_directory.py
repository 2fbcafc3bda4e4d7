"""The ids of all tenants: the one table without a policy, which only the database's owner may read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString

if TYPE_CHECKING:
    from uuid import UUID

    import psycopg

_IDS: Final[LiteralString] = "SELECT id FROM clincore.tenant_directory ORDER BY id"


async def read_tenant_ids(connection: psycopg.AsyncConnection[Any]) -> tuple[UUID, ...]:
    """Return the ids of all tenants, ascending."""
    found = await connection.execute(_IDS)
    return tuple(tenant_id for (tenant_id,) in await found.fetchall())
