"""OpenAPI 3.1 of the service, made of the types that parse the requests and build the answers."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import msgspec

from clincore.domain import limits
from clincore.entrypoints.http.bodies import BESIDES
from clincore.entrypoints.http.examples import LATER
from clincore.entrypoints.http.operation import Access
from clincore.entrypoints.http.problems import MEDIA_TYPE_OF_PROBLEMS, PROBLEMS, ProblemDetails
from clincore.entrypoints.http.queries import PageQuery
from clincore.entrypoints.http.routes import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clincore.entrypoints.http.operation import Operation
    from clincore.entrypoints.http.problems import ProblemType

Json = dict[str, Any]

LIMITS: Final = (
    ("A body", f"{limits.BODY_BYTES:,} bytes (1 MiB)"),
    ("Rubrics of a case", f"{limits.RUBRICS_PER_CASE}"),
    ("A weight", f"{limits.MIN_WEIGHT} to {limits.MAX_WEIGHT}, at most {limits.WEIGHT_DECIMALS} decimals"),
    ("Ids of rubrics", "1 to 2^53-1"),
    ("Names and labels", f"1 to {limits.NAME_CHARACTERS} characters after trimming"),
    ("Phone numbers", f"1 to {limits.PHONE_CHARACTERS} characters after trimming"),
    ("Notes", f"{limits.NOTES_CHARACTERS:,} characters"),
    ("A page", f"1 to {limits.MAX_PAGE_SIZE} items ({limits.PAGE_SIZE})"),
    ("A query", f"{limits.QUERY_CHARACTERS} characters and {limits.QUERY_TERMS} terms"),
    ("The grace of a rotated key", f"{limits.MAX_GRACE_SECONDS:,} seconds (30 days)"),
)
_ABOUT: Final = (
    "Patients, cases, and the ranking of remedies, for the software of a homeopathic clinic.",
    "Send an API key in the header `X-API-Key`. Bodies are JSON, times RFC 3339 in UTC, scores decimals written "
    "as strings with six places. Another clinic's ids are answered like ids that do not exist.",
    'Lists are `{"items", "next"}`, with a `Link` header to the next page: send `next` as `cursor`. Every answer '
    "carries `X-Request-ID`: the one that was sent, if it is 1 to 64 letters, digits and `. _ : -`, else a new one.",
    "A patient or a draft is changed with the `ETag` of what was read in `If-Match`. POST /patients and POST /cases "
    "honour an `Idempotency-Key` for 24 hours: the same call again gives the first answer, another payload 422.",
    "Errors are `application/problem+json` (RFC 9457) with a stable `type`. What is past a limit is refused, not cut; "
    "unknown fields, and strings where numbers belong, are refused.",
)
_TAGS: Final = {
    "Service": "Health, readiness, and the first clinic.",
    "Keys": "A clinic's API keys.",
    "Administration": "Usage and the access log.",
    "Patients": "A clinic's patients.",
    "Cases": "From the draft to the signed result and its replay.",
    "Repertory": "Rubrics, remedies, and rankings without a case.",
}
_REFERENCE: Final = "#/components/schemas/{name}"
_PATH_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_REQUEST_ID: Final = {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}}
_HEADER_PARAMETERS: Final[dict[str, Json]] = {
    "Idempotency-Key": {
        "description": "Makes the call repeatable: 1 to 255 printable ASCII characters of the caller's choice.",
        "required": False,
        "schema": {"type": "string", "maxLength": 255, "pattern": "^[!-~](?:[ -~]*[!-~])?$"},
        "example": "3c6f0a52-entry-1",
    },
    "If-Match": {
        "description": "The ETag of the record as it was read; * changes it whatever was changed since.",
        "required": True,
        "schema": {"type": "string", "pattern": '^(?:"[0-9]{1,9}"|\\*)$'},
        "example": '"1"',
    },
}
_MEMBERS: Final[dict[str, Json]] = {
    "invalid-input": {"errors": [{"path": "full_name", "message": "must be a text"}]},
    "invalid-query": {"position": 5},
    "plan-limit": {"limit": 1000, "used": 1000, "renews_at": LATER},
    "not-ready": {"not_ready": ["database"]},
}


@cache
def document() -> Json:
    """Return the OpenAPI document; it is the same for every caller, and not to be changed."""
    kinds = list(
        dict.fromkeys(
            kind for one in OPERATIONS for kind in (one.body, one.query, one.answer, ProblemDetails) if kind is not None
        )
    )
    references, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    by_kind = dict(zip(kinds, references, strict=True))
    for name, more in BESIDES.items():
        components[name] |= more
    paths: dict[str, Json] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, by_kind, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ClinCore",
            "version": version("clincore"),
            "summary": "Case analysis in homeopathy: repertorization, signed cases, verifiable replay.",
            "description": "\n\n".join([*_ABOUT, _problems_of_no_call(), _limits()]),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.items() if not name.endswith("Query")},
            "headers": {
                "X-Request-ID": {
                    "description": "Names the call, in the access log too.",
                    "required": True,
                    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"},
                }
            },
            "securitySchemes": {
                "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A clinic's API key."},
                "BootstrapToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The operator's BOOTSTRAP_TOKEN, once.",
                },
            },
        },
    }


def _problems_of_no_call() -> str:
    of_calls = {kind for one in OPERATIONS for kind in one.problems}
    named = ", ".join(f"`{kind.name}` ({kind.status})" for kind in PROBLEMS if kind not in of_calls)
    return f"Besides the problems that stand with each call, any address may answer with {named}."


def _limits() -> str:
    rows = [f"| {what} | {limit} |" for what, limit in LIMITS]
    return "\n".join(["| limit | |", "|---|---|", *rows])


def _operation(one: Operation, by_kind: dict[type, Json], components: Json) -> Json:
    described: Json = {
        "operationId": one.name,
        "tags": [one.tag],
        "summary": one.summary,
        "description": " ".join(filter(None, [one.description, f"For {one.access.value}."])),
        "security": _SECURITY[one.access],
    }
    if parameters := [*_path(one), *_query(one, components), *_headers(one)]:
        described["parameters"] = parameters
    if one.body is not None:
        content = {"schema": by_kind[one.body], "example": one.sends["body"]}
        described["requestBody"] = {"required": not one.is_body_optional, "content": {"application/json": content}}
    described["responses"] = {str(one.status): _answer(one, by_kind), **_problems(one.problems, by_kind)}
    return described


_SECURITY: Final[dict[Access, list[Json]]] = {
    Access.ANYONE: [],
    Access.ANYONE_OR_KEY: [{}, {"ApiKey": []}],
    Access.TOKEN: [{"BootstrapToken": []}],
    Access.KEY: [{"ApiKey": []}],
    Access.ADMIN: [{"ApiKey": []}],
}


def _path(one: Operation) -> Iterable[Json]:
    for name in _PATH_PARAMETER.findall(one.path):
        is_number = isinstance(one.sends[name], int)
        number = {"type": "integer", "minimum": 1, "maximum": limits.MAX_ID}
        schema = number if is_number else {"type": "string", "format": "uuid"}
        yield {"name": name, "in": "path", "required": True, "schema": schema, "example": one.sends[name]}


def _query(one: Operation, components: Json) -> Iterable[Json]:
    if one.query is None:
        return
    described = components[one.query.__name__]
    for name, whole in described["properties"].items():
        given = {key: value for key, value in whole.items() if not (key == "default" and value is None)}
        if "anyOf" in given:  # null says that it is left away, which no query string can say
            (given,) = (choice for choice in given["anyOf"] if choice != {"type": "null"})
        parameter = {
            "name": name,
            "in": "query",
            "required": name in described["required"],
            "schema": {key: value for key, value in given.items() if key != "description"},
        }
        parameter |= {"description": given["description"]} if "description" in given else {}
        parameter |= {"example": one.sends[name]} if name in one.sends else {}
        yield parameter


def _headers(one: Operation) -> Iterable[Json]:
    names = (["Idempotency-Key"] if one.is_repeatable else []) + (["If-Match"] if one.is_edit else [])
    return [{"name": name, "in": "header", **_HEADER_PARAMETERS[name]} for name in names]


def _answer(one: Operation, by_kind: dict[type, Json]) -> Json:
    headers: Json = {
        name: {"description": text, "required": True, "schema": {"type": "string"}}
        for name, text in one.headers.items()
    }
    if one.query is not None and issubclass(one.query, PageQuery):
        headers["Link"] = {"description": 'The next page, rel="next".', "schema": {"type": "string"}}
    described: Json = {
        "description": (one.answer.__doc__ or "").strip(),
        "headers": {**headers, **_REQUEST_ID},
        "content": {"application/json": {"schema": by_kind[one.answer], "example": one.example}},
    }
    if one.links:
        described["links"] = {f"{one.name}_{target}": _link(target, given) for target, given in one.links.items()}
    return described


def _link(target: str, given: Any) -> Json:
    parameters = {name: value for name, value in given.items() if name != "body"}
    link: Json = {"operationId": target, "parameters": parameters}
    return {**link, "requestBody": given["body"]} if "body" in given else link


def _problems(kinds: Iterable[ProblemType], by_kind: dict[type, Json]) -> Json:
    by_status: dict[str, list[ProblemType]] = {}
    for kind in kinds:
        by_status.setdefault(str(kind.status), []).append(kind)
    return {
        status: {
            "description": " ".join(f"`{kind.name}`: {kind.when}." for kind in alike),
            "headers": _REQUEST_ID,
            "content": {
                MEDIA_TYPE_OF_PROBLEMS: {
                    "schema": by_kind[ProblemDetails],
                    "examples": {kind.name: {"summary": kind.title, "value": _example(kind)} for kind in alike},
                }
            },
        }
        for status, alike in by_status.items()
    }


def _example(kind: ProblemType) -> Json:
    about = {"type": kind.uri, "title": kind.title, "status": kind.status, "detail": f"{kind.title}."}
    return {**about, **_MEMBERS.get(kind.name, {})}
