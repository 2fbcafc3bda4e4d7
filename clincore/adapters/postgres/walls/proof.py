"""Proves, on a live database and as the service's role, that tenants cannot reach each other's rows.

Every attack runs in a transaction that is rolled back, on two tenants made in it: no tenant's own row is touched, and
nothing stays. Locks are waited for only briefly, so that a busy service is not held up.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, LiteralString
from uuid import uuid4

import psycopg
from psycopg import sql

from clincore.adapters.postgres.connection import PostgresConnection
from clincore.adapters.postgres.errors import translating
from clincore.adapters.postgres.transaction import PostgresTransaction
from clincore.adapters.postgres.walls.arena import Arena
from clincore.adapters.postgres.walls.attacks import ATTACKS
from clincore.adapters.postgres.walls.grants import look_at_grants
from clincore.adapters.postgres.walls.lint import LINTS, READING_VIEWS, ROLE, look
from clincore.adapters.postgres.walls.rows import CannotMakeRow, RowMaker
from clincore.adapters.postgres.walls.tenant_tables import TenantTable, find_tenant_tables
from clincore.domain.errors import DatabaseUnavailable
from clincore.domain.finding import Finding, failed, passed, warned

if TYPE_CHECKING:
    from collections.abc import Sequence

# With no schema taken as known, the catalog's functions write every name in full.
_SESSION: Final[LiteralString] = """
    SET lock_timeout = '2s'; SET statement_timeout = '60s'; SET search_path = pg_catalog;
    SET quote_all_identifiers = off
"""
_UNBOUND: Final[LiteralString] = """
    SELECT bool_or(rolsuper OR rolbypassrls) FROM pg_roles WHERE rolname IN (current_user, session_user)
"""
_TENANT: Final[LiteralString] = "SELECT nullif(current_setting('app.tenant_id', true), '')"
_VIEWS: Final[LiteralString] = (
    READING_VIEWS
    + """
    SELECT n.nspname, c.relname
    FROM pg_class c JOIN showing l ON l.view = c.oid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE has_table_privilege(c.oid, 'SELECT')
      AND (c.relkind = 'm'  -- one with security_invoker has its tables' policies, and may well count nothing to 0
           OR NOT coalesce((SELECT option_value::boolean FROM pg_options_to_table(c.reloptions)
                            WHERE option_name = 'security_invoker'), false))
    ORDER BY 1, 2
"""
)
_CURE: Final = "compare the table with the reviewed schema: clincore migrate verify"


class PostgresWalls:
    """The walls of one database, attacked over the service's own connection string."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo

    async def prove(self) -> Sequence[Finding]:
        try:
            connection = await PostgresConnection.connect(
                self._conninfo, autocommit=True, connect_timeout=10, client_encoding="utf8"
            )
        except psycopg.OperationalError:
            raise DatabaseUnavailable from None
        async with connection:
            with translating():
                try:
                    await connection.execute(_SESSION)
                    return await _prove(connection)
                except psycopg.errors.LockNotAvailable:
                    told = "one is locked by another transaction, so that it cannot be looked at"
                    return [failed("tables", told, "try again when that has ended")]


async def _prove(connection: PostgresConnection) -> list[Finding]:
    tables = await find_tenant_tables(connection)
    if not tables:
        return [failed("tables", "no table with a tenant is there", "clincore migrate upgrade head")]
    findings = [passed("tables", f"{len(tables)} with a tenant: {', '.join(one.name for one in tables)}")]
    if await _is_unbound(connection):
        # Whatever such a role gets through with says nothing of the walls.
        return [*findings, *await look(connection, ROLE)]
    for lint in LINTS:
        findings += await look(connection, lint)
    findings += await look_at_grants(connection)
    findings += await _attack_connection(connection)
    findings += await _attack_tables(connection, tables)
    return [*findings, *await _attack_views(connection)]


async def _is_unbound(connection: psycopg.AsyncConnection[Any]) -> bool:
    row = await (await connection.execute(_UNBOUND)).fetchone()
    return bool(row and row[0])


async def _attack_connection(connection: PostgresConnection) -> list[Finding]:
    """Whether a connection comes with a tenant, or keeps one that a transaction on it was bound to."""
    check = "the setting after a commit"
    cure = "ALTER ROLE or DATABASE … RESET app.tenant_id; a pooler must give connections out by transaction"
    (before,) = await (await connection.execute(_TENANT)).fetchone() or (None,)
    if before is not None:
        return [failed(check, "a new connection is bound to a tenant before anything was asked", cure)]
    work = PostgresTransaction(connection, uuid4(), None)
    await work.commit()
    (after,) = await (await connection.execute(_TENANT)).fetchone() or (None,)
    if after is not None:
        return [failed(check, "the tenant of a transaction stays on its connection", cure)]
    return [passed(check, "gone from the connection")]


async def _attack_tables(connection: psycopg.AsyncConnection[Any], tables: Sequence[TenantTable]) -> list[Finding]:
    breaches: dict[str, list[Finding]] = {name: [] for name in ATTACKS}
    spared: list[Finding] = []
    by_oid = {table.oid: table for table in tables}
    for table in tables:
        async with connection.transaction(force_rollback=True):
            maker = RowMaker(connection, by_oid)
            arena = Arena(connection=connection, maker=maker, tables=by_oid, own=uuid4(), other=uuid4())
            try:
                for tenant in (arena.own, arena.other):
                    await maker.enter(tenant, table)
            except CannotMakeRow as why:
                spared.append(await _attack_without_rows(arena, table, why))
                continue
            for name, attack in ATTACKS.items():
                if (breach := await attack(arena, table)) is not None:
                    breaches[name].append(failed(name, f"{table.name}: {breach}", _CURE))
    count = len(tables) - len(spared)
    if not count:
        cure = "DATABASE_URL's user must be the one that the migrations granted to"
        return [failed("attacks", "nothing was attacked: the service's role can enter no row anywhere", cure), *spared]
    held = f"refused, or without effect, on {count} table{'' if count == 1 else 's'}"
    return [one for name, found in breaches.items() for one in found or [passed(name, held)]] + spared


async def _attack_without_rows(arena: Arena, table: TenantTable, why: CannotMakeRow) -> Finding:
    """Where no row could be made, look at least whether rows that are there are seen without a tenant."""
    breach = await ATTACKS["read without a tenant"](arena, table)
    if breach is not None:
        return failed("read without a tenant", f"{table.name}: {breach}", _CURE)
    return warned(
        "attacks", f"{table.name} was not attacked: {why}", "let the service's role INSERT there, or look at it by hand"
    )


async def _attack_views(connection: psycopg.AsyncConnection[Any]) -> list[Finding]:
    """Whether a view that reads tenants' rows shows any without a tenant."""
    check, findings = "views without a tenant", []
    views = await (await connection.execute(_VIEWS)).fetchall()
    for schema, name in views:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, name))
        seen = 0
        with suppress(psycopg.errors.Error):  # a view that fails shows nothing
            async with connection.transaction(force_rollback=True):
                (seen,) = await (await connection.execute(query)).fetchone() or (0,)
        if seen:
            cure = "ALTER VIEW … SET (security_invoker = true); drop a materialized view"
            findings.append(failed(check, f"{schema}.{name}: rows seen: {seen}", cure))
    return findings or [passed(check, "none shows a row" if views else "no view reads tenants' rows")]
