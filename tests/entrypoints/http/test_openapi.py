"""The OpenAPI document: complete, valid examples, and what is shown is what is enforced."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from clincore.domain.limits import BODY_BYTES, MAX_PAGE_SIZE, RUBRICS_PER_CASE
from clincore.entrypoints.http.openapi import document
from clincore.entrypoints.http.operation import Access
from clincore.entrypoints.http.problems import PROBLEMS, ProblemDetails
from clincore.entrypoints.http.routes import OPERATIONS

if TYPE_CHECKING:
    from service import Clinics

    from clincore.entrypoints.http.operation import Operation

BY_NAME = [pytest.param(one, id=one.name) for one in OPERATIONS]


def shown(one: Operation) -> Any:
    return document()["paths"][one.path][one.method.lower()]


def test_the_service_serves_the_document_to_anyone(clinics: Clinics) -> None:
    with clinics.service.client() as anyone:
        answer = anyone.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == json.loads(json.dumps(document()))
    assert answer.json()["openapi"] == "3.1.0"
    assert answer.json()["info"]["version"]


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(document())
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', text)):
        place = document()
        for step in reference.split("/"):
            place = place[step]
    names = {one.name for one in OPERATIONS}
    assert len(names) == len(OPERATIONS)
    assert {target for one in OPERATIONS for target in one.links} <= names


def test_every_problem_is_an_answer_of_some_call_but_those_of_the_router_and_the_server() -> None:
    listed = {kind.name for one in OPERATIONS for kind in one.problems}
    of_no_call = {"no-such-resource", "method-not-allowed", "unreadable-request", "headers-too-large"}
    assert {kind.name for kind in PROBLEMS} - listed == of_no_call


@pytest.mark.parametrize("one", BY_NAME)
def test_the_examples_are_of_the_types_that_parse_and_build(one: Operation) -> None:
    answer = msgspec.json.decode(msgspec.json.encode(one.example), type=one.answer)
    held = {name for name in one.answer.__struct_fields__ if getattr(answer, name) is not msgspec.UNSET}
    assert set(one.example) == held
    if one.body is not None:
        msgspec.json.decode(msgspec.json.encode(one.sends["body"]), type=one.body)
    for response in shown(one)["responses"].values():
        for example in response["content"].get("application/problem+json", {}).get("examples", {}).values():
            msgspec.convert(example["value"], ProblemDetails)


@pytest.mark.parametrize("one", BY_NAME)
def test_who_may_call_is_the_security_scheme(clinics: Clinics, one: Operation) -> None:
    security = shown(one)["security"]
    path = re.sub(r"\{\w+\}", "1", one.path)
    with clinics.service.client() as anyone:
        status = anyone.request(one.method, path).status_code
    assert (status == 401) == (one.access in (Access.KEY, Access.ADMIN, Access.TOKEN))
    assert (status == 401) == (security not in ([], [{}, {"ApiKey": []}]))


def test_the_limits_are_shown() -> None:
    about = document()
    schemas = about["components"]["schemas"]
    assert schemas["InputBody"]["properties"]["rubrics"]["maxItems"] == RUBRICS_PER_CASE
    (limit,) = [one for one in about["paths"]["/cases"]["get"]["parameters"] if one["name"] == "limit"]
    assert limit["schema"]["maximum"] == MAX_PAGE_SIZE
    assert f"{BODY_BYTES:,}" in about["info"]["description"]
    assert schemas["RubricBody"]["properties"]["weight"]["type"] == "number"


def test_the_examples_run(clinics: Clinics) -> None:
    """The bodies as they are shown, on the ids of what they make."""
    clinic = clinics.first
    sends = {one.name: dict(one.sends) for one in OPERATIONS}
    patient = clinic.post("/patients", json=sends["create_patient"]["body"])
    assert patient.status_code == 201
    path = f"/patients/{patient.json()['id']}"
    tag = {"If-Match": patient.headers["ETag"]}
    assert clinic.patch(path, json=sends["edit_patient"]["body"], headers=tag).status_code == 200
    case = clinic.post("/cases", json={**sends["create_case"]["body"], "patient_id": patient.json()["id"]})
    assert case.status_code == 201, case.text
    path = f"/cases/{case.json()['case_id']}"
    tag = {"If-Match": case.headers["ETag"]}
    assert clinic.get(f"{path}/ranking", params={"grid": "true"}).status_code == 200
    assert clinic.patch(path, json=sends["edit_case"]["body"], headers=tag).status_code == 200
    assert clinic.post(f"{path}/finalize").status_code == 200
    assert clinic.post("/repertory/rankings", json=sends["rank_rubrics"]["body"]).status_code == 200
    assert clinic.post("/admin/api-keys", json=sends["create_key"]["body"]).status_code == 201
    for name, where in (("list_patients", "/patients"), ("search_rubrics", "/repertory/rubrics")):
        assert clinic.get(where, params=sends[name]).status_code == 200
    for name, where in (("list_cases", "/cases"), ("list_access", "/admin/access-logs")):
        assert clinic.get(where, params=sends[name]).status_code == 200
    assert clinic.get(f"/repertory/rubrics/{sends['view_rubric']['id']}").status_code == 200
