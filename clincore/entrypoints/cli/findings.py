"""Findings, as lines or as JSON, and the exit code that they come to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import click
from attrs import asdict

from clincore.domain.finding import Outcome, worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clincore.domain.finding import Finding

_CODES: Final = {Outcome.PASS: 0, Outcome.WARN: 1, Outcome.FAIL: 2}
_COLORS: Final = {Outcome.PASS: "green", Outcome.WARN: "yellow", Outcome.FAIL: "red"}


def report(findings: Sequence[Finding], *, as_json: bool) -> None:
    """Print the findings and end the command: 0 where all passed, 1 where something warns, 2 where something fails."""
    outcome = worst(findings)
    if as_json:
        document = {"outcome": outcome, "findings": [asdict(finding) for finding in findings]}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        width = max((len(finding.check) for finding in findings), default=0)
        for finding in findings:
            click.echo(f"{click.style(finding.outcome, fg=_COLORS[finding.outcome])}  {_text(finding, width)}")
        click.echo(_summary(findings), err=True)
    click.get_current_context().exit(_CODES[outcome])


def _text(finding: Finding, width: int) -> str:
    # A message of several lines goes on under its first.
    message = finding.message.replace("\n", "\n" + " " * (width + 8))
    cure = f"\n{' ' * (width + 8)}cure: {finding.cure}" if finding.cure and finding.outcome is not Outcome.PASS else ""
    return f"{finding.check.ljust(width)}  {message}{cure}"


def _summary(findings: Sequence[Finding]) -> str:
    counts = [(sum(finding.outcome is outcome for finding in findings), outcome) for outcome in Outcome]
    return ", ".join(f"{count} {outcome}" for count, outcome in counts)
