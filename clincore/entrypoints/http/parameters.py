"""What requests say outside their bodies and query strings: keys, ids, revisions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from uuid import UUID

from clincore.domain.errors import Unauthenticated
from clincore.domain.limits import MAX_ID
from clincore.entrypoints.http.problems import REVISION_MISMATCH, REVISION_REQUIRED, HttpRefusal

if TYPE_CHECKING:
    from starlette.requests import Request

    from clincore.entrypoints.http.problems import ProblemType
    from clincore.services.clinic import Clinic
    from clincore.services.core import ClinCore

API_KEY_HEADER: Final = "x-api-key"
IDEMPOTENCY_HEADER: Final = "idempotency-key"
_API_KEY: Final = API_KEY_HEADER.encode()
_REVISION_CURE: Final = "A change needs the header If-Match with the ETag of the record as it was read."
_ETAG: Final = re.compile(r'"([0-9]{1,9})"')
_WHOLE: Final = re.compile(r"[1-9][0-9]{0,15}")


def core_of(request: Request) -> ClinCore:
    core: ClinCore = request.scope["clincore.core"]
    return core


def clinic_of(request: Request) -> Clinic:
    """Return the clinic of the request's key; raises Unauthenticated where there is none or it is malformed."""
    keys = [value.decode("latin-1") for name, value in request.scope["headers"] if name == _API_KEY]
    if len(keys) != 1:
        raise Unauthenticated("The call needs one API key, in the header X-API-Key.")
    clinic = core_of(request).clinic(keys[0], request_id=request.scope["clincore.request_id"])
    request.scope["clincore.caller"] = clinic.caller  # for the log
    return clinic


def path_uuid(request: Request, name: str, missing: ProblemType) -> UUID:
    """Return the id in the path; what is not a UUID names nothing, and is refused as ``missing``."""
    text = request.path_params[name]
    try:
        record_id = UUID(text)
    except ValueError:
        record_id = None
    if record_id is None or str(record_id) != text.lower():  # braces, a urn, or no dashes
        raise HttpRefusal(missing, f"{missing.title}: an id is a UUID.")
    return record_id


def path_number(request: Request, name: str, missing: ProblemType) -> int:
    """Return the number in the path; what is none, or past the limit, is refused as ``missing``."""
    text = request.path_params[name]
    if not _WHOLE.fullmatch(text) or int(text) > MAX_ID:
        raise HttpRefusal(missing, f"{missing.title}: an id is a whole number from 1.")
    return int(text)


def expected_revision(request: Request) -> int | None:
    """Return the revision that If-Match names, None for ``*``.

    Raises HttpRefusal where the header is missing, or holds what is no ETag of a record.
    """
    tag = request.headers.get("if-match")
    if tag is None:
        raise HttpRefusal(REVISION_REQUIRED, _REVISION_CURE)
    if tag.strip() == "*":
        return None
    found = _ETAG.fullmatch(tag.strip())
    if found is None:
        raise HttpRefusal(REVISION_MISMATCH, "If-Match takes the ETag as it was sent, with its quotes.")
    return int(found.group(1))


def etag(revision: int) -> dict[str, str]:
    return {"ETag": f'"{revision}"'}
