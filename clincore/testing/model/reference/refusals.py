"""What is said where a call is refused."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from clincore.testing.model.calls import Refusal

UNAUTHENTICATED: Final = Refusal("unauthenticated", "The API key is missing, malformed, unknown, expired or revoked.")
ROTATED: Final = Refusal("unauthenticated", "This key was rotated before; go on with its successor.")
FORBIDDEN: Final = Refusal("forbidden", "This call needs a key with the role admin.")
BOOTSTRAP_TOKEN: Final = Refusal(
    "bootstrap-token", "The bootstrap token is missing or wrong; send it as 'Authorization: Bearer …'."
)
BOOTSTRAPPED: Final = Refusal(
    "already-bootstrapped", "This deployment was bootstrapped before; further tenants are made by its operator."
)
LAST_ADMIN: Final = Refusal(
    "last-admin-key",
    "This is the tenant's last valid admin key; make another one before this one is revoked.",
)
CHANGED: Final = Refusal(
    "revision-mismatch",
    "The record was changed since it was read; read it again and repeat the change on what it says now.",
)
REUSED: Final = Refusal(
    "idempotency-key-reused", "This Idempotency-Key was used with another payload; a new call needs a new key."
)
NO_CURSOR: Final = Refusal(
    "invalid-cursor",
    "The cursor is not one that a list of this kind has handed out; leave it away to start from the beginning.",
)


def no_patient(patient_id: str) -> Refusal:
    return Refusal("patient-not-found", f"There is no patient {patient_id}.")


def no_case(case_id: str) -> Refusal:
    return Refusal("case-not-found", f"There is no case {case_id}.")


def no_key(key_id: str) -> Refusal:
    return Refusal("key-not-found", f"There is no key {key_id}, or it is revoked already.")


def no_rubric(rubric_id: str) -> Refusal:
    return Refusal("rubric-not-found", f"There is no rubric {rubric_id} in the repertory.")


def finalized(case_id: str) -> Refusal:
    return Refusal(
        "case-finalized",
        f"Case {case_id} is finalized; a finalized case never changes again. Its ranking is its ranking_snapshot.",
    )


def not_finalized(case_id: str) -> Refusal:
    return Refusal(
        "case-not-finalized",
        f"Case {case_id} is a draft; only finalized cases can be verified. Finalize it first.",
    )


def plan_limit(limit: int, used: int, at: datetime) -> Refusal:
    first = datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=at.tzinfo)
    return Refusal(
        "plan-limit",
        f"The free plan allows {limit} new cases in a calendar month (UTC) and {used} are used. "
        f"Change the plan, or continue on {first.date().isoformat()}.",
    )


def wrong(*paths: str) -> Refusal:
    """Refuse an input; what is said of it differs with the way it came, the paths do not."""
    return Refusal("invalid-input", "", paths)
