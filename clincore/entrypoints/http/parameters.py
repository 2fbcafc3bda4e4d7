"""What requests say outside their bodies: keys, ids, query parameters, revisions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from uuid import UUID

from clincore.domain.errors import ClinCoreError, InvalidInput, Problem, Unauthenticated
from clincore.domain.limits import MAX_PAGE_SIZE, PAGE_SIZE
from clincore.entrypoints.http.problems import REVISION_MISMATCH, REVISION_REQUIRED, HttpRefusal

if TYPE_CHECKING:
    from starlette.requests import Request

    from clincore.services.clinic import Clinic
    from clincore.services.core import ClinCore

API_KEY_HEADER: Final = "x-api-key"
_REVISION_CURE: Final = "A change needs the header If-Match with the ETag of the record as it was read."
_ETAG: Final = re.compile(r'^"([0-9]{1,9})"$')


def core_of(request: Request) -> ClinCore:
    core: ClinCore = request.scope["clincore.core"]
    return core


def clinic_of(request: Request) -> Clinic:
    """Return the clinic of the request's key; raises Unauthenticated where there is none or it is malformed."""
    keys = request.headers.getlist(API_KEY_HEADER)
    if len(keys) != 1:
        raise Unauthenticated("The call needs one API key, in the header X-API-Key.")
    return core_of(request).clinic(keys[0], request_id=request.scope["clincore.request_id"])


def path_id(request: Request, missing: type[ClinCoreError]) -> UUID:
    """Return the id in the path; what is not a UUID names nothing, and ``missing`` is raised."""
    text = request.path_params["id"]
    try:
        record_id = UUID(text)
    except ValueError:
        raise missing from None
    if str(record_id) != text.lower():  # braces, a urn, or no dashes
        raise missing
    return record_id


def query(request: Request, *known: str) -> dict[str, str]:
    """Return the query parameters; raises InvalidInput for one that is unknown or stands twice."""
    given = request.query_params.multi_items()
    names = [name for name, _ in given]
    problems = []
    if any(name not in known for name in names):
        allowed = ", ".join(known) or "none"
        problems.append(Problem("query", f"has a parameter that does not exist; there are: {allowed}"))
    problems += [Problem(name, "stands twice") for name in known if names.count(name) > 1]
    if problems:
        raise InvalidInput(problems)
    return dict(given)


def page_of(parameters: dict[str, str]) -> tuple[int, str | None]:
    """Return the limit and the cursor; raises InvalidInput for a limit that is not a number."""
    limit = parameters.get("limit", str(PAGE_SIZE))
    if not (limit.isascii() and limit.isdecimal() and len(limit) < 6):
        raise InvalidInput([Problem("limit", f"must be a whole number from 1 to {MAX_PAGE_SIZE}")])
    return int(limit), parameters.get("cursor")


def flag(parameters: dict[str, str], name: str) -> bool:
    """Return a query parameter that is true or false (the default); raises InvalidInput for anything else."""
    value = parameters.get(name, "false")
    if value not in ("true", "false"):
        raise InvalidInput([Problem(name, "must be true or false")])
    return value == "true"


def expected_revision(request: Request) -> int | None:
    """Return the revision that If-Match names, None for ``*``.

    Raises HttpRefusal where the header is missing, or holds what is no ETag of a record.
    """
    tag = request.headers.get("if-match")
    if tag is None:
        raise HttpRefusal(REVISION_REQUIRED, _REVISION_CURE)
    if tag.strip() == "*":
        return None
    found = _ETAG.match(tag.strip())
    if found is None:
        raise HttpRefusal(REVISION_MISMATCH, "If-Match takes the ETag as it was sent, with its quotes.")
    return int(found.group(1))


def etag(revision: int) -> dict[str, str]:
    return {"ETag": f'"{revision}"'}
