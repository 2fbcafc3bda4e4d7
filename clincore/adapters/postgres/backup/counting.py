"""Counts every tenant's rows in every table, past the tenants' walls and never silently behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString

from psycopg import sql

if TYPE_CHECKING:
    from uuid import UUID

    import psycopg

    from clincore.domain.backup import Counts

_TABLES: Final[LiteralString] = """
    SELECT n.nspname, c.relname, a.attname, c.relforcerowsecurity
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE n.nspname IN ('public', 'clincore') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND a.atttypid = 'pg_catalog.uuid'::regtype
      AND (a.attname = 'tenant_id'
           OR (a.attname = 'id' AND c.oid IN (to_regclass('public.tenants'), to_regclass('clincore.tenant_directory'))))
    ORDER BY 1, 2
"""
# A role that a policy would filter gets an error, and not fewer rows.
_NO_FILTER: Final[LiteralString] = "SET LOCAL row_security = off"
_COUNT: Final = sql.SQL("SELECT {column}, count(*) FROM {table} WHERE {column} IS NOT NULL GROUP BY {column}")
_SEE_ALL: Final = sql.SQL("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")


async def counted(connection: psycopg.AsyncConnection[Any], *, as_owner: bool = False) -> Counts:
    """Return how many rows each tenant has in each table, in the caller's transaction.

    ``as_owner`` lifts FORCE from the tables first, which blinds their owner too: the caller rolls that back. Raises
    psycopg.errors.InsufficientPrivilege for a role that does not see every row.
    """
    await connection.execute(_NO_FILTER)
    counts: dict[UUID, dict[str, int]] = {}
    for schema, name, column, is_forced in await (await connection.execute(_TABLES)).fetchall():
        table = sql.Identifier(schema, name)
        if as_owner and is_forced:
            await connection.execute(_SEE_ALL.format(table=table))
        found = await connection.execute(_COUNT.format(column=sql.Identifier(column), table=table))
        for tenant_id, rows in await found.fetchall():
            counts.setdefault(tenant_id, {})[f"{schema}.{name}"] = rows
    return counts
