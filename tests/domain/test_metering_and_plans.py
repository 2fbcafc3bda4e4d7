"""What is counted, and the month that a limited plan counts in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given

from clincore.domain.errors import PlanLimitReached
from clincore.domain.identity import ApiKeyRecord, Principal, Role
from clincore.domain.plan import month_of, next_month
from clincore.testing.strategies import moments


@pytest.mark.parametrize(
    ("at", "first", "following"),
    [
        ("2026-01-31T23:59:59.999999+00:00", "2026-01-01", "2026-02-01"),
        ("2026-12-31T23:59:59+00:00", "2026-12-01", "2027-01-01"),
        ("2026-02-01T00:00:00+00:00", "2026-02-01", "2026-03-01"),
        ("2026-02-01T00:30:00+01:00", "2026-01-01", "2026-02-01"),
        ("2026-11-30T23:30:00-05:00", "2026-12-01", "2027-01-01"),
    ],
)
def test_a_month_is_a_calendar_month_in_utc(at: str, first: str, following: str) -> None:
    moment = datetime.fromisoformat(at)
    assert month_of(moment) == datetime.fromisoformat(first).replace(tzinfo=UTC)
    assert next_month(moment) == datetime.fromisoformat(following).replace(tzinfo=UTC)


@given(moments())
def test_a_moment_lies_in_its_month(at: datetime) -> None:
    assert month_of(at) <= at < next_month(at)
    assert month_of(next_month(at)) == next_month(at)
    elsewhere = at.astimezone(timezone(timedelta(hours=-11)))
    assert month_of(elsewhere) == month_of(at)


def test_a_plan_that_is_used_up_says_when_it_renews() -> None:
    refused = PlanLimitReached(1000, 1000, datetime(2026, 7, 1, tzinfo=UTC))
    assert "1000 new cases" in str(refused)
    assert "2026-07-01" in str(refused)


NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expires", "revoked", "valid"),
    [
        (None, None, True),
        (NOW + timedelta(seconds=1), None, True),
        (NOW, None, False),
        (NOW - timedelta(seconds=1), None, False),
        (None, NOW, False),
        (NOW + timedelta(days=1), NOW - timedelta(days=1), False),
    ],
)
def test_a_key_is_valid_until_it_expires_or_is_revoked(
    expires: datetime | None, revoked: datetime | None, valid: bool
) -> None:
    record = ApiKeyRecord(
        tenant_id=UUID(int=1),
        id=UUID(int=2),
        key_hash="ab" * 32,
        label="practice",
        role=Role.USER,
        created_at=NOW - timedelta(days=9),
        expires_at=expires,
        revoked_at=revoked,
    )
    assert record.is_valid(NOW) is valid
    assert record.principal() == Principal(tenant_id=UUID(int=1), key_id=UUID(int=2), role=Role.USER)
    assert "abab" not in repr(record)
