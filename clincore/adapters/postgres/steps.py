"""From what a unit of work was asked to the statements that are sent for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Final, LiteralString

from attrs import field, frozen

from clincore.adapters.postgres.authentication import CHECK_KEY
from clincore.adapters.postgres.settlement import Settlement
from clincore.adapters.postgres.statement import Note, Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clincore.adapters.postgres.connection import Reply

_KEY_COLUMNS: Final = 3


@frozen(kw_only=True)
class Step:
    """One statement to be sent; where it is ``of_call`` the transaction adds the parameters of its call."""

    sql: LiteralString
    parameters: Mapping[str, object] = field(repr=False)
    of_call: bool = False
    checks_key: bool = False
    writes: bool = False
    refusals: Mapping[str, Exception] = field(factory=dict)
    deliver: Callable[[Reply], None] = lambda _reply: None


CHECK: Final = Step(sql=CHECK_KEY, parameters={}, of_call=True, checks_key=True)
"""The check of a key by itself."""


def steps_of(queue: Sequence[Statement | Note]) -> list[Step]:
    """Return the steps of a queue, in its order, for a call whose key was checked."""
    steps: list[Step] = []
    for is_note, run in groupby(queue, lambda one: isinstance(one, Note)):
        if is_note:
            steps += [_settling(one) for one in Settlement.of([note for note in run if isinstance(note, Note)])]
        else:
            steps += [_step(one) for one in run if isinstance(one, Statement)]
    return steps


def checking_steps(queue: Sequence[Statement | Note]) -> list[Step] | None:
    """Return the steps of a queue that may travel with the check of its key, which is one of them; None where not.

    It may not write otherwise than in the statement that checks the key, and what logs the access to a record must
    read that record itself: between two statements a key can end, and a record be entered.
    """
    asked, notes = _parted(queue)
    if any(not isinstance(one, Statement) or one.writes for one in asked):
        return None
    reads = [one for one in asked if isinstance(one, Statement)]
    settlements = Settlement.of(notes)
    if not settlements:
        return [CHECK, *map(_step, reads)]
    if len(settlements) > 1:
        return None
    (settlement,) = settlements
    if not settlement.is_about_record or not reads:
        return [*map(_step, reads), _settling(settlement, checks_key=True)]
    if len(reads) == 1 and reads[0].reads_record:
        return [_settling(settlement.with_read(reads[0]), checks_key=True)]
    return None


def _parted(queue: Sequence[Statement | Note]) -> tuple[Sequence[Statement | Note], list[Note]]:
    """Part a queue before the notes that it ends with."""
    end = len(queue)
    while end and isinstance(queue[end - 1], Note):
        end -= 1
    return queue[:end], [note for note in queue[end:] if isinstance(note, Note)]


def _step(statement: Statement) -> Step:
    return Step(
        sql=statement.sql,
        parameters=statement.parameters,
        writes=statement.writes,
        refusals=statement.refusals,
        deliver=lambda reply: statement.deliver(reply.rows, reply.count),
    )


def _settling(settlement: Settlement, *, checks_key: bool = False) -> Step:
    def deliver(reply: Reply) -> None:
        if settlement.read is not None:
            found = [row[_KEY_COLUMNS + 1 :] for row in reply.rows if row[_KEY_COLUMNS]]
            settlement.read.deliver(found, len(found))

    return Step(
        sql=settlement.sql(checks_key=checks_key),
        parameters=settlement.parameters(),
        of_call=True,
        checks_key=checks_key,
        writes=settlement.entry is not None or settlement.usage is not None,
        deliver=deliver,
    )
