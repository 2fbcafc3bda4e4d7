"""From what the services raise to the names of the problems that clients are told."""

from __future__ import annotations

from typing import Final

from clincore.domain import errors
from clincore.testing.model.calls import Refusal

PROBLEMS: Final[dict[type[errors.ClinCoreError], str]] = {
    errors.InvalidInput: "invalid-input",
    errors.InvalidQuery: "invalid-query",
    errors.InvalidCursor: "invalid-cursor",
    errors.Unauthenticated: "unauthenticated",
    errors.Forbidden: "forbidden",
    errors.BootstrapTokenWrong: "bootstrap-token",
    errors.AlreadyBootstrapped: "already-bootstrapped",
    errors.PlanLimitReached: "plan-limit",
    errors.PatientNotFound: "patient-not-found",
    errors.CaseNotFound: "case-not-found",
    errors.KeyNotFound: "key-not-found",
    errors.RubricNotFound: "rubric-not-found",
    errors.CaseAlreadyFinalized: "case-finalized",
    errors.CaseNotFinalized: "case-not-finalized",
    errors.LastAdminKey: "last-admin-key",
    errors.IdempotencyKeyReused: "idempotency-key-reused",
    errors.RevisionMismatch: "revision-mismatch",
}
"""What a call may be refused as; any other error is a fault."""


def refusal_of(error: errors.ClinCoreError) -> Refusal:
    """Return what a client is told; raises what is no refusal but a fault."""
    name = PROBLEMS.get(type(error))
    if name is None:
        raise error
    paths = tuple(problem.path for problem in error.problems) if isinstance(error, errors.InvalidInput) else ()
    return Refusal(name, str(error), paths)
