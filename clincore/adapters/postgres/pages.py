"""Pages of rows, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from clincore.domain.page import Page, PageRequest, Position

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clincore.adapters.postgres.statement import Row

R = TypeVar("R")


def page_parameters(request: PageRequest) -> dict[str, object]:
    """Return ``after_at``, ``after_id`` and ``limit``: one row more than asked tells whether there is a next page."""
    after = request.after
    return {
        "after_at": after.created_at if after else None,
        "after_id": after.id if after else None,
        "limit": request.limit + 1,
    }


def page_of(
    rows: Sequence[Row], request: PageRequest, read: Callable[[Row], R], position: Callable[[R], Position]
) -> Page[R]:
    """Return the page that rows asked for with ``page_parameters`` make."""
    items = tuple(read(row) for row in rows[: request.limit])
    more = len(rows) > request.limit
    return Page(items=items, next=position(items[-1]).to_cursor() if more else None)


def pattern_for(part: str) -> str:
    """Return the LIKE pattern of a text that contains ``part`` as it stands."""
    escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
