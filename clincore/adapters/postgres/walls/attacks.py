"""Attacks on one tenant table, as the service's role; each returns what it got through with, None where it failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, LiteralString, TypeAlias

from psycopg import sql

from clincore.adapters.postgres.walls.arena import DUPLICATE, LOCK_WAITED_FOR, NO_SUCH_ROW, Arena
from clincore.adapters.postgres.walls.rows import insert
from clincore.adapters.postgres.walls.tenant_tables import TenantTable

if TYPE_CHECKING:
    from collections.abc import Mapping

Attack: TypeAlias = Callable[[Arena, TenantTable], Awaitable[str | None]]

_COUNT: Final[LiteralString] = "SELECT count(*) FROM {}"
_COUNT_OF: Final[LiteralString] = "SELECT count(*) FROM {} WHERE {} = {}"
_TOUCH: Final[LiteralString] = "UPDATE {} SET {} = {} WHERE {} = {}"
_DELETE: Final[LiteralString] = "DELETE FROM {} WHERE {} = {}"


async def read_without_a_tenant(arena: Arena, table: TenantTable) -> str | None:
    seen = await arena.attempt(None, sql.SQL(_COUNT).format(table.identifier))
    return f"rows seen: {seen.value}" if seen.value else None


async def read_another_tenants_rows(arena: Arena, table: TenantTable) -> str | None:
    query = sql.SQL(_COUNT_OF).format(table.identifier, table.tenant, sql.Literal(str(arena.other)))
    seen = await arena.attempt(arena.own, query)
    return f"rows seen: {seen.value}" if seen.value else None


async def change_another_tenants_rows(arena: Arena, table: TenantTable) -> str | None:
    other = sql.Literal(str(arena.other))
    touch = sql.SQL(_TOUCH).format(table.identifier, table.tenant, table.tenant, table.tenant, other)
    delete = sql.SQL(_DELETE).format(table.identifier, table.tenant, other)
    for how, statement in (("UPDATE", touch), ("DELETE", delete)):
        done = await arena.attempt(arena.own, statement)
        if done.count > 0:
            return f"rows that {how} reaches: {done.count}"
    return None


async def insert_for_another_tenant(arena: Arena, table: TenantTable) -> str | None:
    row = arena.maker.another(arena.other, table)
    for bound, how in ((arena.own, "bound to another tenant"), (None, "bound to none")):
        # Row-level security comes before the keys: where they refuse, it has let the row pass.
        if (await arena.attempt(bound, insert(table, row))).refusal in (None, DUPLICATE, NO_SUCH_ROW):
            return f"a row is taken {how}"
    return None


async def move_rows_to_another_tenant(arena: Arena, table: TenantTable) -> str | None:
    own, other = sql.Literal(str(arena.own)), sql.Literal(str(arena.other))
    moved = await arena.attempt(
        arena.own, sql.SQL(_TOUCH).format(table.identifier, table.tenant, other, table.tenant, own)
    )
    return f"rows moved: {moved.count}" if moved.count > 0 else None


async def refer_to_another_tenants_row(arena: Arena, table: TenantTable) -> str | None:
    """A foreign key's check does not obey row-level security: what it finds must be the tenant's own."""
    for key in table.foreign_keys:
        parent = arena.tables.get(key.referenced)
        pairs = [
            pair for pair in zip(key.columns, key.referenced_columns, strict=True) if pair[0] != table.tenant_column
        ]
        if parent is None or not pairs:
            continue
        target = await arena.maker.enter(arena.other, parent)
        if not target.keys() >= {referenced for _, referenced in pairs}:
            continue  # values that the server makes are not known here
        row = arena.maker.another(arena.own, table) | {name: target[referenced] for name, referenced in pairs}
        answer = await arena.attempt(arena.own, insert(table, row))
        if answer.refusal is None:
            return f"{key.name} takes a row of another tenant, and so tells that it exists"
    return None


async def learn_of_an_id(arena: Arena, table: TenantTable) -> str | None:
    """A unique key's check does not obey row-level security either."""
    for _, row in await _with_hidden_keys(arena, table):
        answer = await arena.attempt(arena.own, insert(table, row))
        if answer.refusal == DUPLICATE:
            return f"{answer.constraint} refuses what another tenant has, and so tells that it exists"
    return None


async def conflict_with_a_hidden_row(arena: Arena, table: TenantTable) -> str | None:
    for name, row in await _with_hidden_keys(arena, table):
        answer = await arena.attempt(arena.own, insert(table, row, unless_in_conflict=True))
        if answer.refusal is None and answer.count == 0:
            return f"ON CONFLICT notices another tenant's row through {name}"
    copy = await arena.maker.enter(arena.other, table)
    answer = await arena.attempt(arena.own, insert(table, copy, unless_in_conflict=True))
    return "ON CONFLICT passes over another tenant's row" if answer.refusal is None else None


async def truncate(arena: Arena, table: TenantTable) -> str | None:
    answer = await arena.attempt(arena.own, sql.SQL("TRUNCATE {} CASCADE").format(table.identifier))
    return "TRUNCATE is allowed" if answer.refusal in (None, LOCK_WAITED_FOR) else None


async def copy_out(arena: Arena, table: TenantTable) -> str | None:
    content = await arena.copied_out(sql.SQL("COPY {} TO STDOUT").format(table.identifier))
    return "COPY TO gives another tenant's rows" if content and str(arena.other).encode() in content else None


async def copy_in(arena: Arena, table: TenantTable) -> str | None:
    row = arena.maker.another(arena.other, table)
    names = sql.SQL(", ").join(map(sql.Identifier, row))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(table.identifier, names)
    answer = await arena.copied_in(statement, list(row.values()))
    return "COPY FROM takes a row for another tenant" if answer.refusal is None else None


async def switch_row_security_off(arena: Arena, table: TenantTable) -> str | None:
    off = sql.SQL("SET LOCAL row_security = off").format()
    seen = await arena.attempt(arena.own, off, sql.SQL(_COUNT).format(table.identifier))
    return "with row_security = off a query is answered" if seen.refusal is None else None


ATTACKS: Final[Mapping[str, Attack]] = {
    "read without a tenant": read_without_a_tenant,
    "read another tenant's rows": read_another_tenants_rows,
    "change another tenant's rows": change_another_tenants_rows,
    "insert for another tenant": insert_for_another_tenant,
    "move rows to another tenant": move_rows_to_another_tenant,
    "refer to another tenant's row": refer_to_another_tenants_row,
    "learn of an id by a unique key": learn_of_an_id,
    "ON CONFLICT with a hidden row": conflict_with_a_hidden_row,
    "TRUNCATE": truncate,
    "COPY TO": copy_out,
    "COPY FROM": copy_in,
    "row_security = off": switch_row_security_off,
}


async def _with_hidden_keys(arena: Arena, table: TenantTable) -> list[tuple[str, dict[str, str]]]:
    """Rows of the attacker's that have another tenant's value in one unique key each."""
    own, hidden = await arena.maker.enter(arena.own, table), await arena.maker.enter(arena.other, table)
    alone = await arena.attempt(arena.own, insert(table, arena.maker.another(arena.own, table)))
    if alone.refusal == DUPLICATE:
        return []  # a second row of one's own is refused already: nothing is learnt of others
    rows = []
    for name, columns in table.unique_keys:
        taken = {column: hidden[column] for column in columns if column != table.tenant_column and column in hidden}
        if taken and not taken.items() <= own.items():
            rows.append((name, arena.maker.another(arena.own, table) | taken))
    return rows
