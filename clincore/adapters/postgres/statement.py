"""What waits for the next flush."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, LiteralString, TypeAlias

from attrs import field, frozen

from clincore.domain.call import Record
from clincore.ports.pending import Pending

Row: TypeAlias = tuple[Any, ...]


@frozen(kw_only=True)
class Statement:
    """SQL with parameters; ``read`` gets its rows, ``affected`` the number of rows written.

    One that ``writes`` is sent only once the key was found valid; one that ``reads_record`` can be a part of the
    statement that logs the access to it. ``refusals`` are the domain's errors by the name of the constraint that says
    so.
    """

    sql: LiteralString
    parameters: Mapping[str, object] = field(repr=False)
    pending: Pending[Any] | None = None
    read: Callable[[Sequence[Row]], Any] | None = field(default=None, repr=False)
    affected: Callable[[int], Any] | None = field(default=None, repr=False)
    writes: bool = False
    reads_record: bool = False
    refusals: Mapping[str, Exception] = field(factory=dict)

    def deliver(self, rows: Sequence[Row], count: int) -> None:
        """Hand over what the statement came to."""
        if self.pending is None:
            return
        value: Any = None
        if self.read is not None:
            value = self.read(rows)
        elif self.affected is not None:
            value = self.affected(count)
        self.pending.arrive(value)


@frozen(kw_only=True)
class Note:
    """A row of access log or usage, by the names that its SQL has for its parameters; ``about`` must exist."""

    counts: bool
    about: Record | None
    parameters: Mapping[str, object] = field(repr=False)
