"""Calls, and what is kept of them: the access log, usage, idempotency keys, and pages of lists."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from hypothesis import strategies as st

from clincore.domain.access import AccessEntry, AccessFilter, Action, RecordType
from clincore.domain.call import Call, Record
from clincore.domain.idempotency import FirstAnswer, Repeatable
from clincore.domain.limits import MAX_PAGE_SIZE
from clincore.domain.page import Page, PageRequest, Position
from clincore.domain.usage import Endpoint, UsageReport, day_of, first_reported_day, last_24h_start
from clincore.testing.strategies.basics import digests, json_values, moments, plain_texts
from clincore.testing.strategies.identity import tenant_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


def request_ids() -> st.SearchStrategy[str]:
    return st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True)


def invalid_request_ids() -> st.SearchStrategy[str]:
    return st.sampled_from(["", "a b", "a\nb", "é", "x" * 65, "a/b"])


def calls() -> st.SearchStrategy[Call]:
    return st.builds(
        Call,
        tenant_id=tenant_ids(),
        key_digest=digests(),
        endpoint=st.sampled_from(Endpoint),
        admin_only=st.booleans(),
        request_id=request_ids(),
        at=moments(),
    )


def records() -> st.SearchStrategy[Record]:
    return st.builds(Record, st.sampled_from(RecordType), st.uuids())


@st.composite
def access_entries(draw: st.DrawFn) -> AccessEntry:
    """Lines of the log: a LIST has a filter or none, everything else a record."""
    action = draw(st.sampled_from(Action))
    listed = action is Action.LIST
    return AccessEntry(
        tenant_id=draw(tenant_ids()),
        id=draw(st.uuids()),
        key_id=draw(st.none() | st.uuids()),
        action=action,
        record_type=draw(st.sampled_from(RecordType)),
        record_id=None if listed else draw(st.uuids()),
        filter=draw(st.none() | plain_texts(longest=12)) if listed else None,
        request_id=draw(request_ids()),
        at=draw(moments()),
    )


def access_filters() -> st.SearchStrategy[AccessFilter]:
    """Filters of any of the fields; everything is the simplest."""
    return st.builds(
        AccessFilter,
        key_id=st.none() | st.uuids(),
        action=st.none() | st.sampled_from(Action),
        record_type=st.none() | st.sampled_from(RecordType),
        record_id=st.none() | st.uuids(),
        since=st.none() | moments(),
        until=st.none() | moments(),
    )


def invalid_access_filters() -> st.SearchStrategy[tuple[dict[str, Any], str]]:
    """One field that is of another type, and its name."""
    wrong: dict[str, list[Any]] = {
        "key_id": ["7", 7],
        "record_id": ["7", b""],
        "action": ["VIEW", "look"],
        "record_type": ["patient", 1],
        "since": ["2026-01-01", datetime(2026, 1, 1)],  # noqa: DTZ001
        "until": [0, datetime(2026, 1, 1)],  # noqa: DTZ001
    }
    return st.sampled_from([({name: value}, name) for name, values in wrong.items() for value in values])


@st.composite
def usage_reports(draw: st.DrawFn) -> UsageReport:
    """What is reported of up to eight calls, at a moment within a hundred days of them."""
    asked = draw(moments())
    days = st.timedeltas(timedelta(0), timedelta(days=2)) | st.timedeltas(timedelta(0), timedelta(days=100))
    call = st.tuples(
        st.sampled_from(draw(st.lists(st.uuids(), min_size=1, max_size=3))), st.sampled_from(Endpoint), days
    )
    made = draw(st.lists(call, max_size=8))
    on_days = [day_of(asked - ago) for _, _, ago in made]
    return UsageReport(
        total_calls=len(made),
        calls_by_endpoint=dict(Counter(endpoint.value for _, endpoint, _ in made)),
        calls_by_key=dict(Counter(key_id for key_id, _, _ in made)),
        calls_by_day=dict(Counter(day for day in on_days if day >= first_reported_day(asked))),
        last_24h_count=sum(asked - ago >= last_24h_start(asked) for _, _, ago in made),
    )


def first_answers() -> st.SearchStrategy[FirstAnswer]:
    return st.builds(FirstAnswer, record_id=st.uuids(), payload_digest=digests(), at=moments())


def idempotency_keys() -> st.SearchStrategy[str]:
    """1 to 255 printable ASCII characters."""
    return st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=12) | st.just("k" * 255)


def invalid_idempotency_keys() -> st.SearchStrategy[str]:
    return st.sampled_from(["", "k" * 256, "é", "a\nb", "\x00", "\x7f"])


def repeatables() -> st.SearchStrategy[Repeatable]:
    return st.builds(Repeatable.parse, idempotency_keys(), json_values())


def positions() -> st.SearchStrategy[Position]:
    return st.builds(Position, moments(), st.uuids())


def page_requests() -> st.SearchStrategy[PageRequest]:
    limits = st.integers(1, 5) | st.integers(1, MAX_PAGE_SIZE)
    return st.builds(PageRequest, limit=limits, after=st.none() | positions())


def pages(items: st.SearchStrategy[T]) -> st.SearchStrategy[Page[T]]:
    """Pages of some items; one with another page behind it is not empty."""

    def of(found: Sequence[T], after: Position | None) -> Page[T]:
        return Page(items=tuple(found), next=after.to_cursor() if after and found else None)

    return st.builds(of, st.lists(items, max_size=4), st.none() | positions())


def invalid_page_sizes() -> st.SearchStrategy[object]:
    return st.sampled_from([0, -1, MAX_PAGE_SIZE + 1, True, "10", 10.0, None])


@st.composite
def invalid_cursors(draw: st.DrawFn) -> str:
    """Texts that no list has handed out: cut, made of something else, or of a moment without a time zone."""
    cursor = draw(positions()).to_cursor()
    cut = draw(st.integers(1, len(cursor) - 1))
    naive = Position(datetime(2026, 1, 1), UUID(int=0)).to_cursor()  # noqa: DTZ001
    return draw(st.sampled_from(["", cursor[:cut], cursor[cut:], "é", "{}", "bnVsbA", naive]))
