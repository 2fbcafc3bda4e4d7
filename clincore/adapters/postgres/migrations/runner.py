"""Applies the chain: each revision in one transaction with its version row, one runner at a time."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, LiteralString

import psycopg
from psycopg import pq, sql

from clincore.adapters.postgres.errors import OWNERS_DATABASE_UNREACHABLE
from clincore.adapters.postgres.migrations.refusals import execute, refusal, stamp_refused
from clincore.adapters.postgres.migrations.revisions import read_chain
from clincore.adapters.postgres.migrations.script import LOCK_SECONDS, STATE, begin, expecting, script, stamping
from clincore.adapters.postgres.migrations.targets import plan, resolve
from clincore.adapters.postgres.migrations.verification import applied_part, changed_files, schema_differences
from clincore.adapters.postgres.migrations.waiting import Waiting, waits_told
from clincore.domain.errors import DatabaseUnavailable, MigrationError
from clincore.domain.migration import Direction, Revision, Step, Verification

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

_IS_MIGRATED: Final[LiteralString] = "SELECT to_regclass('public.alembic_version') IS NOT NULL"
_CURRENT: Final[LiteralString] = "SELECT version_num FROM public.alembic_version"
_MAY_CREATE: Final[LiteralString] = """
    SELECT has_database_privilege(current_database(), 'CREATE') AND has_schema_privilege('public', 'CREATE'),
           quote_ident(current_user), quote_ident(current_database())
"""
_ONE_MOMENT: Final[LiteralString] = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


def _untold(_wait: str) -> None:
    """Keep silent about waits."""


class PostgresMigrations:
    """One database's migrations, run over a role that owns it; each revision grants to ``service_role``.

    ``lock_seconds`` is how long a step waits for its turn, and for each lock, before it gives up.
    """

    def __init__(
        self,
        conninfo: str,
        service_role: str,
        chain: Sequence[Revision] | None = None,
        *,
        lock_seconds: float = LOCK_SECONDS,
    ) -> None:
        self._conninfo = conninfo
        self._service_role = service_role
        self._lock_seconds = lock_seconds
        self.chain: Sequence[Revision] = tuple(chain) if chain is not None else read_chain()

    async def current(self) -> str | None:
        async with await self._connect() as connection:
            return await self._asked(connection)

    async def upgrade(
        self, target: str, done: Callable[[Step], None], waiting: Callable[[str], None] = _untold
    ) -> None:
        await self._run(target, "upgrade", done, waiting, allow_data_loss=False)

    async def downgrade(
        self,
        target: str,
        done: Callable[[Step], None],
        waiting: Callable[[str], None] = _untold,
        *,
        allow_data_loss: bool = False,
    ) -> None:
        await self._run(target, "downgrade", done, waiting, allow_data_loss=allow_data_loss)

    async def stamp(self, target: str) -> bool:
        if target.startswith(("+", "-")):
            raise MigrationError(f"What is stamped is a revision, or head, and not {target!r}.")
        goal = resolve(self.chain, None, target)
        if goal is None:
            raise MigrationError("There is nothing to stamp at base; 'clincore migrate upgrade' begins there.")
        part = applied_part(self.chain, goal)
        async with await self._connect() as connection:
            await _require_fit(connection)
            async with self._turn(connection):
                await execute(connection, STATE)
                if differences := await schema_differences(connection, part, self._service_role):
                    raise stamp_refused(goal, differences)
                if await _current(connection) == goal and not await changed_files(connection, part):
                    return False
                await execute(connection, stamping(part))
                await execute(connection, "COMMIT")
        return True

    async def verify(self) -> Verification:
        async with await self._connect() as connection:
            if await self._asked(connection) is None:
                return Verification(current=None, pending=tuple(self.chain))
            try:
                async with connection.transaction():
                    await connection.execute(_ONE_MOMENT)
                    return await self._verified(connection)
            except psycopg.Error as error:
                raise refusal(error, Waiting(), self._lock_seconds) from None

    async def _verified(self, connection: psycopg.AsyncConnection[Any]) -> Verification:
        current = await _current(connection)
        if current not in {revision.id for revision in self.chain}:
            told = f"this version of ClinCore does not know the revision {current}"
            return Verification(current=current, differences=(told,))
        applied = applied_part(self.chain, current)
        return Verification(
            current=current,
            pending=tuple(self.chain[len(applied) :]),
            changed_files=await changed_files(connection, applied),
            differences=await schema_differences(connection, applied, self._service_role),
        )

    def printed(self, current: str | None, target: str, direction: Direction, *, allow_data_loss: bool = False) -> str:
        opening = begin(self._lock_seconds)
        parts = ["\\set ON_ERROR_STOP on\n"]
        if direction == "upgrade":
            parts += [opening, STATE, "COMMIT;\n"]
        for step in plan(self.chain, current, target, direction):
            start = step.revision.revises if direction == "upgrade" else step.revision.id
            body = script(step, self._service_role, allow_data_loss=allow_data_loss)
            parts += ["\n", opening, expecting(start), body, "COMMIT;\n"]
        return "".join(parts)

    async def _run(
        self,
        target: str,
        direction: Direction,
        done: Callable[[Step], None],
        waiting: Callable[[str], None],
        *,
        allow_data_loss: bool,
    ) -> None:
        async with await self._connect() as connection:
            if direction == "upgrade":
                await _require_fit(connection)
                async with self._turn(connection, waiting):
                    await execute(connection, f"{STATE}COMMIT;")
            elif not await _is_migrated(connection):
                return
            goal = resolve(self.chain, await self._asked(connection), target) or "base"
            while (step := await self._step(connection, goal, direction, waiting, allow_data_loss)) is not None:
                done(step)

    async def _step(
        self,
        connection: psycopg.AsyncConnection[Any],
        goal: str,
        direction: Direction,
        waiting: Callable[[str], None],
        allow_data_loss: bool,
    ) -> Step | None:
        """Do one revision under the lock, from where the database is by then; None where the goal is reached."""
        async with self._turn(connection, waiting):
            current = await _current(connection)
            steps = plan(self.chain, current, goal, direction)
            for changed in await changed_files(connection, applied_part(self.chain, current)):
                raise MigrationError(f"{changed} Put the applied file back; changes belong in a new revision.")
            if not steps:
                return None
            await execute(connection, script(steps[0], self._service_role, allow_data_loss=allow_data_loss))
            await execute(connection, "COMMIT")
        return steps[0]

    @asynccontextmanager
    async def _turn(
        self, connection: psycopg.AsyncConnection[Any], tell: Callable[[str], None] = _untold
    ) -> AsyncIterator[None]:
        """Open a transaction that no other runner works beside, rolled back unless committed; errors are translated."""
        waiting = Waiting()
        try:
            async with waits_told(self._conninfo, connection, waiting, tell):
                await connection.execute(begin(self._lock_seconds).encode())
                yield
        except psycopg.Error as error:
            raise refusal(error, waiting, self._lock_seconds) from None
        finally:
            if connection.info.transaction_status not in (pq.TransactionStatus.IDLE, pq.TransactionStatus.UNKNOWN):
                await connection.rollback()

    async def _asked(self, connection: psycopg.AsyncConnection[Any]) -> str | None:
        """Return the revision, asked outside of any turn."""
        try:
            return await _current(connection)
        except psycopg.Error as error:
            raise refusal(error, Waiting(), self._lock_seconds) from None

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        try:
            connection = await psycopg.AsyncConnection.connect(
                self._conninfo, autocommit=True, connect_timeout=10, client_encoding="utf8"
            )
        except psycopg.OperationalError:
            raise DatabaseUnavailable(OWNERS_DATABASE_UNREACHABLE) from None
        await connection.execute(sql.SQL("SET lock_timeout = {}").format(f"{round(self._lock_seconds * 1000)}ms"))
        return connection


async def _require_fit(connection: psycopg.AsyncConnection[Any]) -> None:
    """Raise MigrationError, with the cure, for a database or a role that the chain cannot be applied with."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise MigrationError(
            f"The database's encoding is {encoding}, ClinCore needs UTF8. Make it anew: "
            "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )
    row = await (await connection.execute(_MAY_CREATE)).fetchone()
    if row is not None and not row[0]:
        _, role, database = row
        raise MigrationError(
            f"The role {role} may not create tables in the database {database}. Set MIGRATION_DATABASE_URL to the "
            "URL of the database's owner; or, to use one role for everything, let it own the database: "
            f"ALTER DATABASE {database} OWNER TO {role}"
        )


async def _is_migrated(connection: psycopg.AsyncConnection[Any]) -> bool:
    row = await (await connection.execute(_IS_MIGRATED)).fetchone()
    return bool(row and row[0])


async def _current(connection: psycopg.AsyncConnection[Any]) -> str | None:
    if not await _is_migrated(connection):
        return None
    row = await (await connection.execute(_CURRENT)).fetchone()
    return row[0] if row else None
