"""Where attacks take place: one transaction, two tenants in it that nobody else sees, and nothing that stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import frozen
from psycopg import errors

from clincore.adapters.postgres.tenant_binding import bind_tenant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    import psycopg
    from psycopg import sql

    from clincore.adapters.postgres.walls.rows import RowMaker
    from clincore.adapters.postgres.walls.tenant_tables import TenantTable

LOCK_WAITED_FOR: Final = "55P03"
DUPLICATE: Final = "23505"
NO_SUCH_ROW: Final = "23503"


@frozen
class Answer:
    """What a statement came to: its refusal's SQLSTATE and constraint, or how many rows it touched and its value."""

    refusal: str | None = None
    constraint: str | None = None
    count: int = 0
    value: Any = None


@frozen(kw_only=True)
class Arena:
    """The attacker's tenant ``own`` and the ``other`` one, each with a row in the table under attack."""

    connection: psycopg.AsyncConnection[Any]
    maker: RowMaker
    tables: Mapping[int, TenantTable]
    own: UUID
    other: UUID

    async def attempt(self, bound: UUID | None, *statements: sql.Composed) -> Answer:
        """Run statements bound to a tenant, or to none; undo them, and return what the last came to."""
        try:
            async with self.connection.transaction(force_rollback=True):
                await bind_tenant(self.connection, bound)
                for statement in statements:
                    cursor = await self.connection.execute(statement, prepare=False)
                row = await cursor.fetchone() if cursor.description else None
                await self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")  # those deferred speak now, too
                return Answer(count=cursor.rowcount, value=row[0] if row else None)
        except errors.Error as error:
            if error.sqlstate is None:
                raise
            return Answer(refusal=error.sqlstate, constraint=error.diag.constraint_name)

    async def copied_out(self, statement: sql.Composed) -> bytes | None:
        """Return what COPY TO gives the attacker, None where it is refused."""
        try:
            async with self.connection.transaction(force_rollback=True):
                await bind_tenant(self.connection, self.own)
                async with self.connection.cursor().copy(statement) as copy:
                    return b"".join([bytes(block) async for block in copy])
        except errors.Error as error:
            if error.sqlstate is None:
                raise
            return None

    async def copied_in(self, statement: sql.Composed, values: list[str]) -> Answer:
        """Try to bring a row in by COPY FROM, bound to the attacker."""
        try:
            async with self.connection.transaction(force_rollback=True):
                await bind_tenant(self.connection, self.own)
                cursor = self.connection.cursor()
                async with cursor.copy(statement) as copy:
                    await copy.write_row(values)
                return Answer(count=cursor.rowcount)
        except errors.Error as error:
            if error.sqlstate is None:
                raise
            return Answer(refusal=error.sqlstate)
