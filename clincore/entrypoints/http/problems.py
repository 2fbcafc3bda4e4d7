"""Errors as RFC 9457 problem details: one table from exceptions to status codes and types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen
from starlette.responses import Response

from clincore.domain import errors
from clincore.entrypoints.http.encoding import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX: Final = "urn:clincore:problem:"
RETRY_AFTER: Final = {"Retry-After": "1"}


@frozen(kw_only=True)
class ProblemType:
    """One kind of problem: its stable name, its status, and what it is in general."""

    name: str
    status: int
    title: str
    headers: Mapping[str, str] = field(factory=dict, hash=False)


_KEY_CHALLENGE: Final = {"WWW-Authenticate": "ApiKey"}
_TOKEN_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}

MALFORMED: Final = ProblemType(name="malformed-json", status=400, title="The body is not JSON")
INVALID: Final = ProblemType(name="invalid-input", status=422, title="The input is not valid")
TOO_LARGE: Final = ProblemType(name="body-too-large", status=413, title="The body is too large")
MEDIA_TYPE: Final = ProblemType(name="unsupported-media-type", status=415, title="The body is of another type")
REVISION_REQUIRED: Final = ProblemType(name="revision-required", status=428, title="If-Match is needed")
REVISION_MISMATCH: Final = ProblemType(name="revision-mismatch", status=412, title="The record was changed")
NO_ROUTE: Final = ProblemType(name="no-such-resource", status=404, title="There is nothing here")
NO_METHOD: Final = ProblemType(name="method-not-allowed", status=405, title="The method is not allowed here")
STARTING: Final = ProblemType(name="not-ready", status=503, title="The service is not ready", headers=RETRY_AFTER)
INTERNAL: Final = ProblemType(name="internal", status=500, title="Something went wrong here")

# The first class that an error is an instance of decides: the narrower ones stand before the wider ones.
BY_ERROR: Final[tuple[tuple[type[errors.ClinCoreError], ProblemType], ...]] = (
    (errors.InvalidInput, INVALID),
    (errors.InvalidQuery, ProblemType(name="invalid-query", status=400, title="The query cannot be read")),
    (errors.InvalidCursor, ProblemType(name="invalid-cursor", status=400, title="The cursor is not valid")),
    (
        errors.Unauthenticated,
        ProblemType(name="unauthenticated", status=401, title="The API key is not valid", headers=_KEY_CHALLENGE),
    ),
    (errors.Forbidden, ProblemType(name="forbidden", status=403, title="The key's role is not enough")),
    (
        errors.BootstrapDisabled,
        ProblemType(name="bootstrap-disabled", status=503, title="Bootstrapping is switched off"),
    ),
    (
        errors.BootstrapTokenWrong,
        ProblemType(name="bootstrap-token", status=401, title="The bootstrap token is wrong", headers=_TOKEN_CHALLENGE),
    ),
    (errors.AlreadyBootstrapped, ProblemType(name="already-bootstrapped", status=409, title="Bootstrapped before")),
    (errors.PlanLimitReached, ProblemType(name="plan-limit", status=402, title="The plan's limit is reached")),
    (errors.PatientNotFound, ProblemType(name="patient-not-found", status=404, title="There is no such patient")),
    (errors.CaseNotFound, ProblemType(name="case-not-found", status=404, title="There is no such case")),
    (errors.CaseAlreadyFinalized, ProblemType(name="case-finalized", status=409, title="The case is finalized")),
    (errors.CaseNotFinalized, ProblemType(name="case-not-finalized", status=409, title="The case is a draft")),
    (errors.StillRunning, ProblemType(name="still-running", status=409, title="The first call is still running")),
    (
        errors.IdempotencyKeyReused,
        ProblemType(name="idempotency-key-reused", status=422, title="The Idempotency-Key was used before"),
    ),
    (errors.RevisionMismatch, REVISION_MISMATCH),
    (
        errors.UnknownMethod,
        ProblemType(name="unknown-method", status=409, title="The ranking method is not installed"),
    ),
    (errors.RepertoryError, ProblemType(name="repertory-unavailable", status=503, title="The repertory fails")),
    (
        errors.DatabaseUnavailable,
        ProblemType(
            name="database-unavailable", status=503, title="The database cannot be reached", headers=RETRY_AFTER
        ),
    ),
    (errors.DatabaseNotReady, STARTING),
)


def problem(kind: ProblemType, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """Return a problem's response; ``more`` are further members, such as the list of errors."""
    body = {"type": f"{_PREFIX}{kind.name}", "title": kind.title, "status": kind.status, "detail": detail, **more}
    return Response(
        to_json(body),
        status_code=kind.status,
        headers={**kind.headers, **(headers or {})},
        media_type="application/problem+json",
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
        return {"errors": [{"path": item.path, "message": item.message} for item in error.problems]}
    if isinstance(error, errors.InvalidQuery):
        return {"position": error.position}
    if isinstance(error, errors.PlanLimitReached):
        return {"limit": error.limit, "used": error.used, "renews_at": error.renews_at}
    return {}
