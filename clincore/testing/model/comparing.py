"""Whether a target's answer is the model's, and what is told to whom."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from attrs import asdict

from clincore.testing.model.calls import Refusal
from clincore.testing.model.reference.state import Hour

if TYPE_CHECKING:
    from clincore.testing.model.calls import Answer, Json


def difference(expected: Answer, actual: Answer, slack: timedelta) -> str:
    """Return where two answers differ, or an empty text; moments may be later than expected by ``slack`` at most."""
    if isinstance(expected, Refusal) and isinstance(actual, Refusal):
        is_input = expected.type == "invalid-input"  # what is said differs with the way that it came
        same = (expected.type, expected.paths) == (actual.type, actual.paths)
        return "" if same and (is_input or expected.detail == actual.detail) else f"{actual} instead of {expected}"
    if isinstance(expected, Refusal) or isinstance(actual, Refusal):
        return f"{actual} instead of {expected}"
    return _difference(expected, actual, slack, "")


def _difference(expected: Any, actual: Any, slack: timedelta, path: str) -> str:
    if isinstance(expected, dict) and isinstance(actual, dict):
        if expected.keys() != actual.keys():
            return f"{path} has {sorted(actual)} instead of {sorted(expected)}"
        found = (
            _difference(value, actual[name], slack, f"{path}.{name}".lstrip(".")) for name, value in expected.items()
        )
        return next(filter(None, found), "")
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return f"{path} has {len(actual)} items instead of {len(expected)}: {actual} instead of {expected}"
        found = (_difference(one, actual[place], slack, f"{path}[{place}]") for place, one in enumerate(expected))
        return next(filter(None, found), "")
    return "" if _is_same(expected, actual, slack) else f"{path} is {actual!r} instead of {expected!r}"


def _is_same(expected: Any, actual: Any, slack: timedelta) -> bool:
    if isinstance(expected, datetime | Hour):
        moment = moment_of(actual)
        if isinstance(expected, Hour):
            return moment is not None and full_hour(expected.at) <= moment <= full_hour(expected.at + slack)
        return moment is not None and expected <= moment <= expected + slack
    if isinstance(expected, float | Decimal) or isinstance(actual, Decimal):
        return not isinstance(actual, bool | str) and Decimal(str(expected)) == Decimal(str(actual))
    return type(expected) is type(actual) and bool(expected == actual)


def moment_of(value: Any) -> datetime | None:
    """Return a moment that is one, or is written as RFC 3339."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def full_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def adopt(expected: Json, actual: Json) -> None:
    """Take over what only the target can know to the last digit: its moments, and the ids of lines of the log."""
    for name, value in expected.items():
        if isinstance(value, datetime | Hour):
            expected[name] = moment_of(actual[name])
        elif name == "id" and value is None:
            expected[name] = actual[name]


def told(answer: Answer) -> str:
    """Return an answer as one text, in which what must not be told can be looked for."""
    return json.dumps(asdict(answer) if isinstance(answer, Refusal) else answer, default=str, ensure_ascii=False)
