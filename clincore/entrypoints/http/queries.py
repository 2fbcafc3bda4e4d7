"""The types of query strings, and how they are read."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, TypeVar
from urllib.parse import unquote_to_bytes
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from clincore.domain.access import Action, RecordType
from clincore.domain.case import CaseStatus
from clincore.domain.errors import InvalidInput, Problem
from clincore.domain.limits import MAX_PAGE_SIZE, PAGE_SIZE, QUERY_CHARACTERS, QUERY_TERMS
from clincore.entrypoints.http.wording import validation_problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

Query = TypeVar("Query", bound=Struct)
_WHOLE: Final = re.compile(r"(?:0|[1-9][0-9]{0,9})")
_REPLACED: Final = "\N{REPLACEMENT CHARACTER}"
_FLAGS: Final = {"true": True, "false": False}


class PageQuery(Struct, forbid_unknown_fields=True):
    """Which page of a list."""

    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE_SIZE, description="How many items to answer with.")] = PAGE_SIZE
    cursor: Annotated[str, Meta(description="The next of the page before.")] | None = None


class PatientsQuery(PageQuery):
    """Which patients."""

    q: (
        Annotated[
            str,
            Meta(
                description="A part of the name, in any case of letters.",
                extra_json_schema={"maxLength": QUERY_CHARACTERS, "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$"},
            ),
        ]
        | None
    ) = None


class CasesQuery(PageQuery):
    """Which cases."""

    patient_id: UUID | None = None
    status: CaseStatus | None = None


class RankingQuery(Struct, forbid_unknown_fields=True):
    """How much of a ranking."""

    grid: Annotated[bool, Meta(description="With the contribution of each rubric to each score.")] = False
    stability: Annotated[bool, Meta(description="With the stability margin of the first remedy.")] = False


class RubricsQuery(PageQuery, kw_only=True):
    """Which rubrics."""

    q: Annotated[
        str,
        Meta(
            description=(
                f'All words must be there; "a phrase"; -without; begin*, *end, *middle*; remedy:ars; grade:2. '
                f"At most {QUERY_CHARACTERS} characters and {QUERY_TERMS} terms."
            ),
        ),
    ]


class AccessQuery(PageQuery):
    """Which lines of the access log."""

    record_id: Annotated[UUID, Meta(description="What was done to this patient or case.")] | None = None
    record_type: RecordType | None = None
    key_id: Annotated[UUID, Meta(description="What was done with this key.")] | None = None
    action: Action | None = None
    since: Annotated[datetime, Meta(tz=True, description="From this moment on.")] | None = None
    until: Annotated[datetime, Meta(tz=True, description="Before this moment.")] | None = None


def read_query(request: Request, kind: type[Query]) -> Query:
    """Return the query parameters; raises InvalidInput for one that is unknown, missing, wrong, or stands twice.

    What is not UTF-8 is refused too: what stands for its bytes would be looked for in their place.
    """
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    given = request.query_params.multi_items()
    names = [name for name, _ in given]
    problems = []
    if any(name not in fields for name in names):
        problems.append(
            Problem("query", f"has a parameter that does not exist; there are {', '.join(fields) or 'none'}")
        )
    problems += [Problem(name, "stands twice") for name in fields if names.count(name) > 1]
    problems += [Problem(name, "must be UTF-8, percent-encoded") for name in _undecoded(request, fields)]
    problems += [Problem(name, "is missing") for name, field in fields.items() if field.required and name not in names]
    if problems:
        raise InvalidInput(problems)
    try:
        return msgspec.convert({name: _value(text, fields[name].default) for name, text in given}, kind)
    except msgspec.ValidationError as error:
        raise InvalidInput([validation_problem(str(error), kind)]) from None


def _undecoded(request: Request, names: Iterable[str]) -> list[str]:
    """The names of parameters whose bytes are no text; a cursor of that kind is one that no list has handed out."""
    try:
        unquote_to_bytes(request.scope["query_string"]).decode()
    except UnicodeDecodeError:
        return [name for name in names if name != "cursor" and _REPLACED in request.query_params.get(name, "")]
    return []


def _value(text: str, default: object) -> object:
    """A parameter as JSON would have it, by the type of its default: numbers and flags, all else is text."""
    if isinstance(default, bool):
        return _FLAGS.get(text, text)
    if isinstance(default, int) and _WHOLE.fullmatch(text):
        return int(text)
    return text
