"""Results that arrive with the next flush, so that one round trip can carry several statements."""

from __future__ import annotations

from typing import Generic, TypeVar, cast

T = TypeVar("T")
_NOTHING = object()


class Pending(Generic[T]):
    """The result of a store's method, there once the unit of work was flushed or committed."""

    __slots__ = ("_value",)

    def __init__(self) -> None:
        self._value: object = _NOTHING

    def arrive(self, value: T) -> None:
        """For adapters: hand over the result."""
        self._value = value

    def result(self) -> T:
        """Return the result; raises RuntimeError before the flush that brings it."""
        if self._value is _NOTHING:
            raise RuntimeError("the unit of work was not flushed since this was asked for")
        return cast("T", self._value)
