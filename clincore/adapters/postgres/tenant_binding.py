"""The one place where ``app.tenant_id`` is set, for a transaction and from a parsed UUID.

It is the SET statement and not set_config(): a distributed PostgreSQL forwards it to its workers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from clincore.adapters.postgres.connection import Query

if TYPE_CHECKING:
    from uuid import UUID

    import psycopg

_BIND_TENANT: Final = sql.SQL("SET LOCAL app.tenant_id = {}")


async def bind_tenant(connection: psycopg.AsyncConnection[Any], tenant_id: UUID | None) -> None:
    """Bind the connection's open transaction to a tenant, or to none."""
    await connection.execute(_bound_to(tenant_id), prepare=False)


@lru_cache(maxsize=1024)
def binding_of(tenant_id: UUID) -> Query:
    """Return the query that binds a transaction, just opened, to a tenant."""
    return Query(_bound_to(tenant_id).as_bytes(), kept=False)


def _bound_to(tenant_id: UUID | None) -> sql.Composed:
    return _BIND_TENANT.format(str(tenant_id) if tenant_id else "")
