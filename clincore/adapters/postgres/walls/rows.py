"""Makes rows of tables that are known from the catalog alone, for a transaction that is rolled back."""

from __future__ import annotations

import re
from itertools import islice, product
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from attrs import define, field
from psycopg import errors, sql

from clincore.adapters.postgres.tenant_binding import bind_tenant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import psycopg

    from clincore.adapters.postgres.walls.tenant_tables import Column, TenantTable

_TRIES: Final = 500
_LITERAL: Final = re.compile(r"'((?:[^']|'')*)'::")
_VALUES: Final[Mapping[str, Sequence[str]]] = {
    "bool": ("true", "false"),
    "bytea": ("x",),
    "date": ("2000-01-01",),
    "float4": ("1", "0"),
    "float8": ("1", "0"),
    "inet": ("127.0.0.1",),
    "int2": ("1", "0"),
    "int4": ("1", "0"),
    "int8": ("1", "0"),
    "interval": ("1 hour",),
    "json": ("{}", "[]"),
    "jsonb": ("{}", "[]"),
    "numeric": ("1", "0"),
    "time": ("12:00",),
    "timestamp": ("2000-01-01",),
    "timestamptz": ("2000-01-01Z",),
}
_TEXTS: Final = ("bpchar", "citext", "text", "varchar")


class CannotMakeRow(Exception):
    """No row of the table was taken: its message says why, and quotes nothing that is in the database."""


@define
class RowMaker:
    """Enters rows for tenants, with the rows that they refer to; values are texts that the column's type reads."""

    connection: psycopg.AsyncConnection[Any]
    tables: Mapping[int, TenantTable]
    _made: dict[tuple[UUID, int], dict[str, str]] = field(factory=dict)
    _making: set[int] = field(factory=set)

    async def enter(self, tenant_id: UUID, table: TenantTable) -> Mapping[str, str]:
        """Return the tenant's row of a table, entered at the first call; raises CannotMakeRow.

        The transaction is bound to that tenant afterwards.
        """
        known = self._made.get((tenant_id, table.oid))
        if known is not None:
            return known
        async with self._once(table):
            fixed = await self._references(tenant_id, table)
            await bind_tenant(self.connection, tenant_id)
            row = await self._tried(table, {**fixed, table.tenant_column: str(tenant_id)})
        self._made[tenant_id, table.oid] = row
        return row

    def another(self, tenant_id: UUID, table: TenantTable) -> dict[str, str]:
        """Return a row like the tenant's, not entered, that differs from it where a key is no reference."""
        row = dict(self._made[tenant_id, table.oid])
        referring = {name for key in table.foreign_keys for name in key.columns} | {table.tenant_column}
        keyed = {name for _, names in table.unique_keys for name in names} - referring
        for column in table.columns:
            if column.name in keyed and column.name in row:
                row[column.name] = _different(column, row[column.name])
        return row

    def _once(self, table: TenantTable) -> _Once:
        return _Once(self._making, table)

    async def _references(self, tenant_id: UUID, table: TenantTable) -> dict[str, str]:
        found: dict[str, str] = {}
        required = {column.name for column in table.columns if column.is_required}
        for key in table.foreign_keys:
            parent = self.tables.get(key.referenced)
            besides = set(key.columns) - {table.tenant_column}
            if parent is None or (besides and not required & besides):
                continue  # a reference that may be left out
            row = await self.enter(tenant_id, parent)
            for name, referenced in zip(key.columns, key.referenced_columns, strict=True):
                if referenced not in row:
                    raise CannotMakeRow(f"no row of {table.name} could be made (the server makes {key.name}'s values)")
                found[name] = row[referenced]
        return found

    async def _tried(self, table: TenantTable, fixed: Mapping[str, str]) -> dict[str, str]:
        keyed = {name for _, names in table.unique_keys for name in names}
        open_columns = [
            column
            for column in table.columns
            if column.name not in fixed
            and not column.is_computed
            and ((column.is_required and not column.has_default) or (column.name in keyed and _choices(column)))
        ]
        said = "the values tried are refused by its check constraints"
        for values in islice(_combinations(open_columns), _TRIES):
            row = {**fixed, **values}
            try:
                async with self.connection.transaction():
                    await self.connection.execute(insert(table, row))
            except errors.CheckViolation:
                continue
            except errors.Error as error:
                said = f"SQLSTATE {error.sqlstate}"
                break
            return row
        raise CannotMakeRow(f"no row of {table.name} could be made ({said})")


@define
class _Once:
    """Guards against tables that refer to each other in a circle."""

    making: set[int]
    table: TenantTable

    async def __aenter__(self) -> None:
        if self.table.oid in self.making:
            raise CannotMakeRow(f"no row of {self.table.name} could be made (it refers to itself)")
        self.making.add(self.table.oid)

    async def __aexit__(self, *_raised: object) -> None:
        self.making.discard(self.table.oid)


def insert(table: TenantTable, row: Mapping[str, str], *, unless_in_conflict: bool = False) -> sql.Composed:
    """Return an INSERT of a row."""
    names = sql.SQL(", ").join(map(sql.Identifier, row))
    values = sql.SQL(", ").join(map(sql.Literal, row.values()))
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(table.identifier, names, values)
    return statement + sql.SQL(" ON CONFLICT DO NOTHING") if unless_in_conflict else statement


def _combinations(columns: Sequence[Column]) -> Iterator[dict[str, str]]:
    names = [column.name for column in columns]
    for values in product(*(_choices(column) for column in columns)):
        yield dict(zip(names, values, strict=True))


def _choices(column: Column) -> Sequence[str]:
    if column.type == "uuid":
        return (str(uuid4()),)
    if column.labels:
        return column.labels
    if column.type in _TEXTS:
        named = [text.replace("''", "'") for check in column.checks for text in _LITERAL.findall(check)]
        return (*named, token_hex(4), token_hex(32))  # of each tenant another, so that keys differ
    return _VALUES.get(column.type, ())


def _different(column: Column, value: str) -> str:
    if column.type == "uuid":
        return str(uuid4())
    if column.type in _TEXTS:
        return value[:-1] + ("1" if value[-1:] != "1" else "2")
    if column.type in ("int2", "int4", "int8", "numeric"):
        return str(int(value) + 1)
    return value
