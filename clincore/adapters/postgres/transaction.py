"""A transaction whose statements wait for a flush, and then travel together in psycopg's pipeline mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString, TypeVar

import psycopg
from psycopg import sql

from clincore.adapters.postgres.authentication import CHECK_KEY, read_principal
from clincore.adapters.postgres.errors import translated
from clincore.adapters.postgres.statement import Row, Statement
from clincore.domain.errors import CommitUncertain, Forbidden, Unauthenticated
from clincore.domain.identity import Principal, Role
from clincore.ports.pending import Pending

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from clincore.domain.call import Call

T = TypeVar("T")
_BIND_TENANT = sql.SQL("SET LOCAL app.tenant_id = {}")


class PostgresTransaction:
    """A transaction of one tenant on one connection; ``call`` is None for its operator."""

    def __init__(self, connection: psycopg.AsyncConnection[Row], tenant_id: UUID, call: Call | None) -> None:
        self._connection = connection
        self._call = call
        self.tenant_id = tenant_id
        self._begun = False
        self._over = False
        self._principal: Principal | None = None
        self._queue: list[Statement] = []

    @property
    def principal(self) -> Principal:
        if self._principal is None:
            raise RuntimeError("who calls is known after the first flush")
        return self._principal

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
        checked = self._call is None or self._principal is not None
        if not checked and not all(statement.conditional for statement in self._queue):
            await self._round_trip([], commit=False)
        queue, self._queue = self._queue, []
        await self._round_trip(queue, commit=commit)
        self._over = commit

    async def _round_trip(self, statements: Sequence[Statement], *, commit: bool) -> None:
        call = self._call
        checks_key = call is not None and self._principal is None
        admitted = {"admitted": self._principal is not None}
        cursors: list[psycopg.AsyncCursor[Row]] = []
        try:
            async with self._connection.pipeline():
                await self._begin()
                key = await self._check_key(call) if checks_key and call is not None else None
                for statement in statements:
                    cursors.append(await self._execute(statement.sql, {**statement.parameters, **admitted}))
                if commit:
                    await self._connection.execute("COMMIT")
            found = await key.fetchall() if key is not None else []
            rows = [await cursor.fetchall() if cursor.description else [] for cursor in cursors]
        except psycopg.Error as error:
            raise self._refusal(error, statements, commit=commit) from None
        if checks_key and call is not None:
            self._principal = _admitted(found, call)
        for statement, cursor, answer in zip(statements, cursors, rows, strict=True):
            _deliver(statement, cursor.rowcount, answer)

    async def _begin(self) -> None:
        """Open the transaction and bind it to the tenant: the one place where ``app.tenant_id`` is set."""
        if not self._begun:
            self._begun = True
            await self._connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            await self._connection.execute(_BIND_TENANT.format(str(self.tenant_id)), prepare=False)

    async def _check_key(self, call: Call) -> psycopg.AsyncCursor[Row]:
        hour = call.at.replace(minute=0, second=0, microsecond=0)
        return await self._execute(
            CHECK_KEY,
            {
                "tenant_id": self.tenant_id,
                "key_hash": call.key_digest,
                "admin_only": call.admin_only,
                "at": call.at,
                "hour": hour,
            },
        )

    async def _execute(self, text: LiteralString, parameters: Mapping[str, object]) -> psycopg.AsyncCursor[Row]:
        return await self._connection.execute(text, parameters)

    def _refusal(self, error: psycopg.Error, statements: Sequence[Statement], *, commit: bool) -> Exception:
        if commit and self._connection.broken:
            return CommitUncertain()
        named = error.diag.constraint_name
        for statement in statements:
            if named is not None and named in statement.refusals:
                return statement.refusals[named]
        return translated(error)


def _admitted(found: Sequence[Row], call: Call) -> Principal:
    principal = read_principal(found, call.tenant_id)
    if principal is None:
        raise Unauthenticated
    if call.admin_only and principal.role is not Role.ADMIN:
        raise Forbidden
    return principal


def _deliver(statement: Statement, count: int, rows: Sequence[Row]) -> None:
    if statement.pending is None:
        return
    value: Any = None
    if statement.read is not None:
        value = statement.read(rows)
    elif statement.affected is not None:
        value = statement.affected(count)
    statement.pending.arrive(value)
