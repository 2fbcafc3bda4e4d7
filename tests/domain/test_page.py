"""Cursors of lists are opaque, read back as they were made, and anything else is refused."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.errors import InvalidCursor, InvalidInput
from clincore.domain.page import PageRequest, Position
from clincore.testing.strategies import moments


def cursor_of(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@given(moments(), st.uuids())
def test_a_cursor_reads_back_as_the_position(at: datetime, record_id: UUID) -> None:
    position = Position(at, record_id)
    assert Position.from_cursor(position.to_cursor()) == position
    assert set(position.to_cursor()).isdisjoint("+/=&?# ")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "a",
        "é",
        "\ud800",
        "====",
        cursor_of([]),
        cursor_of({}),
        cursor_of("ab"),
        cursor_of(["2026-01-01T00:00:00", "0" * 32]),
        cursor_of(["2026-01-01T00:00:00+00:00", "x"]),
        cursor_of(["2026-01-01T00:00:00+00:00", 1]),
        cursor_of([1, "0" * 32]),
        cursor_of(["2026-01-01T00:00:00+00:00", "0" * 32, 1]),
        base64.urlsafe_b64encode(b"[" * 30_000).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
    ids=lambda cursor: ascii(cursor)[:20],
)
def test_a_cursor_that_nobody_handed_out_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        Position.from_cursor(cursor)


@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda given: base64.urlsafe_b64encode(given).decode()))
def test_any_other_text_is_refused_and_in_no_other_way(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        Position.from_cursor(cursor)


@pytest.mark.parametrize("limit", [0, -1, 201, True, "50", 50.0, None])
def test_a_page_has_1_to_200_records(limit: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        PageRequest.parse(limit, None)
    assert [problem.path for problem in refused.value.problems] == ["limit"]


def test_a_page_may_begin_at_the_beginning_or_behind_a_cursor() -> None:
    position = Position(datetime.fromisoformat("2026-01-01T00:00:00+00:00"), UUID(int=1))
    assert PageRequest.parse(1, None) == PageRequest(limit=1)
    assert PageRequest.parse(200, position.to_cursor()) == PageRequest(limit=200, after=position)
