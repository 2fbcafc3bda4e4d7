"""How long work tells the one who waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with the name of the step, what is done of it, and its total (0 where it is not known beforehand)."""


def silent(_step: str, _done: int, _total: int) -> None:
    """Tell nobody."""
