"""Metering: which calls were answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from attrs import frozen

from clincore.domain.plan import month_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from uuid import UUID


class Endpoint(StrEnum):
    """The metered calls, by method and route; the same label over HTTP and embedded in Python."""

    LIST_PATIENTS = "GET /patients"
    CREATE_PATIENT = "POST /patients"
    VIEW_PATIENT = "GET /patients/{id}"
    EDIT_PATIENT = "PATCH /patients/{id}"
    LIST_CASES = "GET /cases"
    CREATE_CASE = "POST /cases"
    VIEW_CASE = "GET /cases/{id}"
    EDIT_CASE = "PATCH /cases/{id}"
    RANK_CASE = "GET /cases/{id}/ranking"
    FINALIZE_CASE = "POST /cases/{id}/finalize"
    VERIFY_CASE = "POST /cases/{id}/verify-replay"
    VIEW_REPERTORY = "GET /repertory"
    SEARCH_RUBRICS = "GET /repertory/rubrics"
    VIEW_RUBRIC = "GET /repertory/rubrics/{id}"
    LIST_REMEDIES = "GET /repertory/remedies"
    RANK_RUBRICS = "POST /repertory/rankings"
    ROTATE_KEY = "POST /auth/api-keys/rotate"
    CREATE_KEY = "POST /admin/api-keys"
    LIST_KEYS = "GET /admin/api-keys"
    REVOKE_KEY = "POST /admin/api-keys/revoke/{key_id}"
    USAGE = "GET /admin/usage"
    LIST_ACCESS = "GET /admin/access-logs"
    HEALTH = "GET /health"  # never counted


@frozen(kw_only=True)
class UsageReport:
    """A tenant's answered calls: all of them, by endpoint and by key, and those of the last 24 hours (whole minutes).

    ``calls_by_day`` has the days (UTC) with calls of this calendar month and the one before.
    """

    total_calls: int
    calls_by_endpoint: Mapping[str, int]
    calls_by_key: Mapping[UUID, int]
    calls_by_day: Mapping[date, int]
    last_24h_count: int


def minute_of(at: datetime) -> datetime:
    """Return the whole minute (UTC) that a call is counted in."""
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def last_24h_start(at: datetime) -> datetime:
    """Return where the last 24 hours begin, in whole minutes: at the full minute a day before."""
    return minute_of(at) - timedelta(days=1)


def first_reported_day(at: datetime) -> date:
    """Return the first day (UTC) of the month before."""
    return month_of(month_of(at) - timedelta(days=1)).date()


def day_of(at: datetime) -> date:
    """Return the day (UTC) that a call is counted in."""
    return at.astimezone(UTC).date()
