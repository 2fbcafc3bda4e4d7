"""Tells a story in numbered steps."""

from __future__ import annotations

from typing import Final

import click

_INDENT: Final = "   "


class Narrator:
    """Numbers the steps, and indents what is said of each."""

    def __init__(self) -> None:
        self._steps = 0
        self._is_apart = True

    def step(self, title: str) -> None:
        self._apart()
        self._steps += 1
        click.echo(f"{self._steps}. {title}")

    def line(self, text: str) -> None:
        click.echo(f"{_INDENT}{text}")
        self._is_apart = False

    def block(self, text: str) -> None:
        """Tell several lines, indented further, with a blank line before them and after."""
        self._apart()
        for line in text.splitlines():
            click.echo(f"{_INDENT}  {line}")
        self._is_apart = False
        self._apart()

    def _apart(self) -> None:
        if not self._is_apart:
            click.echo()
            self._is_apart = True
