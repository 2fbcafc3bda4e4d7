"""The main job over HTTP, on a real server process and a real PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import uuid4

from service import TOKEN, problem_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    from service import Clinics

RUBRICS = [8, 18, 29, 71, 159]


def new_case(client: httpx.Client, payload: Mapping[str, object]) -> str:
    patient = client.post("/patients", json={"full_name": "Ada Example"}).json()
    answer = client.post("/cases", json={"patient_id": patient["id"], "input_payload": payload})
    assert answer.status_code == 201, answer.text
    case_id: str = answer.json()["case_id"]
    return case_id


def test_a_case_goes_from_draft_to_a_verified_replay(clinics: Clinics) -> None:
    payload = {"rubrics": [{"symptom_id": rubric} for rubric in RUBRICS], "notes": "two\nlines", "top_n": 3}
    patient = clinics.first.post("/patients", json={"full_name": "  Ada Example ", "birth_year": 1980}).json()
    assert patient["full_name"] == "Ada Example"
    answer = clinics.first.post("/cases", json={"patient_id": patient["id"], "input_payload": payload})
    assert answer.status_code == 201
    case_id = answer.json()["case_id"]
    assert answer.json() == {"case_id": case_id, "status": "draft"}
    assert answer.headers["location"] == f"/cases/{case_id}"

    draft = clinics.first.get(f"/cases/{case_id}").json()
    assert draft["input_payload"] == payload
    assert draft["status"] == "draft"
    assert draft["ranking_snapshot"] is None

    preview = clinics.first.get(f"/cases/{case_id}/ranking").json()
    done = clinics.first.post(f"/cases/{case_id}/finalize").json()
    assert set(done) >= {"case_id", "status", "signature", "ranking"}
    assert done["status"] == "finalized"
    assert len(done["signature"]) == 64
    assert len(done["ranking"]) == 3
    assert done["ranking"][0]["remedy"] == "ars"
    assert done["ranking"] == preview["ranking"]

    stored = clinics.first.get(f"/cases/{case_id}").json()
    assert stored["result_signature"] == done["signature"]
    assert stored["ranking_snapshot"][:3] == done["ranking"]
    assert len(stored["ranking_snapshot"]) == done["remedies_evaluated"]

    replay = clinics.first.post(f"/cases/{case_id}/verify-replay").json()
    assert replay["ok"] is True
    assert replay["verdict"] == "verified"
    assert replay["expected"] == replay["computed"] == done["signature"]


def test_a_ranking_without_a_case_is_that_of_a_case(clinics: Clinics) -> None:
    payload = {"symptom_ids": RUBRICS, "course": "acute"}
    case_id = new_case(clinics.first, payload)
    finalized = clinics.first.post(f"/cases/{case_id}/finalize").json()
    bare = clinics.first.post("/repertory/rankings", json=payload).json()
    assert bare["ranking"] == finalized["ranking"]
    assert bare["course"] == "acute"


def test_the_stability_margin_is_told_where_it_is_asked(clinics: Clinics) -> None:
    """The same for a case and for bare rubrics; nothing of it stands in an answer that was not asked."""
    bare = clinics.first.post("/repertory/rankings?stability=true", json={"symptom_ids": RUBRICS}).json()
    patient = clinics.first.post("/patients", json={"full_name": "Ada Example"}).json()
    entered = {"patient_id": patient["id"], "input_payload": {"symptom_ids": RUBRICS}}
    case_id = clinics.first.post("/cases", json=entered).json()["case_id"]
    of_case = clinics.first.get(f"/cases/{case_id}/ranking?stability=true&grid=true").json()
    assert of_case["stability"] == bare["stability"]
    assert bare["stability"].keys() == {"supported", "margin", "symptom_id", "remedy"}
    assert bare["stability"]["supported"] is True
    assert bare["stability"]["symptom_id"] in RUBRICS
    assert "stability" not in clinics.first.get(f"/cases/{case_id}/ranking").json()
    refused = clinics.first.get(f"/cases/{case_id}/ranking?stability=yes")
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "stability")


def test_the_grid_adds_up_to_the_scores(clinics: Clinics) -> None:
    answer = clinics.first.post("/repertory/rankings?grid=true", json={"symptom_ids": RUBRICS, "top_n": 0}).json()
    assert len(answer["grid"]) == answer["remedies_evaluated"] == len(answer["ranking"])
    for row in answer["grid"]:
        assert sum(Decimal(cell["contribution"]) for cell in row["cells"]) == Decimal(row["score"])


def test_a_second_finalize_and_an_edit_are_conflicts(clinics: Clinics) -> None:
    case_id = new_case(clinics.first, {"symptom_ids": RUBRICS})
    assert problem_of(clinics.first.post(f"/cases/{case_id}/verify-replay"))["status"] == 409
    assert clinics.first.post(f"/cases/{case_id}/finalize").status_code == 200
    assert problem_of(clinics.first.post(f"/cases/{case_id}/finalize"))["status"] == 409
    changed = clinics.first.patch(
        f"/cases/{case_id}", json={"input_payload": {"symptom_ids": [8]}}, headers={"If-Match": '"2"'}
    )
    assert problem_of(changed)["status"] == 409
    assert problem_of(clinics.first.get(f"/cases/{case_id}/ranking"))["status"] == 409


def test_another_clinics_ids_are_answered_like_unknown_ones(clinics: Clinics) -> None:
    case_id = new_case(clinics.first, {"symptom_ids": RUBRICS})
    patient_id = clinics.first.get(f"/cases/{case_id}").json()["patient_id"]
    unknown = str(uuid4())
    for method, path, body in (
        ("GET", "/cases/{}", None),
        ("GET", "/cases/{}/ranking", None),
        ("POST", "/cases/{}/finalize", None),
        ("POST", "/cases/{}/verify-replay", None),
        ("PATCH", "/cases/{}", {"input_payload": {"symptom_ids": [8]}}),
    ):
        foreign, missing = (
            clinics.second.request(method, path.format(record), json=body, headers={"If-Match": '"1"'})
            for record in (case_id, unknown)
        )
        assert foreign.status_code == missing.status_code == 404
        assert foreign.text.replace(case_id, unknown) == missing.text
    for path in ("/patients/{}",):
        foreign, missing = (clinics.second.get(path.format(record)) for record in (patient_id, unknown))
        assert foreign.status_code == missing.status_code == 404
        assert foreign.text.replace(patient_id, unknown) == missing.text
    foreign, missing = (
        clinics.second.post("/cases", json={"patient_id": record, "input_payload": {"symptom_ids": [8]}})
        for record in (patient_id, unknown)
    )
    assert foreign.status_code == missing.status_code == 404
    assert foreign.text.replace(patient_id, unknown) == missing.text
    assert clinics.second.get("/cases").json() == {"items": [], "next": None}
    assert clinics.second.get("/patients?q=Ada").json() == {"items": [], "next": None}


def test_answered_calls_are_metered_and_refused_ones_are_not(clinics: Clinics) -> None:
    before = clinics.first.get("/admin/usage").json()
    case_id = new_case(clinics.first, {"symptom_ids": RUBRICS})
    clinics.first.get(f"/cases/{case_id}")
    clinics.first.get(f"/cases/{uuid4()}")
    clinics.first.post("/cases", json={"patient_id": str(uuid4()), "input_payload": {"symptom_ids": [8]}})
    clinics.first.get("/health")
    after = clinics.first.get("/admin/usage").json()
    assert after["total_calls"] - before["total_calls"] == 4  # patient, case, view, and the first look at the usage
    assert after["last_24h_count"] == after["total_calls"]
    grown = {
        endpoint: count - before["calls_by_endpoint"].get(endpoint, 0)
        for endpoint, count in after["calls_by_endpoint"].items()
        if count != before["calls_by_endpoint"].get(endpoint, 0)
    }
    assert grown == {"POST /patients": 1, "POST /cases": 1, "GET /cases/{id}": 1, "GET /admin/usage": 1}


def test_a_deployment_is_bootstrapped_once(clinics: Clinics) -> None:
    with clinics.service.client() as anyone:
        right = {"Authorization": f"Bearer {TOKEN}"}
        assert problem_of(anyone.post("/bootstrap", json={"tenant_name": "Again"}, headers=right))["status"] == 409
        assert problem_of(anyone.post("/bootstrap", json={"tenant_name": ""}, headers=right))["status"] == 409
        for wrong in ({}, {"Authorization": "Bearer no"}, {"Authorization": TOKEN}):
            assert problem_of(anyone.post("/bootstrap", json={"tenant_name": "x"}, headers=wrong))["status"] == 401


def test_a_rotated_key_is_dead_at_once_or_after_its_grace(clinics: Clinics) -> None:
    rotated = clinics.first.post("/auth/api-keys/rotate", json={"grace_seconds": 600}).json()
    assert set(rotated) == {"new_key", "key_id", "tenant_id"}
    assert clinics.first.get("/cases").status_code == 200
    again = problem_of(clinics.first.post("/auth/api-keys/rotate"))
    assert (again["status"], again["detail"]) == (401, "This key was rotated before; go on with its successor.")
    with clinics.service.client(rotated["new_key"]) as client:
        final = client.post("/auth/api-keys/rotate").json()["new_key"]
        assert problem_of(client.get("/cases"))["status"] == 401
    with clinics.service.client(final) as client:
        assert client.get("/admin/usage").status_code == 200


def test_health_answers_anyone_but_not_a_wrong_key(clinics: Clinics) -> None:
    with clinics.service.client() as anyone:
        assert anyone.get("/health").json() == {"status": "ok"}
        assert anyone.get("/ready").status_code == 200
        assert anyone.get("/version").json()["version"]
        assert problem_of(anyone.get("/health", headers={"X-API-Key": "clc_no"}))["status"] == 401
    assert clinics.first.get("/health").json() == {"status": "ok"}


def test_a_repeated_call_gives_the_first_answer_and_makes_nothing(clinics: Clinics) -> None:
    key = {"Idempotency-Key": f"entry of {uuid4()}"}
    first = clinics.first.post("/patients", json={"full_name": "Repeated Entry"}, headers=key)
    again = clinics.first.post("/patients", json={"full_name": " Repeated Entry "}, headers=key)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert len(clinics.first.get("/patients?q=Repeated").json()["items"]) == 1
    other = clinics.first.post("/patients", json={"full_name": "Someone Else"}, headers=key)
    assert problem_of(other)["type"].endswith("idempotency-key-reused")

    body = {"patient_id": first.json()["id"], "input_payload": {"symptom_ids": RUBRICS}}
    case_id = clinics.first.post("/cases", json=body, headers=key).json()["case_id"]
    clinics.first.post(f"/cases/{case_id}/finalize")
    assert clinics.first.post("/cases", json=body, headers=key).json() == {"case_id": case_id, "status": "draft"}
    listed = clinics.first.get(f"/cases?patient_id={first.json()['id']}").json()["items"]
    assert [case["id"] for case in listed] == [case_id]

    foreign = clinics.second.post("/patients", json={"full_name": "Foreign Entry"}, headers=key)
    assert foreign.status_code == 201
    assert problem_of(clinics.first.post("/patients", json={"full_name": "x"}, headers={"Idempotency-Key": ""}))


def test_of_calls_at_once_with_one_key_one_makes_the_record(clinics: Clinics) -> None:
    key = {"Idempotency-Key": str(uuid4())}

    def enter(_: int) -> int:
        answer = clinics.first.post("/patients", json={"full_name": "Once Only"}, headers=key)
        return int(answer.status_code)

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(enter, range(16)))
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert len(clinics.first.get("/patients?q=Once Only").json()["items"]) == 1
