"""Errors as RFC 9457 problem details: every type there is, and one table from exceptions to them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from attrs import field, frozen
from msgspec import UNSET, Meta, Struct, UnsetType
from starlette.responses import Response

from clincore.domain import errors
from clincore.domain.limits import BODY_BYTES, BODY_SECONDS, CALLS_AT_ONCE, LARGE_BODIES_AT_ONCE
from clincore.entrypoints.http.encoding import to_json
from clincore.entrypoints.http.last_response import LastResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX: Final = "urn:clincore:problem:"
MEDIA_TYPE_OF_PROBLEMS: Final = "application/problem+json"
RETRY_AFTER: Final = {"Retry-After": "1"}


@frozen(kw_only=True)
class ProblemType:
    """One kind of problem: its stable name, its status, what it is in general, and when it comes."""

    name: str
    status: int
    title: str
    when: str
    headers: Mapping[str, str] = field(factory=dict, hash=False)
    ends_connection: bool = False

    @property
    def uri(self) -> str:
        return f"{PREFIX}{self.name}"


class FieldProblem(Struct):
    """One thing wrong with an input: where it is, such as rubrics[2].weight, and what would be right."""

    path: Annotated[str, Meta(description="Empty for the body as a whole.")]
    message: str


class ProblemDetails(Struct):
    """What was refused, and why (RFC 9457)."""

    type: Annotated[str, Meta(description="Stable: go by this one.", pattern=f"^{PREFIX}[a-z-]+$")]
    title: Annotated[str, Meta(description="The type in words.")]
    status: int
    detail: Annotated[str, Meta(description="What is wrong here, in plain words, and what would be right.")]
    errors: Annotated[list[FieldProblem], Meta(description="Of invalid-input.")] | UnsetType = UNSET
    position: Annotated[int, Meta(description="Of invalid-query, in characters from 0.")] | UnsetType = UNSET
    limit: Annotated[int, Meta(description="Of plan-limit: new cases in a calendar month.")] | UnsetType = UNSET
    used: Annotated[int, Meta(description="Of plan-limit.")] | UnsetType = UNSET
    renews_at: Annotated[datetime, Meta(tz=True, description="Of plan-limit.")] | UnsetType = UNSET
    not_ready: Annotated[list[str], Meta(description="Of not-ready: what is not.")] | UnsetType = UNSET


_KEY_CHALLENGE: Final = {"WWW-Authenticate": "ApiKey"}
_TOKEN_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}

MALFORMED: Final = ProblemType(
    name="malformed-json",
    status=400,
    title="The body is not JSON",
    when="the body is empty or not JSON; `detail` has the position",
)
UNREADABLE: Final = ProblemType(
    name="unreadable-request",
    status=400,
    title="The request cannot be read",
    when="what came is no HTTP: a wrong request line or header, no `Host`, a broken chunk, or both `Content-Length` "
    "and `Transfer-Encoding`; the connection is closed",
    ends_connection=True,
)
INVALID_QUERY: Final = ProblemType(
    name="invalid-query",
    status=400,
    title="The query cannot be read",
    when="a search query that cannot be read; `position` says where, in characters from 0",
)
INVALID_CURSOR: Final = ProblemType(
    name="invalid-cursor", status=400, title="The cursor is not valid", when="a cursor that no such list has handed out"
)
UNAUTHENTICATED: Final = ProblemType(
    name="unauthenticated",
    status=401,
    title="The API key is not valid",
    when="the key is missing, malformed, unknown, expired or revoked",
    headers=_KEY_CHALLENGE,
)
BOOTSTRAP_TOKEN: Final = ProblemType(
    name="bootstrap-token",
    status=401,
    title="The bootstrap token is wrong",
    when="the token is missing or wrong",
    headers=_TOKEN_CHALLENGE,
)
PLAN_LIMIT: Final = ProblemType(
    name="plan-limit",
    status=402,
    title="The plan's limit is reached",
    when="the free plan's cases of this month are used up; `limit`, `used`, `renews_at` say how many and until when",
)
FORBIDDEN: Final = ProblemType(
    name="forbidden", status=403, title="The key's role is not enough", when="the call needs a key with the role admin"
)
NO_ROUTE: Final = ProblemType(
    name="no-such-resource", status=404, title="There is nothing here", when="there is nothing at this address"
)
NO_PATIENT: Final = ProblemType(
    name="patient-not-found",
    status=404,
    title="There is no such patient",
    when="there is no such patient; another clinic's is answered alike",
)
NO_CASE: Final = ProblemType(
    name="case-not-found",
    status=404,
    title="There is no such case",
    when="there is no such case; another clinic's is answered alike",
)
NO_KEY: Final = ProblemType(
    name="key-not-found",
    status=404,
    title="There is no such key",
    when="there is no such key, or it is revoked already; another clinic's is answered alike",
)
NO_RUBRIC: Final = ProblemType(
    name="rubric-not-found",
    status=404,
    title="There is no such rubric",
    when="the loaded repertory has no rubric of this id",
)
NO_METHOD: Final = ProblemType(
    name="method-not-allowed",
    status=405,
    title="The method is not allowed here",
    when="the address takes other methods; the header `Allow` names them",
)
TIMEOUT: Final = ProblemType(
    name="request-timeout",
    status=408,
    title="The request took too long to arrive",
    when=f"the body did not arrive within {BODY_SECONDS} seconds, or, under `clincore serve`, the headers within ten; "
    "the connection is closed",
    ends_connection=True,
)
BOOTSTRAPPED: Final = ProblemType(
    name="already-bootstrapped", status=409, title="Bootstrapped before", when="the one bootstrap was used"
)
FINALIZED: Final = ProblemType(
    name="case-finalized",
    status=409,
    title="The case is finalized",
    when="the case is finalized: it never changes again, and its ranking is the one that was signed",
)
NOT_FINALIZED: Final = ProblemType(
    name="case-not-finalized",
    status=409,
    title="The case is a draft",
    when="the case is a draft: only finalized cases can be verified",
)
LAST_ADMIN: Final = ProblemType(
    name="last-admin-key",
    status=409,
    title="It is the last admin key",
    when="no valid admin key would be left; a rotated one in its grace does not count",
)
STILL_RUNNING: Final = ProblemType(
    name="still-running",
    status=409,
    title="The first call is still running",
    when="the first call with this `Idempotency-Key` has not ended; ask again shortly",
    headers=RETRY_AFTER,
)
UNKNOWN_METHOD: Final = ProblemType(
    name="unknown-method",
    status=409,
    title="The ranking method is not installed",
    when="the method that the stored case names is not installed here",
)
REVISION_MISMATCH: Final = ProblemType(
    name="revision-mismatch",
    status=412,
    title="The record was changed",
    when="the record was changed since it was read: its `ETag` is not the one in `If-Match`",
)
TOO_LARGE: Final = ProblemType(
    name="body-too-large",
    status=413,
    title="The body is too large",
    when=f"the body has more than {BODY_BYTES:,} bytes (1 MiB); the connection is closed",
    ends_connection=True,
)
MEDIA_TYPE: Final = ProblemType(
    name="unsupported-media-type",
    status=415,
    title="The body is of another type",
    when="the body is not sent as `application/json`, or is compressed",
)
INVALID: Final = ProblemType(
    name="invalid-input",
    status=422,
    title="The input is not valid",
    when="fields or parameters are not valid; `errors` lists each `path` with what was expected",
)
KEY_REUSED: Final = ProblemType(
    name="idempotency-key-reused",
    status=422,
    title="The Idempotency-Key was used before",
    when="the `Idempotency-Key` came with another payload within 24 hours",
)
REVISION_REQUIRED: Final = ProblemType(
    name="revision-required", status=428, title="If-Match is needed", when="a change without the header `If-Match`"
)
HEADERS_TOO_LARGE: Final = ProblemType(
    name="headers-too-large",
    status=431,
    title="The headers are too large",
    when="the request line and the headers have more than 16 KiB together; the connection is closed",
    ends_connection=True,
)
TOO_LARGE_HEAD: Final = "The request line and the headers have 16,384 bytes at most. The connection is closed."
INTERNAL: Final = ProblemType(
    name="internal",
    status=500,
    title="Something went wrong here",
    when="a fault of the service; its log has it under the `X-Request-ID`",
)
BOOTSTRAP_DISABLED: Final = ProblemType(
    name="bootstrap-disabled",
    status=503,
    title="Bootstrapping is switched off",
    when="BOOTSTRAP_TOKEN is not set on the server",
)
STARTING: Final = ProblemType(
    name="not-ready",
    status=503,
    title="The service is not ready",
    when="the service starts or stops, or its database must not be served from; of GET /ready `not_ready` names what",
    headers=RETRY_AFTER,
)
DATABASE: Final = ProblemType(
    name="database-unavailable",
    status=503,
    title="The database cannot be reached",
    when="the database cannot be reached or is too busy; where `detail` does not say otherwise nothing was written",
    headers=RETRY_AFTER,
)
BUSY: Final = ProblemType(
    name="too-busy",
    status=503,
    title="The service is too busy",
    when=(
        f"{CALLS_AT_ONCE} calls are running, or {LARGE_BODIES_AT_ONCE} bodies of more than 64 KiB are coming in, which "
        "is all that one process takes on; the connection is closed"
    ),
    headers=RETRY_AFTER,
    ends_connection=True,
)
REPERTORY: Final = ProblemType(
    name="repertory-unavailable",
    status=503,
    title="The repertory fails",
    when="the repertory cannot be read",
)

# The first class that an error is an instance of decides: the narrower ones stand before the wider ones.
BY_ERROR: Final[tuple[tuple[type[errors.ClinCoreError], ProblemType], ...]] = (
    (errors.InvalidInput, INVALID),
    (errors.InvalidQuery, INVALID_QUERY),
    (errors.InvalidCursor, INVALID_CURSOR),
    (errors.Unauthenticated, UNAUTHENTICATED),
    (errors.Forbidden, FORBIDDEN),
    (errors.BootstrapDisabled, BOOTSTRAP_DISABLED),
    (errors.BootstrapTokenWrong, BOOTSTRAP_TOKEN),
    (errors.AlreadyBootstrapped, BOOTSTRAPPED),
    (errors.PlanLimitReached, PLAN_LIMIT),
    (errors.PatientNotFound, NO_PATIENT),
    (errors.CaseNotFound, NO_CASE),
    (errors.KeyNotFound, NO_KEY),
    (errors.RubricNotFound, NO_RUBRIC),
    (errors.CaseAlreadyFinalized, FINALIZED),
    (errors.CaseNotFinalized, NOT_FINALIZED),
    (errors.LastAdminKey, LAST_ADMIN),
    (errors.StillRunning, STILL_RUNNING),
    (errors.IdempotencyKeyReused, KEY_REUSED),
    (errors.RevisionMismatch, REVISION_MISMATCH),
    (errors.UnknownMethod, UNKNOWN_METHOD),
    (errors.RepertoryError, REPERTORY),
    (errors.DatabaseUnavailable, DATABASE),
    (errors.DatabaseNotReady, STARTING),
)
PROBLEMS: Final = tuple(kind for kind in globals().values() if isinstance(kind, ProblemType))
"""Every type there is, by status."""


def problem(kind: ProblemType, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """Return a problem's response; ``more`` are further members, such as the list of errors."""
    body = ProblemDetails(type=kind.uri, title=kind.title, status=kind.status, detail=detail, **more)
    kind_of_response = LastResponse if kind.ends_connection else Response
    return kind_of_response(
        to_json(body),
        status_code=kind.status,
        headers={**kind.headers, **(headers or {})},
        media_type=MEDIA_TYPE_OF_PROBLEMS,
    )


class HttpRefusal(errors.ClinCoreError):
    """A request that is refused before any use case sees it."""

    def __init__(self, kind: ProblemType, detail: str) -> None:
        self.kind = kind
        super().__init__(detail)


def problem_of(error: errors.ClinCoreError) -> Response | None:
    """Return the response to a refusal, None for an error that no caller can help."""
    if isinstance(error, HttpRefusal):
        return problem(error.kind, str(error))
    kind = next((kind for cls, kind in BY_ERROR if isinstance(error, cls)), None)
    return problem(kind, str(error), **_members(error)) if kind else None


def internal() -> Response:
    """Return the response to a fault: a 500 without a word about the inside."""
    return problem(INTERNAL, "The call failed for a reason that is not yours; the log has it under the request id.")


def _members(error: errors.ClinCoreError) -> dict[str, Any]:
    if isinstance(error, errors.InvalidInput):
        return {"errors": [FieldProblem(path=item.path, message=item.message) for item in error.problems]}
    if isinstance(error, errors.InvalidQuery):
        return {"position": error.position}
    if isinstance(error, errors.PlanLimitReached):
        return {"limit": error.limit, "used": error.used, "renews_at": error.renews_at}
    return {}
