"""A transaction whose statements wait for a flush, and then travel together in psycopg's pipeline mode."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, LiteralString, TypeVar

import psycopg

from clincore.adapters.postgres.authentication import (
    CHECK_KEY,
    KEEP_LAST_USE,
    Admission,
    admitted,
    key_parameters,
)
from clincore.adapters.postgres.errors import translated
from clincore.adapters.postgres.statement import Row, Statement
from clincore.adapters.postgres.tenant_binding import bind_tenant
from clincore.adapters.postgres.watchdog import answer_expected
from clincore.domain.errors import CommitUncertain
from clincore.ports.pending import Pending

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from clincore.domain.call import Call
    from clincore.domain.identity import Principal

T = TypeVar("T")
_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"
_BEGIN_ONE_TRIP: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ"


class PostgresTransaction:
    """A transaction of one tenant on one connection; ``call`` is None for its operator."""

    def __init__(self, connection: psycopg.AsyncConnection[Row], tenant_id: UUID, call: Call | None) -> None:
        self._connection = connection
        self._call = call
        self.tenant_id = tenant_id
        self._begun = False
        self._over = False
        self._has_written = False
        self._admission: Admission | None = None
        self._queue: list[Statement] = []

    @property
    def principal(self) -> Principal:
        if self._admission is None:
            raise RuntimeError("who calls is known after the first flush")
        return self._admission.principal

    @property
    def call(self) -> Call:
        if self._call is None:
            raise RuntimeError("an operator's unit of work has no call")
        return self._call

    async def flush(self) -> None:
        await self._send(commit=False)

    async def commit(self) -> None:
        await self._send(commit=True)

    # --- for the stores ------------------------------------------------------------------------------

    def ask(
        self, text: LiteralString, parameters: Mapping[str, object], read: Callable[[Sequence[Row]], T]
    ) -> Pending[T]:
        """Queue a query; ``read`` makes the result of its rows."""
        pending: Pending[T] = Pending()
        self._add(Statement(sql=text, parameters=self._bound(parameters), pending=pending, read=read))
        return pending

    def write(
        self, text: LiteralString, parameters: Mapping[str, object], refusals: Mapping[str, Exception] | None = None
    ) -> Pending[bool]:
        """Queue a change; the result is whether it wrote a row."""
        pending: Pending[bool] = Pending()
        self._add(
            Statement(
                sql=text,
                parameters=self._bound(parameters),
                pending=pending,
                affected=lambda count: count > 0,
                conditional=False,
                refusals=refusals or {},
            )
        )
        return pending

    def note(self, text: LiteralString, parameters: Mapping[str, object]) -> None:
        """Queue a row of log or usage, which its statement writes only under a valid key of the role needed.

        The statement learns as ``admitted`` whether the key was found to be that in an earlier round trip.
        """
        call = self.call
        key = {"key_hash": call.key_digest, "at": call.at, "admin_only": call.admin_only}
        self._add(Statement(sql=text, parameters={**self._bound(parameters), **key}))

    def require_own(self, tenant_id: UUID) -> None:
        """Refuse a record of another tenant."""
        if tenant_id != self.tenant_id:
            raise ValueError("the unit of work is bound to another tenant")

    # --- sending --------------------------------------------------------------------------------------

    def _bound(self, parameters: Mapping[str, object]) -> dict[str, object]:
        return {**parameters, "tenant_id": self.tenant_id}

    def _add(self, statement: Statement) -> None:
        self._queue.append(statement)

    async def _send(self, *, commit: bool) -> None:
        """Send the queue; what would write without a valid key waits until the key was found valid.

        A unit of work ends with its commit, and with whatever was refused.
        """
        if self._over:
            raise RuntimeError("the unit of work is over")
        self._over = True
        checked = self._call is None or self._admission is not None
        if not checked and not all(statement.conditional for statement in self._queue):
            await self._round_trip([], commit=False)
        queue, self._queue = self._queue, []
        await self._round_trip(queue, commit=commit)
        self._over = commit
        if commit and self._admission is not None and self._admission.is_use_due:
            await self._keep_last_use()

    async def _round_trip(self, statements: Sequence[Statement], *, commit: bool) -> None:
        unchecked = self._call if self._admission is None else None
        admission = {"admitted": self._admission is not None}
        self._has_written |= not all(statement.conditional for statement in statements)
        cursors: list[psycopg.AsyncCursor[Row]] = []
        try:
            with answer_expected(self._connection):
                async with self._connection.pipeline():
                    await self._begin(is_one_trip=commit and unchecked is not None)
                    key = await self._execute(CHECK_KEY, key_parameters(unchecked)) if unchecked else None
                    for statement in statements:
                        cursors.append(await self._execute(statement.sql, {**statement.parameters, **admission}))
                    if commit:
                        await self._connection.execute("COMMIT")
            found = await key.fetchall() if key is not None else []
            rows = [await cursor.fetchall() if cursor.description else [] for cursor in cursors]
        except psycopg.Error as error:
            raise self._refusal(error, statements, commit=commit) from None
        if unchecked is not None:
            self._admission = admitted(found, unchecked)
        for statement, cursor, answer in zip(statements, cursors, rows, strict=True):
            _deliver(statement, cursor.rowcount, answer)

    async def _begin(self, *, is_one_trip: bool) -> None:
        """Open the transaction and bind it to the tenant.

        What travels in one round trip with the key's check sees one snapshot: a key that ends meanwhile is valid for
        the read, the log and the usage alike, or for none of them. What takes several trips sees what others commit
        in between, as the plan's guard must.
        """
        if not self._begun:
            self._begun = True
            await self._connection.execute(_BEGIN_ONE_TRIP if is_one_trip else _BEGIN)
            await bind_tenant(self._connection, self.tenant_id)

    async def _keep_last_use(self) -> None:
        """Keep, in a transaction of its own, when the key was used; the call is done, whatever becomes of it."""
        with suppress(psycopg.Error), answer_expected(self._connection):
            async with self._connection.pipeline():
                self._begun = False
                await self._begin(is_one_trip=False)
                await self._execute(KEEP_LAST_USE, key_parameters(self.call))
                await self._connection.execute("COMMIT")

    async def _execute(self, text: LiteralString, parameters: Mapping[str, object]) -> psycopg.AsyncCursor[Row]:
        return await self._connection.execute(text, parameters)

    def _refusal(self, error: psycopg.Error, statements: Sequence[Statement], *, commit: bool) -> Exception:
        if commit and self._has_written and self._connection.broken:
            return CommitUncertain()
        named = error.diag.constraint_name
        for statement in statements:
            if named is not None and named in statement.refusals:
                return statement.refusals[named]
        return translated(error)


def _deliver(statement: Statement, count: int, rows: Sequence[Row]) -> None:
    if statement.pending is None:
        return
    value: Any = None
    if statement.read is not None:
        value = statement.read(rows)
    elif statement.affected is not None:
        value = statement.affected(count)
    statement.pending.arrive(value)
