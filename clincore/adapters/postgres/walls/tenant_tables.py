"""The tables that hold tenants' rows, found in the catalog and not in a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString

from attrs import frozen
from psycopg import sql

if TYPE_CHECKING:
    import psycopg

    from clincore.adapters.postgres.statement import Row

OTHERS_SCHEMAS: Final[LiteralString] = """
    nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_(toast|temp)'
"""

# The tenant's column is tenant_id, or what refers to public.tenants; in public.tenants it is id.
TENANT_TABLES: Final[LiteralString] = (
    """
    SELECT c.oid, n.nspname, c.relname, c.relkind::text, c.relowner,
           CASE WHEN c.oid = to_regclass('public.tenants') THEN 'id' ELSE coalesce(own.attname, referring.attname) END
               AS tenant_column,
           c.relrowsecurity, c.relforcerowsecurity
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute own ON own.attrelid = c.oid AND own.attname = 'tenant_id' AND NOT own.attisdropped
    LEFT JOIN LATERAL (
        SELECT a.attname FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
        WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid = to_regclass('public.tenants')
        ORDER BY k.oid LIMIT 1
    ) referring ON true
    WHERE c.relkind IN ('r', 'p', 'f')
      AND (c.oid = to_regclass('public.tenants') OR own.attname IS NOT NULL OR referring.attname IS NOT NULL)
      AND """
    + OTHERS_SCHEMAS
)
_ORDERED: Final[LiteralString] = TENANT_TABLES + " ORDER BY n.nspname, c.relname"

_COLUMNS: Final[LiteralString] = """
    SELECT a.attname, coalesce(base.typname, t.typname), a.attnotnull, a.atthasdef OR a.attidentity <> '',
           a.attidentity <> '' OR a.attgenerated <> '',
           ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder),
           ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k
                 WHERE k.conrelid = a.attrelid AND k.contype = 'c' AND a.attnum = ANY (k.conkey) ORDER BY k.conname)
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_type base ON base.oid = nullif(t.typbasetype, 0)
    WHERE a.attrelid = %(table)s AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
"""
_UNIQUE_KEYS: Final[LiteralString] = """
    SELECT i.indexrelid::regclass::text, ARRAY(
        SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (number, place)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
        WHERE k.place <= i.indnkeyatts ORDER BY k.place)
    FROM pg_index i
    WHERE i.indrelid = %(table)s AND i.indisunique AND i.indexprs IS NULL AND i.indpred IS NULL
    ORDER BY 1
"""
_FOREIGN_KEYS: Final[LiteralString] = """
    SELECT k.conname, k.confrelid,
           ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY c (number, place)
                 JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.number ORDER BY c.place),
           ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY c (number, place)
                 JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = c.number ORDER BY c.place)
    FROM pg_constraint k WHERE k.conrelid = %(table)s AND k.contype = 'f' ORDER BY k.conname
"""


@frozen
class Column:
    name: str
    type: str
    is_required: bool
    has_default: bool
    is_computed: bool
    labels: tuple[str, ...]
    """Of an enum, its values."""
    checks: tuple[str, ...]
    """The definitions of the check constraints that it stands in."""


@frozen
class ForeignKey:
    name: str
    referenced: int
    columns: tuple[str, ...]
    referenced_columns: tuple[str, ...]


@frozen(kw_only=True)
class TenantTable:
    """One table; ``oid`` is PostgreSQL's number for it."""

    oid: int
    schema: str
    relation: str
    tenant_column: str
    columns: tuple[Column, ...]
    unique_keys: tuple[tuple[str, tuple[str, ...]], ...]
    foreign_keys: tuple[ForeignKey, ...]

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.relation}"

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.relation)

    @property
    def tenant(self) -> sql.Identifier:
        """The tenant's column."""
        return sql.Identifier(self.tenant_column)


async def find_tenant_tables(connection: psycopg.AsyncConnection[Any]) -> tuple[TenantTable, ...]:
    """Return every table of the database that holds tenants' rows, by schema and name."""
    found = await (await connection.execute(_ORDERED)).fetchall()
    return tuple([await _table(connection, oid, schema, name, column) for oid, schema, name, _, _, column, *_ in found])


async def _table(
    connection: psycopg.AsyncConnection[Any], oid: int, schema: str, name: str, tenant_column: str
) -> TenantTable:
    given = {"table": oid}
    columns = await (await connection.execute(_COLUMNS, given)).fetchall()
    unique = await (await connection.execute(_UNIQUE_KEYS, given)).fetchall()
    foreign = await (await connection.execute(_FOREIGN_KEYS, given)).fetchall()
    return TenantTable(
        oid=oid,
        schema=schema,
        relation=name,
        tenant_column=tenant_column,
        columns=tuple(map(_column, columns)),
        unique_keys=tuple((key, tuple(names)) for key, names in unique),
        foreign_keys=tuple(ForeignKey(row[0], row[1], tuple(row[2]), tuple(row[3])) for row in foreign),
    )


def _column(row: Row) -> Column:
    name, kind, is_required, has_default, is_computed, labels, checks = row
    return Column(name, kind, is_required, has_default, is_computed, tuple(labels), tuple(checks))
