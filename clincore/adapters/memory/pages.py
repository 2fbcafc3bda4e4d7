"""Pages of records in memory, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from clincore.domain.page import Page, PageRequest, Position

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID


class _Identified(Protocol):
    @property
    def id(self) -> UUID: ...


R = TypeVar("R", bound=_Identified)


def page_of(records: Iterable[R], request: PageRequest, position: Callable[[R], Position]) -> Page[R]:
    """Return the page of records behind ``request.after``, newest first, then by id downwards."""

    def key(place: Position) -> tuple[object, ...]:
        return (place.created_at, place.id)

    placed = sorted(((key(position(record)), record) for record in records), key=lambda pair: pair[0], reverse=True)
    if request.after is not None:
        behind = key(request.after)
        placed = [pair for pair in placed if pair[0] < behind]
    items = tuple(record for _, record in placed[: request.limit])
    more = len(placed) > len(items)
    return Page(items=items, next=position(items[-1]).to_cursor() if more else None)
