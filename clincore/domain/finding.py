"""What an examination of a deployment finds."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable


class Outcome(StrEnum):
    PASS = "pass"  # noqa: S105  not a password
    WARN = "warn"
    FAIL = "fail"


@frozen
class Finding:
    """One thing that was looked at: ``check`` is its stable name, ``cure`` what to do where it did not pass."""

    check: str
    outcome: Outcome
    message: str
    cure: str = ""


def passed(check: str, message: str) -> Finding:
    return Finding(check, Outcome.PASS, message)


def warned(check: str, message: str, cure: str) -> Finding:
    return Finding(check, Outcome.WARN, message, cure)


def failed(check: str, message: str, cure: str) -> Finding:
    return Finding(check, Outcome.FAIL, message, cure)


def worst(findings: Iterable[Finding]) -> Outcome:
    """Return the gravest outcome; that of nothing is PASS."""
    order = list(Outcome)
    return max((finding.outcome for finding in findings), key=order.index, default=Outcome.PASS)
