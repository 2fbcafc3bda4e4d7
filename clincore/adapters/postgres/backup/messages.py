"""What may be repeated of the programs' errors: they can quote rows, so only what is known to quote none."""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = r'(?:"[^"]{1,200}"|\S{1,200})'
_HARMLESS: Final = re.compile(
    "|".join(
        f"(?:{pattern})"
        for pattern in (
            rf"role {_NAME} does not exist",
            rf"(?:relation|schema|type|function|extension|database) {_NAME} (?:already exists|does not exist)",
            rf"extension {_NAME} is not available",
            rf"permission denied (?:for|to) [\w ]{{1,40}}(?: {_NAME})?",
            rf"must be (?:owner of|able to SET ROLE|member of role|superuser)[\w ]{{0,40}}(?: {_NAME})?",
            rf"unrecognized configuration parameter {_NAME}",
            rf"query would be affected by row-level security policy for table {_NAME}",
            rf"(?:duplicate key value violates|(?:insert or update on table|new row for relation) {_NAME} violates)"
            rf" [a-z ]{{3,40}} constraint {_NAME}",
            r"canceling statement due to [a-z ]{1,60}",
            r"terminating connection due to [a-z ]{1,60}",
            r"server closed the connection unexpectedly",
            r"(?:could not|unable to) [a-z ]{1,80}: (?:end of file|No space left on device|Permission denied)",
            r"could not connect to server",
            r"(?:FATAL:  )?(?:password|peer|ident) authentication failed for user " + _NAME,
            r"No space left on device",
            r"unsupported version \([\d.]{1,9}\) in file header",
            r"input file (?:does not appear to be a valid archive|appears to be a text format dump).*",
            r"input file is too short.*",
            r"aborting because of server version mismatch",
            r"invalid snapshot identifier: " + _NAME,
        )
    )
)
_BEFORE: Final = re.compile(r"^(?:(?:\S*/)?(?:pg_dump|pg_restore)|psql:\S+): (?:error: )?")


def harmless(errors: str) -> str | None:
    """Return the first primary error that is known to quote no row, None where there is none."""
    for line in errors.splitlines():
        prefix = _BEFORE.match(line)
        if prefix is None:
            continue
        said = re.split(r"(?:ERROR|FATAL):  ", line[prefix.end() :])[-1].strip()
        for text in (said, said.rpartition("error: ")[2]):
            if _HARMLESS.fullmatch(text):
                return text
    return None


def failure(program: str, errors: str) -> str:
    """Return what is told of a program that failed."""
    said = harmless(errors)
    return f"{program} failed: {said}" if said else f"{program} failed (what it said may quote rows, and is left out)"
