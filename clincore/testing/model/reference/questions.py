"""What is wrong with a call as it stands, whoever makes it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from clincore.domain.usage import Endpoint
from clincore.testing.model.engine import choices_of
from clincore.testing.model.reference.refusals import NO_CURSOR, wrong

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from clincore.testing.model.calls import Call, Refusal
    from clincore.testing.model.reference.state import World

_LONGEST_GRACE = 30 * 24 * 3600


def problem_with(world: World, call: Call, at: datetime) -> Refusal | None:
    """Return the refusal of a call that nobody could make."""
    problems = _problems(call, at)
    if not problems and call.query.get("cursor") not in (None, *world.cursors):
        return NO_CURSOR
    return wrong(*problems) if problems else None


def _problems(call: Call, at: datetime) -> list[str]:
    body, endpoint = call.body, call.endpoint
    problems: list[str] = []
    if endpoint is Endpoint.CREATE_PATIENT:
        problems = details_problems(body, at)
    elif endpoint is Endpoint.CREATE_KEY:
        problems = _key_problems(body, at)[:1]
    elif not 1 <= call.query.get("limit", 50) <= 200:
        problems = ["limit"]
    elif not 0 <= body.get("grace_seconds", 0) <= _LONGEST_GRACE:
        problems = ["grace_seconds"]
    return problems


def details_problems(details: Mapping[str, Any], at: datetime) -> list[str]:
    """Return the fields of a patient's details that are wrong."""
    problems = [name for name in ("full_name", "phone") if details.get(name) is not None and not details[name].strip()]
    year = details.get("birth_year")
    if year is not None and not 1850 <= year <= at.year:
        problems.append("birth_year")
    return problems


def _key_problems(body: Mapping[str, Any], at: datetime) -> list[str]:
    ends = body.get("expires_at")
    return [
        *(["expires_at"] if ends is not None and ends <= at else []),
        *(["label"] if not body["label"].strip() else []),
    ]


def payload_of(call: Call) -> tuple[Mapping[str, Any], str] | None:
    """Return the input that a call brings, and the path to it."""
    if call.endpoint in (Endpoint.CREATE_CASE, Endpoint.EDIT_CASE):
        return call.body["input_payload"], "input_payload."
    return (call.body, "") if call.endpoint is Endpoint.RANK_RUBRICS else None


def payload_problems(payload: Mapping[str, Any], path: str) -> list[str]:
    """Return where an input is wrong, whatever the repertory holds."""
    listed = "rubrics" if "rubrics" in payload else "symptom_ids"
    choices = choices_of(payload)
    weights = [Decimal(str(choice.get("weight", 1))) for choice in choices]
    ids = [choice["symptom_id"] for choice in choices]
    return [
        *(
            f"{path}rubrics[{place}].weight"
            for place, weight in enumerate(weights)
            if not Decimal("0.1") <= weight <= 10
        ),
        *(f"{path}{listed}[{place}]" for place, symptom_id in enumerate(ids) if symptom_id in ids[:place]),
    ]
