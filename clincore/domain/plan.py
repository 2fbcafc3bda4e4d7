"""The month that a limited plan counts in: a calendar month, UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def month_of(at: datetime) -> datetime:
    """Return the first moment of the month."""
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(at: datetime) -> datetime:
    """Return the first moment of the month after."""
    first = month_of(at)
    return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
