"""Reads the tags file: which bucket of the engine a rubric belongs to, and two flags.

CSV in UTF-8 with the columns symptom_id, path, layer_type, flag_ailments_from, flag_delusions in any order; ``path``
is for people and not read. ``layer_type`` is a bucket in any letter case, or empty to go by the rubric's chapter; a
flag is 1, 0, true, false or empty.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from clincore.domain.errors import RepertoryError
from clincore.domain.limits import MAX_ID
from clincore.domain.ranking.case import Bucket
from clincore.domain.repertory import RubricTag

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

COLUMNS = ("symptom_id", "path", "layer_type", "flag_ailments_from", "flag_delusions")
BUCKETS = tuple(bucket.value for bucket in Bucket)

_FLAGS = {"1": True, "true": True, "0": False, "false": False, "": False}
_NUMBER = re.compile(r"[0-9]{1,16}")


def read_tags(path: Path) -> dict[int, RubricTag]:
    """Return the tags by rubric id; raises RepertoryError naming file, line and column."""
    tags: dict[int, RubricTag] = {}
    for line, row in _rows(path):
        rubric_id = _rubric_id(path, line, row["symptom_id"])
        if rubric_id in tags:
            raise _error(path, line, "symptom_id", f"{rubric_id} stands twice")
        tags[rubric_id] = RubricTag(
            bucket=_bucket(path, line, row["layer_type"]),
            ailments_from=_flag(path, line, "flag_ailments_from", row["flag_ailments_from"]),
            delusions=_flag(path, line, "flag_delusions", row["flag_delusions"]),
        )
    return tags


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield each row's line number and its fields, trimmed, by column."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip().lower() for name in next(reader, [])]
            _check_header(path, header)
            for fields in reader:
                if not fields:
                    continue
                if len(fields) != len(header):
                    raise RepertoryError(
                        f"{path}, line {reader.line_num}: has {len(fields)} fields, the header has {len(header)}."
                    )
                yield reader.line_num, dict(zip(header, (text.strip() for text in fields), strict=True))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or ("it is not UTF-8" if isinstance(error, ValueError) else error)
        raise RepertoryError(f"{path}: the tags file cannot be read ({reason}).") from error
    except csv.Error as error:
        raise RepertoryError(f"{path}, line {reader.line_num}: is not CSV ({error}).") from error


def _check_header(path: Path, header: Sequence[str]) -> None:
    for column in COLUMNS:
        if header.count(column) != 1:
            number = "twice" if column in header else "not"
            raise RepertoryError(
                f"{path}, line 1: the column {column} is {number} there; the columns are {', '.join(COLUMNS)}, "
                "separated by commas."
            )


def _rubric_id(path: Path, line: int, text: str) -> int:
    if not _NUMBER.fullmatch(text) or not 0 < int(text) <= MAX_ID:
        raise _error(path, line, "symptom_id", f"{text[:40]!r} is not a whole number from 1 to 2^53 - 1")
    return int(text)


def _bucket(path: Path, line: int, text: str) -> str | None:
    if text and text.upper() not in BUCKETS:
        raise _error(path, line, "layer_type", f"{text[:40]!r} is none of {', '.join(BUCKETS)}")
    return text.upper() or None


def _flag(path: Path, line: int, column: str, text: str) -> bool:
    flag = _FLAGS.get(text.lower())
    if flag is None:
        raise _error(path, line, column, f"{text[:40]!r} is none of 1, 0, true, false or empty")
    return flag


def _error(path: Path, line: int, column: str, problem: str) -> RepertoryError:
    return RepertoryError(f"{path}, line {line}, {column}: {problem}.")
