"""Pages of lists, newest first, and the opaque cursors between them."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from attrs import field, frozen

from clincore.domain.errors import InvalidCursor, InvalidInput, Problem
from clincore.domain.limits import MAX_PAGE_SIZE

T = TypeVar("T")


@frozen
class Position:
    """A place in a list ordered by creation: behind the record created then, with that id."""

    created_at: datetime
    id: UUID

    def to_cursor(self) -> str:
        text = json.dumps([self.created_at.isoformat(), self.id.hex])
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def from_cursor(cls, cursor: str) -> Position:
        """Raises InvalidCursor."""
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            at, record_id = json.loads(urlsafe_b64decode(padded))
            position = cls(datetime.fromisoformat(at), UUID(hex=record_id))
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise InvalidCursor from None
        if position.created_at.tzinfo is None:
            raise InvalidCursor
        return position


@frozen(kw_only=True)
class PageRequest:
    """How many records to return, 1 to 200, and behind which place."""

    limit: int
    after: Position | None = None

    @classmethod
    def parse(cls, limit: int, cursor: str | None) -> PageRequest:
        """Raises InvalidInput for the limit and InvalidCursor for the cursor."""
        require_page_size(limit)
        return cls(limit=limit, after=Position.from_cursor(cursor) if cursor is not None else None)


def require_page_size(limit: int) -> None:
    """Raises InvalidInput."""
    if type(limit) is not int or not 1 <= limit <= MAX_PAGE_SIZE:
        raise InvalidInput([Problem("limit", f"must be a whole number from 1 to {MAX_PAGE_SIZE}")])


@frozen(kw_only=True)
class Page(Generic[T]):
    """Some records of a list, and the cursor of the next page, None on the last."""

    items: tuple[T, ...] = field(repr=False)
    next: str | None
