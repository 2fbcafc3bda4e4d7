"""Reads CSV and TSV tables whose columns are found by name."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from attrs import field, frozen

from clincore.domain.errors import RepertoryError
from clincore.domain.progress import silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from clincore.adapters.sqlite_repertory.lines import Lines
    from clincore.domain.progress import Progress

_DELIMITERS = "\t;,"


@frozen
class Delimited:
    """One table with a header line, in UTF-8, plain or gzipped.

    ``fields`` gives for each field that is read the names its column may have, in any case of letters; the first that
    is there is taken. Tabs, semicolons and commas separate, whichever stands most often in the header; quotation marks
    enclose fields, but not between tabs.
    """

    lines: Lines
    fields: Mapping[str, tuple[str, ...]] = field(repr=False)

    def columns(self) -> list[str]:
        """Return the names in the header, without regard to the case of letters; raises RepertoryError."""
        for row in self._csv(silent):
            return _names(row)
        raise RepertoryError(f"{self.lines.file.name}: is empty; its first line must name the columns.")

    def has(self, name: str) -> bool:
        """Return whether a field has a column."""
        columns = self.columns()
        return any(spelling.casefold() in columns for spelling in self.fields[name])

    def require(self, *names: str) -> None:
        """Raise RepertoryError, naming what columns there are, unless every field has one."""
        for name in names:
            if not self.has(name):
                raise self.lines.error(
                    f"has no column {'|'.join(self.fields[name])}; there are {', '.join(self.columns())}. "
                    f"Name the one that holds the {name}",
                    1,
                )

    def rows(self, progress: Progress = silent) -> Iterator[dict[str, str]]:
        """Yield each row's fields, trimmed; fields without a column are the empty text, empty lines are skipped."""
        rows = self._csv(progress)
        header = next(rows, [])
        places = self._places(header)
        nothing = dict.fromkeys(self.fields, "")
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                raise self.lines.error(f"has {len(row)} fields, the header has {len(header)}")
            yield {**nothing, **{name: row[place].strip() for name, place in places.items()}}

    def _places(self, header: list[str]) -> dict[str, int]:
        columns = _names(header)
        places: dict[str, int] = {}
        for name, spellings in self.fields.items():
            found = next((spelling for spelling in map(str.casefold, spellings) if spelling in columns), None)
            if found is None:
                continue
            if columns.count(found) > 1:
                raise self.lines.error(f"the column {found} is there twice", 1)
            places[name] = columns.index(found)
        return places

    def _csv(self, progress: Progress) -> Iterator[list[str]]:
        texts = self._texts(progress)
        first = next(texts, "")
        delimiter = max(_DELIMITERS, key=first.count)

        def every() -> Iterator[str]:
            if first:
                yield first
                yield from texts

        try:
            if delimiter == "\t":
                yield from csv.reader(every(), delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)
            else:
                yield from csv.reader(every(), delimiter=delimiter, strict=True)
        except csv.Error as error:
            raise self.lines.error(f"cannot be read ({error})") from error

    def _texts(self, progress: Progress) -> Iterator[str]:
        for raw in self.lines.read(progress, f"reading {self.lines.file.name}"):
            try:
                yield raw.decode("utf-8-sig" if self.lines.line == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise self.lines.error("is not UTF-8") from error


def _names(header: list[str]) -> list[str]:
    return [name.strip().casefold() for name in header]
