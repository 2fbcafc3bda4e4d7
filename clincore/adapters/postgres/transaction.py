"""A transaction whose statements wait for a flush, and then travel together in one round trip."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, LiteralString, TypeVar

import psycopg

from clincore.adapters.postgres.authentication import KEEP_LAST_USE, Admission, admitted, key_parameters
from clincore.adapters.postgres.connection import OUTDATED, query_of
from clincore.adapters.postgres.errors import translated
from clincore.adapters.postgres.statement import Note, Statement
from clincore.adapters.postgres.steps import CHECK, checking_steps, steps_of
from clincore.adapters.postgres.tenant_binding import binding_of
from clincore.domain.errors import CommitUncertain, DatabaseUnavailable
from clincore.ports.pending import Pending

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from clincore.adapters.postgres.connection import PostgresConnection, Sent
    from clincore.adapters.postgres.statement import Row
    from clincore.adapters.postgres.steps import Step
    from clincore.domain.call import Call, Record
    from clincore.domain.identity import Principal

T = TypeVar("T")
_BEGIN: Final = query_of("BEGIN ISOLATION LEVEL READ COMMITTED")
_COMMIT: Final = query_of("COMMIT")


class PostgresTransaction:
    """A transaction of one tenant on one connection; ``call`` is None for its operator."""

    def __init__(self, connection: PostgresConnection, tenant_id: UUID, call: Call | None) -> None:
        self._connection = connection
        self._call = call
        self.tenant_id = tenant_id
        self._begun = False
        self._over = False
        self._has_written = False
        self._admission: Admission | None = None
        self._queue: list[Statement | Note] = []

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
        self,
        text: LiteralString,
        parameters: Mapping[str, object],
        read: Callable[[Sequence[Row]], T],
        *,
        reads_record: bool = False,
    ) -> Pending[T]:
        """Queue a query; ``read`` makes the result of its rows.

        One that ``reads_record``, by its id, can be a part of the statement that logs the access to it.
        """
        pending: Pending[T] = Pending()
        self._queue.append(
            Statement(
                sql=text, parameters=self._bound(parameters), pending=pending, read=read, reads_record=reads_record
            )
        )
        return pending

    def write(
        self, text: LiteralString, parameters: Mapping[str, object], refusals: Mapping[str, Exception] | None = None
    ) -> Pending[bool]:
        """Queue a change; the result is whether it wrote a row."""
        pending: Pending[bool] = Pending()
        self._queue.append(
            Statement(
                sql=text,
                parameters=self._bound(parameters),
                pending=pending,
                affected=lambda count: count > 0,
                writes=True,
                refusals=refusals or {},
            )
        )
        return pending

    def note_access(self, parameters: Mapping[str, object], about: Record | None) -> None:
        """Queue a row of the access log, not written where there is no such record."""
        self._queue.append(Note(counts=False, about=about, parameters=parameters))

    def note_usage(self, parameters: Mapping[str, object], about: Record | None) -> None:
        """Queue a row of usage, not written where there is no such record."""
        self._queue.append(Note(counts=True, about=about, parameters=parameters))

    def require_own(self, tenant_id: UUID) -> None:
        """Refuse a record of another tenant."""
        if tenant_id != self.tenant_id:
            raise ValueError("the unit of work is bound to another tenant")

    # --- sending --------------------------------------------------------------------------------------

    def _bound(self, parameters: Mapping[str, object]) -> dict[str, object]:
        return {**parameters, "tenant_id": self.tenant_id}

    async def _send(self, *, commit: bool) -> None:
        """Send the queue; what would write without a valid key waits until the key was found valid.

        A unit of work ends with its commit, and with whatever was refused.
        """
        if self._over:
            raise RuntimeError("the unit of work is over")
        self._over = True
        queue, self._queue = self._queue, []
        steps = None
        if self._call is not None and self._admission is None:
            steps = checking_steps(queue)
            if steps is None:
                await self._round_trip([CHECK], commit=False)
        await self._round_trip(steps_of(queue) if steps is None else steps, commit=commit)
        self._over = commit
        if commit and self._admission is not None and self._admission.is_use_due:
            await self._keep_last_use()

    async def _round_trip(self, steps: Sequence[Step], *, commit: bool) -> None:
        self._has_written |= any(step.writes for step in steps)
        beginning = self._beginning()
        sent: list[Sent] = [*beginning, *((query_of(step.sql), self._parameters(step)) for step in steps)]
        if commit:
            sent.append((_COMMIT, {}))
        try:
            replies = (await self._connection.round_trip(sent))[len(beginning) :]
        except psycopg.Error as error:
            raise self._refusal(error, steps, commit=commit) from None
        # Whether the key is valid decides before anything is handed over.
        for step, reply in zip(steps, replies, strict=False):
            if step.checks_key:
                self._admission = admitted(reply.rows, self.call)
        for step, reply in zip(steps, replies, strict=False):
            step.deliver(reply)

    def _beginning(self) -> list[Sent]:
        """Open the transaction and bind it to the tenant.

        Each statement sees what others have committed before it, as the plan's guard must; what may see one moment
        only is one statement.
        """
        if self._begun:
            return []
        self._begun = True
        return [(_BEGIN, {}), (binding_of(self.tenant_id), {})]

    def _parameters(self, step: Step) -> Mapping[str, object]:
        if not step.of_call:
            return step.parameters
        key_id = self._admission.principal.key_id if self._admission else None
        call = self.call
        return {**step.parameters, **key_parameters(call), "key_id": key_id, "request_id": call.request_id}

    async def _keep_last_use(self) -> None:
        """Keep, in a transaction of its own, when the key was used; the call is done, whatever becomes of it."""
        with suppress(psycopg.Error):
            self._begun = False
            keeping = query_of(KEEP_LAST_USE), key_parameters(self.call)
            await self._connection.round_trip([*self._beginning(), keeping, (_COMMIT, {})])

    def _refusal(self, error: psycopg.Error, steps: Sequence[Step], *, commit: bool) -> Exception:
        if error.sqlstate in OUTDATED:
            return DatabaseUnavailable()  # refused before anything was done: it may be repeated
        if commit and self._has_written and self._connection.broken:
            return CommitUncertain()
        named = error.diag.constraint_name
        for step in steps:
            if named is not None and named in step.refusals:
                return step.refusals[named]
        return translated(error)
