"""Patients and cases, as the reference model answers for them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from clincore.testing.model.engine import choices_of
from clincore.testing.model.reference.questions import details_problems
from clincore.testing.model.reference.refusals import (
    CHANGED,
    REUSED,
    finalized,
    no_case,
    no_patient,
    not_finalized,
    plan_limit,
    wrong,
)
from clincore.testing.model.reference.state import newest_first, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from clincore.testing.model.calls import Answer, Json
    from clincore.testing.model.reference.state import Visit

_DAY = timedelta(hours=24)


# --- patients -------------------------------------------------------------------------------------------------------


def create_patient(visit: Visit) -> Answer:
    details = _trimmed({"birth_year": None, "phone": None, **visit.call.body})
    if (first := _first_answer(visit, details)) is not None:
        if isinstance(first, dict):
            visit.log("VIEW", "patient", first["id"])
        return first
    patient_id = visit.learned("id")
    patient = {"id": patient_id, **details, "revision": 1, "created_at": visit.at, "updated_at": visit.at}
    visit.tenant.patients[patient_id] = patient
    visit.log("CREATE", "patient", patient_id)
    _keep_answer(visit, details, shown(patient))
    return shown(patient)


def view_patient(visit: Visit) -> Answer:
    patient = visit.tenant.patients.get(visit.asked)
    if patient is None:
        return no_patient(visit.asked)
    visit.log("VIEW", "patient", visit.asked)
    return shown(patient)


def edit_patient(visit: Visit) -> Answer:
    patient = visit.tenant.patients.get(visit.asked)
    if patient is None:
        return no_patient(visit.asked)
    if visit.call.revision not in (None, patient["revision"]):
        return CHANGED
    changes = visit.call.body
    if problems := details_problems(changes, visit.at):
        return wrong(*problems)
    patient.update(_trimmed(changes), revision=patient["revision"] + 1, updated_at=visit.at)
    visit.log("UPDATE", "patient", visit.asked)
    return shown(patient)


def list_patients(visit: Visit) -> Answer:
    part = visit.call.query.get("q", "")
    found = [
        patient
        for patient in newest_first(visit.tenant.patients)
        if _letters_lowered(part) in _letters_lowered(patient["full_name"])
    ]
    visit.log("LIST", "patient", None, f"q={part}" if part else None)
    return visit.page(found)


def _trimmed(details: Mapping[str, Any]) -> Json:
    return {name: value.strip() if isinstance(value, str) else value for name, value in details.items()}


def _letters_lowered(text: str) -> str:
    return "".join(letter.lower()[0] for letter in text)


# --- cases ----------------------------------------------------------------------------------------------------------


def create_case(visit: Visit) -> Answer:
    body, tenant = visit.call.body, visit.tenant
    if (first := _first_answer(visit, body)) is not None:
        if isinstance(first, dict):
            visit.log("VIEW", "case", first["case_id"])
        return first
    if unknown := _unknown_rubrics(visit, body["input_payload"]):
        return wrong(*unknown)
    if body["patient_id"] not in tenant.patients:
        return no_patient(body["patient_id"])
    used = sum(_month(case["created_at"]) == _month(visit.at) for case in tenant.cases.values())
    if tenant.plan == "free" and used >= visit.world.free_tier_limit:
        return plan_limit(visit.world.free_tier_limit, used, visit.at)
    case_id = visit.learned("case_id")
    tenant.cases[case_id] = {
        "id": case_id,
        "patient_id": body["patient_id"],
        "status": "draft",
        "input_payload": body["input_payload"],
        "ranking_snapshot": None,
        "result_signature": None,
        "revision": 1,
        "created_at": visit.at,
        "updated_at": visit.at,
        "finalized_at": None,
        "replay_verdict": None,
        "replay_verified_at": None,
    }
    visit.log("CREATE", "case", case_id)
    answer: Json = {"case_id": case_id, "status": "draft"}
    _keep_answer(visit, body, answer)
    return answer


def view_case(visit: Visit) -> Answer:
    case = visit.tenant.cases.get(visit.asked)
    if case is None:
        return no_case(visit.asked)
    visit.log("VIEW", "case", visit.asked)
    return shown(case)


def list_cases(visit: Visit) -> Answer:
    wanted = {name: visit.call.query[name] for name in ("patient_id", "status") if name in visit.call.query}
    found = [
        case for case in newest_first(visit.tenant.cases) if all(case[name] == value for name, value in wanted.items())
    ]
    visit.log("LIST", "case", None, "&".join(f"{name}={value}" for name, value in wanted.items()) or None)
    return visit.page(found)


def edit_case(visit: Visit) -> Answer:
    case = visit.tenant.cases.get(visit.asked)
    payload = visit.call.body["input_payload"]
    if case is None:
        return no_case(visit.asked)
    if unknown := _unknown_rubrics(visit, payload):
        return wrong(*unknown)
    if case["status"] == "finalized":
        return finalized(visit.asked)
    if visit.call.revision not in (None, case["revision"]):
        return CHANGED
    case.update(input_payload=payload, revision=case["revision"] + 1, updated_at=visit.at)
    visit.log("UPDATE", "case", visit.asked)
    return shown(case)


def rank_case(visit: Visit) -> Answer:
    case = visit.tenant.cases.get(visit.asked)
    if case is None:
        return no_case(visit.asked)
    if case["status"] == "finalized":
        return finalized(visit.asked)
    visit.log("RANK", "case", visit.asked)
    return ranking_of(visit, case["input_payload"])


def finalize_case(visit: Visit) -> Answer:
    case = visit.tenant.cases.get(visit.asked)
    if case is None:
        return no_case(visit.asked)
    if case["status"] == "finalized":
        return finalized(visit.asked)
    signature = visit.learned("signature")
    assert len(bytes.fromhex(signature)) == 32
    ranking = visit.world.engine.ranking(case["input_payload"])
    case.update(
        status="finalized",
        ranking_snapshot=ranking["ranking"],
        result_signature=signature,
        revision=case["revision"] + 1,
        updated_at=visit.at,
        finalized_at=visit.at,
        _signed=(signature, case["input_payload"], ranking["ranking"]),
        _text_differs=False,
    )
    visit.log("FINALIZE", "case", visit.asked)
    added = {"case_id": visit.asked, "status": "finalized", "signature": signature}
    return {**ranking_of(visit, case["input_payload"]), **added}


def verify_case(visit: Visit) -> Answer:
    case = visit.tenant.cases.get(visit.asked)
    if case is None:
        return no_case(visit.asked)
    if case["status"] != "finalized":
        return not_finalized(visit.asked)
    signature, entered, ranking = case["_signed"]
    computed = visit.learned("computed") if case["_text_differs"] else signature
    if case["_text_differs"] or signature != case["result_signature"]:
        verdict = "signature_mismatch"
    else:
        is_whole = (case["input_payload"], case["ranking_snapshot"]) == (entered, ranking)
        verdict = "verified" if is_whole else "row_differs"
    assert (computed == case["result_signature"]) == (verdict != "signature_mismatch")
    case.update(replay_verdict=verdict, replay_verified_at=visit.at)
    visit.log("VERIFY", "case", visit.asked)
    return {
        "ok": verdict == "verified",
        "case_id": visit.asked,
        "expected": case["result_signature"],
        "computed": computed,
        "verified_at": visit.at,
        "verdict": verdict,
    }


def ranking_of(visit: Visit, payload: Mapping[str, Any]) -> Json:
    """Return the ranking as it is shown: the rows that the payload asks for."""
    whole = visit.world.engine.ranking(payload)
    top_n = payload.get("top_n", 20) or len(whole["ranking"])
    return {**whole, "ranking": whole["ranking"][:top_n]}


def _unknown_rubrics(visit: Visit, payload: Mapping[str, Any]) -> list[str]:
    return unknown_rubrics(visit, payload, "input_payload.")


def unknown_rubrics(visit: Visit, payload: Mapping[str, Any], path: str) -> list[str]:
    """Return where a payload names rubrics that the repertory has not."""
    listed = "rubrics" if "rubrics" in payload else "symptom_ids"
    unknown = visit.world.engine.unknown([choice["symptom_id"] for choice in choices_of(payload)])
    return [f"{path}{listed}[{place}]" for place in unknown]


def _month(at: datetime) -> tuple[int, int]:
    return at.year, at.month


# --- calls that are repeated ----------------------------------------------------------------------------------------


def _first_answer(visit: Visit, given: Mapping[str, Any]) -> Answer | None:
    """Return what the first call with the Idempotency-Key was answered, None where there is none or it is too old."""
    place = (visit.call.endpoint.value, visit.call.once or "")
    first = visit.tenant.once.get(place)
    if visit.call.once is None or first is None or visit.at - first["at"] >= _DAY:
        return None
    return dict(first["answer"]) if first["given"] == given else REUSED


def _keep_answer(visit: Visit, given: Mapping[str, Any], answer: Json) -> None:
    if visit.call.once is not None:
        kept = {"given": given, "answer": answer, "at": visit.at}
        visit.tenant.once[visit.call.endpoint.value, visit.call.once] = kept
