"""A statement waiting for the next flush."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, LiteralString, TypeAlias

from attrs import field, frozen

from clincore.ports.pending import Pending

Row: TypeAlias = tuple[Any, ...]


@frozen(kw_only=True)
class Statement:
    """SQL with parameters; ``read`` gets its rows, ``affected`` the number of rows written.

    A ``conditional`` one writes nothing by itself where the key is not valid, and so may be sent together with the
    key's check. ``refusals`` are the domain's errors by the name of the constraint that says so.
    """

    sql: LiteralString
    parameters: Mapping[str, object] = field(repr=False)
    pending: Pending[Any] | None = None
    read: Callable[[Sequence[Row]], Any] | None = field(default=None, repr=False)
    affected: Callable[[int], Any] | None = field(default=None, repr=False)
    conditional: bool = True
    refusals: Mapping[str, Exception] = field(factory=dict)
