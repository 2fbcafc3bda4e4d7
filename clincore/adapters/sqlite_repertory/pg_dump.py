"""Reads the rows of a plain pg_dump as a stream, without a server.

The format is that of COPY in text form (PostgreSQL's documentation, COPY, "Text Format"): columns in the order that the
COPY line names, separated by tabs; a backslash escapes; a field that is only ``\\N`` is NULL; ``\\.`` ends the rows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

from clincore.adapters.sqlite_repertory.lines import Lines
from clincore.domain.errors import RepertoryError
from clincore.domain.progress import silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clincore.domain.progress import Progress

Row = list[str | None]

_NAME = rb'(?:"(?:[^"]|"")+"|[^\s".(]+)'
_COPY = re.compile(rb"COPY (?:%b\.)?(%b) \(([^()]*)\) FROM stdin;\r?\n?" % (_NAME, _NAME), re.IGNORECASE)
_ENCODING = re.compile(rb"SET client_encoding = '([^']*)';")
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|(.))", re.DOTALL)
_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_ODD_BACKSLASHES = re.compile(rb"(?<!\\)(?:\\\\)*\\$")
_HINT = "write the dump with pg_dump in its plain form (--format=plain, without --inserts)"


@frozen
class CopyRows:
    """The rows of one table, to be read before the next table is asked for."""

    table: str
    columns: tuple[str, ...]
    _lines: Lines
    _rest: Iterator[bytes]

    def rows(self) -> Iterator[Row]:
        """Yield each row's fields in the order of ``columns``; raises RepertoryError naming the line."""
        for raw in self._rest:
            try:
                fields = _fields(raw)
            except UnicodeDecodeError as error:
                raise self._lines.error("is not UTF-8") from error
            except _BrokenEscape as error:
                raise self._lines.error(str(error)) from error
            if len(fields) != len(self.columns):
                raise self._lines.error(
                    f"has {len(fields)} fields, {len(self.columns)} are needed ({', '.join(self.columns)})"
                )
            yield fields


def tables_of(lines: Lines, progress: Progress = silent, step: str = "") -> Iterator[CopyRows]:
    """Yield the tables of a dump in its order; what is not read of one is skipped. Raises RepertoryError."""
    raw = lines.read(progress, step)
    found = 0
    for line in raw:
        if lines.line == 1 and line.startswith(b"PGDMP"):
            raise RepertoryError(f"{lines.file.name}: is a dump in PostgreSQL's own form; {_HINT}.")
        if encoding := _ENCODING.match(line):
            if encoding[1].upper().replace(b"-", b"") != b"UTF8":
                raise lines.error(f"the dump's encoding is {encoding[1].decode('ascii', 'replace')}, not UTF8")
        elif copy := _COPY.fullmatch(line):
            found += 1
            table, columns = _unquoted(copy[1]), tuple(_unquoted(name.strip()) for name in copy[2].split(b","))
            rest = _up_to_the_end(table, lines, raw)
            yield CopyRows(table, columns, lines, rest)
            for _ in rest:
                pass
    if not found:
        raise RepertoryError(f"{lines.file.name}: holds no rows of a table (COPY … FROM stdin); {_HINT}.")


def _up_to_the_end(table: str, lines: Lines, raw: Iterator[bytes]) -> Iterator[bytes]:
    for line in raw:
        row = line.rstrip(b"\r\n")  # inside a row both are written as escapes
        if row == b"\\.":
            return
        yield row
    raise lines.error(f"the dump ends inside the rows of the table {table}, it was cut off")


def _fields(raw: bytes) -> Row:
    if b"\\" not in raw:
        return [*raw.decode().split("\t")]
    return [None if field == b"\\N" else _unescaped(field).decode() for field in raw.split(b"\t")]


class _BrokenEscape(Exception):
    """An escape that PostgreSQL would refuse too."""


def _unescaped(field: bytes) -> bytes:
    if _ODD_BACKSLASHES.search(field):
        raise _BrokenEscape("a backslash stands at the end of a field and escapes nothing")
    text = _ESCAPE.sub(_meant, field)
    if b"\0" in text:
        raise _BrokenEscape("holds the character U+0000")
    return text


def _meant(escape: re.Match[bytes]) -> bytes:
    octal, hexadecimal, letter = escape.groups()
    if octal is not None:
        return bytes([int(octal, 8) & 0xFF])
    if hexadecimal is not None:
        return bytes([int(hexadecimal, 16)])
    if letter == b".":
        raise _BrokenEscape("the mark that ends the rows (\\.) does not stand alone")
    return _LETTERS.get(letter, letter)


def _unquoted(name: bytes) -> str:
    text = name.decode("utf-8", "replace")
    return text[1:-1].replace('""', '"') if text.startswith('"') else text.lower()
