"""Tables as text: aligned columns, numbers to the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_GAP = "  "


@frozen
class Column:
    """A column's heading; ``number`` columns are aligned to the right."""

    heading: str
    number: bool = field(default=False, kw_only=True)

    def align(self, text: str, width: int) -> str:
        return text.rjust(width) if self.number else text.ljust(width)


def table(columns: Sequence[Column], rows: Iterable[Sequence[object]], *, indent: str = "") -> str:
    """Return the table, with a rule below the headings; no line ends in blanks."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(column.heading), *(len(row[index]) for row in texts), 0) for index, column in enumerate(columns)]
    headings = [column.heading for column in columns]
    rules = ["-" * width for width in widths]
    return "\n".join(
        indent
        + _GAP.join(
            column.align(text, width) for column, text, width in zip(columns, line, widths, strict=True)
        ).rstrip()
        for line in (headings, rules, *texts)
    )


def facts(pairs: Iterable[tuple[str, object]], *, indent: str = "") -> str:
    """Return name and value a line, the values aligned."""
    named = [(name, str(value)) for name, value in pairs]
    width = max((len(name) for name, _ in named), default=0)
    return "\n".join(f"{indent}{name.ljust(width)}{_GAP}{value}".rstrip() for name, value in named)
