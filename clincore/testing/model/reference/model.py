"""The reference model: who is let in, what they are answered, and what is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from clincore.domain.usage import Endpoint
from clincore.testing.model.calls import ADMIN_ONLY, Refusal
from clincore.testing.model.reference import keys, records, repertory
from clincore.testing.model.reference.questions import payload_of, payload_problems, problem_with
from clincore.testing.model.reference.refusals import FORBIDDEN, UNAUTHENTICATED, wrong
from clincore.testing.model.reference.state import Hour, Visit, is_let_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from clincore.testing.model.calls import Answer, Call, Json
    from clincore.testing.model.reference.state import World

    Answers: TypeAlias = Callable[[Visit], Answer]

ANSWERS: Final[dict[Endpoint, Answers]] = {
    Endpoint.HEALTH: lambda _: {"status": "ok"},
    Endpoint.ROTATE_KEY: keys.rotate_key,
    Endpoint.CREATE_KEY: keys.create_key,
    Endpoint.LIST_KEYS: keys.list_keys,
    Endpoint.REVOKE_KEY: keys.revoke_key,
    Endpoint.USAGE: keys.usage,
    Endpoint.LIST_ACCESS: keys.list_access,
    Endpoint.CREATE_PATIENT: records.create_patient,
    Endpoint.LIST_PATIENTS: records.list_patients,
    Endpoint.VIEW_PATIENT: records.view_patient,
    Endpoint.EDIT_PATIENT: records.edit_patient,
    Endpoint.CREATE_CASE: records.create_case,
    Endpoint.LIST_CASES: records.list_cases,
    Endpoint.VIEW_CASE: records.view_case,
    Endpoint.EDIT_CASE: records.edit_case,
    Endpoint.RANK_CASE: records.rank_case,
    Endpoint.FINALIZE_CASE: records.finalize_case,
    Endpoint.VERIFY_CASE: records.verify_case,
    Endpoint.VIEW_REPERTORY: repertory.overview,
    Endpoint.SEARCH_RUBRICS: repertory.search,
    Endpoint.VIEW_RUBRIC: repertory.rubric,
    Endpoint.LIST_REMEDIES: repertory.remedies,
    Endpoint.RANK_RUBRICS: repertory.rank,
}
READS_ONE: Final = (Endpoint.VIEW_PATIENT, Endpoint.VIEW_CASE)
"""The calls that read a record in one round trip: where there is none, that the key was used is kept all the same."""


def answer(world: World, call: Call, at: datetime, seen: Answer) -> Answer:
    """Return what a call made at ``at`` should have come to, having done it to the world."""
    problem = problem_with(world, call, at)
    if problem is not None:
        return problem
    tenant_id, key_id = world.secrets.get(call.key, ("", ""))
    if tenant_id == "" or not is_let_in(world.tenants[tenant_id].keys[key_id], at):
        return UNAUTHENTICATED
    tenant = world.tenants[tenant_id]
    key = tenant.keys[key_id]
    if call.endpoint in ADMIN_ONLY and key["role"] != "admin":
        return FORBIDDEN
    visit = Visit(world=world, tenant=tenant, key=key, call=call, at=at, seen=seen)
    found = _wrong_payload(visit) or ANSWERS[call.endpoint](visit)
    if isinstance(found, Refusal):
        if call.endpoint in READS_ONE:
            _use(key, at)
        return found
    if call.endpoint is not Endpoint.HEALTH:
        tenant.usage.append((key_id, call.endpoint.value, at))
    _use(key, at)
    return found


def _wrong_payload(visit: Visit) -> Refusal | None:
    """Which rubrics there are is told together with what else is wrong, to the holder of a key alone."""
    given = payload_of(visit.call)
    problems = payload_problems(*given) if given else []
    return wrong(*problems, *records.unknown_rubrics(visit, *given)) if given and problems else None


def _use(key: Json, at: datetime) -> None:
    """Keep the hour of a key's last use."""
    last = key["last_used_at"]
    before = last.at if isinstance(last, Hour) else last
    if before is None or before.replace(minute=0, second=0, microsecond=0) < at.replace(
        minute=0, second=0, microsecond=0
    ):
        key["last_used_at"] = Hour(at)
