"""Which statements are sent for what a call asks, and which may travel with the check of its key."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from clincore.adapters.postgres.statement import Note, Statement
from clincore.adapters.postgres.steps import CHECK, checking_steps, steps_of
from clincore.domain.access import RecordType
from clincore.domain.call import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

CASE = Record(RecordType.CASE, uuid4())
READ = Statement(sql="SELECT id FROM public.cases WHERE tenant_id = %(tenant_id)s", parameters={}, reads_record=True)
ASKED = Statement(sql="SELECT 1", parameters={})
WRITTEN = Statement(sql="UPDATE", parameters={}, writes=True)
ENTERED = Note(counts=False, about=CASE, parameters={})
LISTED = Note(counts=False, about=None, parameters={})
COUNTED = Note(counts=True, about=CASE, parameters={})
CALLED = Note(counts=True, about=None, parameters={})


def texts(queue: Sequence[Statement | Note]) -> list[str] | None:
    """The tables that each step names, in the order of its text; None where the queue must wait for the check."""
    steps = checking_steps(queue)
    if steps is None:
        return None
    tables = ("api_keys", "public.cases", "access_logs", "usage_events")
    return [" ".join(sorted((name for name in tables if name in step.sql), key=step.sql.index)) for step in steps]


def test_a_view_is_one_statement() -> None:
    assert texts([READ, ENTERED, COUNTED]) == ["api_keys public.cases access_logs usage_events"]


def test_a_list_is_read_before_the_statement_that_admits_logs_and_counts() -> None:
    assert texts([ASKED, LISTED, CALLED]) == ["", "api_keys access_logs usage_events"]


def test_without_a_trace_to_leave_the_key_is_checked_by_itself_and_first() -> None:
    assert texts([]) == ["api_keys"]
    assert texts([READ, ASKED]) == ["api_keys", "public.cases", ""]


@pytest.mark.parametrize(
    "queue",
    [
        [WRITTEN],
        [WRITTEN, ENTERED, COUNTED],
        [READ, READ, ENTERED, COUNTED],
        [ASKED, ENTERED],
        [COUNTED, READ],
        [LISTED, LISTED],
        [CALLED, CALLED],
    ],
)
def test_what_could_differ_from_the_check_of_the_key_waits_for_it(queue: list[Statement | Note]) -> None:
    assert texts(queue) is None


def test_an_admitted_call_sends_its_queue_in_order_and_never_checks_its_key_again() -> None:
    steps = steps_of([WRITTEN, ENTERED, COUNTED, ASKED, CALLED])
    assert [step.sql.split()[0] for step in steps] == ["UPDATE", "WITH", "SELECT", "WITH"]
    assert [step.checks_key for step in steps] == [False] * 4
    assert not any("api_keys" in step.sql for step in steps)
    assert CHECK.checks_key
