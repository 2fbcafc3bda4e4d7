"""Applies the chain: each revision in one transaction with its version row, one runner at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString

import psycopg
from psycopg import errors, pq

from clincore.adapters.postgres.migrations.revisions import HEAD, Revision, read_chain
from clincore.adapters.postgres.migrations.script import BEGIN, STATE, expecting, script
from clincore.adapters.postgres.migrations.targets import Direction, Step, plan, resolve
from clincore.domain.errors import ClinCoreError, DatabaseUnavailable, MigrationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_IS_MIGRATED: Final[LiteralString] = "SELECT to_regclass('public.alembic_version') IS NOT NULL"
_CURRENT: Final[LiteralString] = "SELECT version_num FROM public.alembic_version"
_CHECKSUMS: Final[LiteralString] = """
    SELECT DISTINCT ON (revision) revision, checksum FROM clincore.migration_log
    WHERE direction = 'upgrade' ORDER BY revision, id DESC
"""
_MAY_CREATE: Final[LiteralString] = """
    SELECT has_database_privilege(current_database(), 'CREATE') AND has_schema_privilege('public', 'CREATE'),
           quote_ident(current_user), quote_ident(current_database())
"""


class Migrations:
    """One database's migrations, run over a role that owns it; each revision grants to ``service_role``."""

    def __init__(self, conninfo: str, service_role: str, chain: Sequence[Revision] | None = None) -> None:
        self._conninfo = conninfo
        self._service_role = service_role
        self.chain = tuple(chain) if chain is not None else read_chain()

    async def current(self) -> str | None:
        """Return the revision the database is at, None where nothing was applied."""
        async with await self._connect() as connection:
            return await _current(connection)

    async def upgrade(self, target: str, done: Callable[[Step], None]) -> None:
        """Apply revisions up to the target; ``done`` is told of each once it is committed. Raises MigrationError."""
        await self._run(target, "upgrade", done, allow_data_loss=False)

    async def downgrade(self, target: str, done: Callable[[Step], None], *, allow_data_loss: bool = False) -> None:
        """Take revisions back to the target.

        Raises MigrationError, with the numbers, where rows or values would go and ``allow_data_loss`` is not given.
        """
        await self._run(target, "downgrade", done, allow_data_loss=allow_data_loss)

    def printed(self, current: str | None, target: str, direction: Direction, *, allow_data_loss: bool = False) -> str:
        """Return a script for psql that does the same to a database at ``current``."""
        parts = ["\\set ON_ERROR_STOP on\n"]
        if direction == "upgrade":
            parts += [BEGIN, STATE, "COMMIT;\n"]
        for step in plan(self.chain, current, target, direction):
            start = step.revision.revises if direction == "upgrade" else step.revision.id
            body = script(step, self._service_role, allow_data_loss=allow_data_loss)
            parts += ["\n", BEGIN, expecting(start), body, "COMMIT;\n"]
        return "".join(parts)

    async def _run(
        self, target: str, direction: Direction, done: Callable[[Step], None], *, allow_data_loss: bool
    ) -> None:
        async with await self._connect() as connection:
            if direction == "upgrade":
                await self._make_state(connection)
            elif not await _is_migrated(connection):
                return
            goal = resolve(self.chain, await _current(connection), target) or "base"
            while (step := await self._step(connection, goal, direction, allow_data_loss)) is not None:
                done(step)

    async def _make_state(self, connection: psycopg.AsyncConnection[Any]) -> None:
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
        await _execute(connection, f"{BEGIN}{STATE}COMMIT;")

    async def _step(
        self, connection: psycopg.AsyncConnection[Any], goal: str, direction: Direction, allow_data_loss: bool
    ) -> Step | None:
        """Do one revision under the lock, from where the database is by then; None where the goal is reached."""
        await _execute(connection, BEGIN)
        try:
            current = await _current(connection)
            steps = plan(self.chain, current, goal, direction)
            await self._refuse_changed_files(connection, current)
            if not steps:
                await connection.rollback()
                return None
            await _execute(connection, script(steps[0], self._service_role, allow_data_loss=allow_data_loss))
            await _execute(connection, "COMMIT")
        except BaseException as error:
            if connection.info.transaction_status != pq.TransactionStatus.UNKNOWN:
                await connection.rollback()
            if isinstance(error, psycopg.Error):
                raise _refusal(error) from None
            raise
        return steps[0]

    async def _refuse_changed_files(self, connection: psycopg.AsyncConnection[Any], current: str | None) -> None:
        applied = dict(await (await connection.execute(_CHECKSUMS)).fetchall())
        for revision in self.chain:
            if current is None:
                return
            was = applied.get(revision.id, revision.checksum)
            if was != revision.checksum:
                raise MigrationError(
                    f"{revision.file} is not the file that was applied: applied {was}, now {revision.checksum}. "
                    "Put the applied file back; changes belong in a new revision."
                )
            if revision.id == current:
                return

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        try:
            return await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True, connect_timeout=10)
        except psycopg.OperationalError:
            raise DatabaseUnavailable(
                "The database cannot be reached over MIGRATION_DATABASE_URL (or DATABASE_URL): is it running, and are "
                "host, port, database, user and password right?"
            ) from None


async def _is_migrated(connection: psycopg.AsyncConnection[Any]) -> bool:
    row = await (await connection.execute(_IS_MIGRATED)).fetchone()
    return bool(row and row[0])


async def _current(connection: psycopg.AsyncConnection[Any]) -> str | None:
    if not await _is_migrated(connection):
        return None
    row = await (await connection.execute(_CURRENT)).fetchone()
    return row[0] if row else None


async def _execute(connection: psycopg.AsyncConnection[Any], text: str) -> None:
    """Run a script of the chain; what the server refuses is told with its message, which names no row's content."""
    try:
        await connection.execute(text)
    except psycopg.Error as error:
        raise _refusal(error) from None


def _refusal(error: psycopg.Error) -> ClinCoreError:
    said = error.diag.message_primary
    if isinstance(error, errors.LockNotAvailable):
        return MigrationError(
            "Waited 30 seconds for a lock: another migration is running, or a transaction holds a table. Nothing was "
            "changed; try again when it has ended."
        )
    if isinstance(error, errors.RestrictViolation):
        return MigrationError(f"{said}. Nothing was changed. Make a backup, then repeat it with --allow-data-loss.")
    if isinstance(error, errors.InsufficientPrivilege):
        return MigrationError(f"{said}. Set MIGRATION_DATABASE_URL to the URL of the database's owner.")
    if isinstance(error, psycopg.OperationalError):
        return DatabaseUnavailable()
    return MigrationError(f"{said} (SQLSTATE {error.sqlstate})")


__all__ = ["HEAD", "Migrations"]
