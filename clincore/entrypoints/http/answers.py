"""Records as the contract's JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from starlette.requests import Request

    from clincore.domain.case import Case
    from clincore.domain.page import Page
    from clincore.domain.patient import Patient
    from clincore.domain.replay import Replay
    from clincore.services.keys import NewKey

    T = TypeVar("T")


def patient_json(patient: Patient) -> dict[str, Any]:
    return {
        "id": patient.id,
        "full_name": patient.details.full_name,
        "birth_year": patient.details.birth_year,
        "phone": patient.details.phone,
        "revision": patient.revision,
        "created_at": patient.created_at,
        "updated_at": patient.updated_at,
    }


def case_json(case: Case) -> dict[str, Any]:
    finalization = case.finalization
    return {
        "id": case.id,
        "patient_id": case.patient_id,
        "status": case.status,
        "input_payload": case.input_payload,
        "ranking_snapshot": finalization.ranking_snapshot if finalization else None,
        "result_signature": finalization.signed.signature if finalization else None,
        "revision": case.revision,
        "created_at": case.created_at,
        "updated_at": case.updated_at,
        "finalized_at": finalization.at if finalization else None,
        "replay_verdict": case.verdict,
        "replay_verified_at": case.verified_at,
    }


def replay_json(replay: Replay) -> dict[str, Any]:
    return {
        "ok": replay.ok,
        "case_id": replay.case_id,
        "expected": replay.expected,
        "computed": replay.computed,
        "verified_at": replay.verified_at,
        "verdict": replay.verdict,
    }


def new_key_json(key: NewKey) -> dict[str, Any]:
    return {"tenant_id": key.tenant_id, "api_key": key.api_key, "key_id": key.key_id}


def page_json(request: Request, page: Page[T], item: Callable[[T], Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a list's body, and its ``Link`` header where there is a next page."""
    body = {"items": [item(record) for record in page.items], "next": page.next}
    if page.next is None:
        return body, {}
    following = request.url.include_query_params(cursor=page.next)
    return body, {"Link": f'<{following.path}?{following.query}>; rel="next"'}
