"""Bad input over HTTP: each a problem of the right kind, and nothing is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from service import problem_of

if TYPE_CHECKING:
    from service import Clinics

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def patient_id(clinics: Clinics) -> str:
    created: str = clinics.first.post("/patients", json={"full_name": "Ada Example"}).json()["id"]
    return created


PAYLOADS: list[tuple[str, str]] = [
    ('{"symptom_ids": []}', "symptom_ids"),
    ('{"symptom_ids": [8, 8]}', "symptom_ids[1]"),
    ('{"symptom_ids": [8, 999999]}', "symptom_ids[1]"),
    ('{"symptom_ids": ["8"]}', "symptom_ids[0]"),
    ('{"symptom_ids": [0]}', "symptom_ids[0]"),
    ('{"symptom_ids": [9007199254740992]}', "symptom_ids[0]"),
    ('{"symptom_ids": [8.5]}', "symptom_ids[0]"),
    ('{"symptom_ids": [true]}', "symptom_ids[0]"),
    ('{"symptom_ids": [8], "rubrics": [{"symptom_id": 8}]}', ""),
    ("{}", ""),
    ('{"rubrics": [{"symptom_id": 8, "weight": 0}]}', "rubrics[0].weight"),
    ('{"rubrics": [{"symptom_id": 8, "weight": -1}]}', "rubrics[0].weight"),
    ('{"rubrics": [{"symptom_id": 8, "weight": 10.001}]}', "rubrics[0].weight"),
    ('{"rubrics": [{"symptom_id": 8, "weight": 1e400}]}', "rubrics[0].weight"),
    ('{"rubrics": [{"symptom_id": 8, "weight": 1e9999999999999999999}]}', "rubrics[0].weight"),
    ('{"rubrics": [{"symptom_id": 8, "weight": 0e99999999999999999999}]}', "rubrics[0].weight"),
    ('{"rubrics": [{"symptom_id": 8, "weight": 1e-9999999999999999999}]}', "rubrics[0].weight"),
    ('{"rubrics": [{"symptom_id": 8, "weight": 1.0005}]}', "rubrics[0].weight"),
    ('{"rubrics": [{"symptom_id": 8, "weight": 1.00000000000000000001}]}', "rubrics[0].weight"),
    ('{"rubrics": [{"symptom_id": 8, "weight": "1"}]}', "rubrics[0].weight"),
    ('{"rubrics": [{"symptom_id": 8, "weight": null}]}', "rubrics[0].weight"),
    ('{"rubrics": [{"symptom_id": 8, "weight": true}]}', "rubrics[0].weight"),
    ('{"rubrics": [{"symptom_id": 8, "colour": 1}]}', "rubrics[0]"),
    ('{"rubrics": [{"weight": 1}]}', "rubrics[0].symptom_id"),
    ('{"symptom_ids": [8], "course": "slow"}', "course"),
    ('{"symptom_ids": [8], "case_type": "odd"}', "case_type"),
    ('{"symptom_ids": [8], "method": "guess/1"}', "method"),
    ('{"symptom_ids": [8], "top_n": -1}', "top_n"),
    ('{"symptom_ids": [8], "top_n": "5"}', "top_n"),
    ('{"symptom_ids": [8], "notes": "a\\u0000b"}', "notes"),
    ('{"symptom_ids": [8], "notes": "a\\tb"}', "notes"),
    (json.dumps({"symptom_ids": [8], "notes": "x" * 2001}), "notes"),
    ('{"symptom_ids": [8], "mood": 1}', ""),
    ("[8]", ""),
    (json.dumps({"symptom_ids": list(range(1, 202))}), "symptom_ids"),
]


@pytest.mark.parametrize(("text", "path"), PAYLOADS, ids=[text[:60] for text, _ in PAYLOADS])
def test_a_wrong_input_payload_is_refused_by_its_path(clinics: Clinics, patient_id: str, text: str, path: str) -> None:
    before = _written(clinics)
    bare = problem_of(clinics.first.post("/repertory/rankings", content=text, headers=JSON))
    assert bare["status"] == 422
    assert path in [error["path"] for error in bare["errors"]]

    content = f'{{"patient_id": "{patient_id}", "input_payload": {text}}}'
    inside = problem_of(clinics.first.post("/cases", content=content, headers=JSON))
    assert inside["status"] == 422
    expected = f"input_payload.{path}" if path else "input_payload"
    assert expected in [error["path"] for error in inside["errors"]]
    assert _written(clinics) == before


def test_what_is_wrong_with_rubrics_is_told_at_once(clinics: Clinics, patient_id: str) -> None:
    """Repeated ones, unknown ones and wrong weights together; to the holder of a valid key alone."""
    rubrics = [{"symptom_id": 8}, {"symptom_id": 8}, {"symptom_id": 999_999}, {"symptom_id": 18, "weight": 11}]
    body = {"patient_id": patient_id, "input_payload": {"rubrics": rubrics}}
    problem = problem_of(clinics.first.post("/cases", json=body))
    assert [(error["path"], error["message"].split(" ")[-1]) for error in problem["errors"]] == [
        ("input_payload.rubrics[3].weight", "decimals"),
        ("input_payload.rubrics[1]", "repeated"),
        ("input_payload.rubrics[2]", "repertory"),
    ]
    bare = problem_of(clinics.first.post("/repertory/rankings", json={"symptom_ids": [8, 8, 999_999]}))
    assert [error["path"] for error in bare["errors"]] == ["symptom_ids[1]", "symptom_ids[2]"]
    with clinics.service.client(str(clinics.second.headers["x-api-key"])[:-7] + "0000000") as stranger:
        assert problem_of(stranger.post("/cases", json=body))["status"] == 401


PATIENTS: list[tuple[dict[str, Any], str]] = [
    ({}, "full_name"),
    ({"full_name": ""}, "full_name"),
    ({"full_name": "   "}, "full_name"),
    ({"full_name": "x" * 201}, "full_name"),
    ({"full_name": "a\u0000b"}, "full_name"),
    ({"full_name": "a\nb"}, "full_name"),
    ({"full_name": 7}, "full_name"),
    ({"full_name": None}, "full_name"),
    ({"full_name": "Ada", "birth_year": 1700}, "birth_year"),
    ({"full_name": "Ada", "birth_year": 3000}, "birth_year"),
    ({"full_name": "Ada", "birth_year": "1980"}, "birth_year"),
    ({"full_name": "Ada", "phone": ""}, "phone"),
    ({"full_name": "Ada", "phone": "1" * 41}, "phone"),
    ({"full_name": "Ada", "email": "x"}, ""),
]


@pytest.mark.parametrize(("body", "path"), PATIENTS, ids=[json.dumps(body)[:50] for body, _ in PATIENTS])
def test_a_wrong_patient_is_refused_by_its_path(clinics: Clinics, body: dict[str, Any], path: str) -> None:
    before = _written(clinics)
    problem = problem_of(clinics.first.post("/patients", json=body))
    assert problem["status"] == 422
    assert problem["errors"][0]["path"] == path
    assert _written(clinics) == before


@pytest.mark.parametrize(
    ("content", "position"),
    [
        (b"", "empty"),
        (b'{"full_name": ', "ends too early, at byte 14 (line 1, column 15)"),
        (b'{"full_name": nope}', "line 1, column 19"),
        (b'{"full_name": 1', "ends too early, at byte 15 (line 1, column 16)"),
        (b"[1,", "ends too early, at byte 3 (line 1, column 4)"),
        (b'{\n "full_name": "Ada",\n}', "line 3, column 1"),
        (b'{"full_name": NaN}', "byte 14"),
        (b'{"full_name": "\xff"}', "not JSON: it is not UTF-8 at byte 15"),
        (b'{"full_name": "\\ud800"}', "not JSON that can be read: a text in it has half of a surrogate pair"),
    ],
)
def test_malformed_json_is_400_with_the_position(clinics: Clinics, content: bytes, position: str) -> None:
    problem = problem_of(clinics.first.post("/patients", content=content, headers=JSON))
    assert problem["status"] == 400
    assert position in problem["detail"]


@pytest.mark.parametrize(
    "content",
    [
        '{"symptom_ids": [8], "symptom_ids": [18]}',
        '{"rubrics": [{"symptom_id": 8, "weight": 2, "weight": 1}]}',
        '{"rubrics": [{"symptom_id": 8, "\\u0077eight": 2, "weight": 1}]}',
    ],
)
def test_a_field_that_stands_twice_is_refused(clinics: Clinics, content: str) -> None:
    problem = problem_of(clinics.first.post("/repertory/rankings", content=content, headers=JSON))
    assert problem["status"] == 422
    assert "2 times" in problem["errors"][0]["message"]


def test_bodies_of_another_type_or_size_are_refused(clinics: Clinics) -> None:
    assert problem_of(clinics.first.post("/patients", data={"full_name": "Ada"}))["status"] == 415
    assert problem_of(clinics.first.post("/patients", content=b"{}"))["status"] == 415
    too_large = b'{"full_name": "%s"}' % (b"x" * 1024 * 1024)
    assert problem_of(clinics.first.post("/patients", content=too_large, headers=JSON))["status"] == 413
    packed = {**JSON, "Content-Encoding": "gzip"}
    assert problem_of(clinics.first.post("/patients", content=b"{}", headers=packed))["status"] == 415
    long_name = json.dumps({"full_name": "Ada", "x" * 100_000: 1})
    assert len(clinics.first.post("/patients", content=long_name, headers=JSON).content) < 2000
    chunks = (b"x" * 65536 for _ in range(20))
    assert problem_of(clinics.first.post("/patients", content=chunks, headers=JSON))["status"] == 413


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/cases?limit=0", 422),
        ("/cases?limit=201", 422),
        ("/cases?limit=many", 422),
        ("/cases?limit=1&limit=2", 422),
        ("/cases?patientid=1", 422),
        ("/cases?patient_id=1", 422),
        ("/cases?status=open", 422),
        ("/cases?cursor=garbage", 400),
        ("/patients?cursor=WzEsMl0", 400),
        ("/patients?q=%00", 422),
        ("/patients?q=%ff", 422),
        ("/patients?q=" + "x" * 201, 422),
        ("/cases/not-a-uuid", 404),
        ("/patients/not-a-uuid", 404),
        ("/patients/{12345678-1234-5678-1234-567812345678}", 404),
        ("/patients/12345678123456781234567812345678", 404),
        ("/nothing/here", 404),
        ("/cases/", 404),
    ],
)
def test_wrong_addresses_and_parameters_are_problems(clinics: Clinics, path: str, status: int) -> None:
    assert problem_of(clinics.first.get(path))["status"] == status


def test_a_method_that_is_not_there_names_those_that_are(clinics: Clinics) -> None:
    answer = clinics.first.delete("/cases")
    assert problem_of(answer)["status"] == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("key", ["", "clc_", "x" * 76, "clc_" + "0" * 72, "кл"])
def test_a_wrong_key_is_401(clinics: Clinics, key: str) -> None:
    with clinics.service.client() as client:
        answer = client.get("/cases", headers={b"X-API-Key": key.encode()})
    assert problem_of(answer)["status"] == 401


def test_two_keys_are_no_key(clinics: Clinics) -> None:
    key = clinics.first.headers["x-api-key"]
    with clinics.service.client() as client:
        answer = client.get("/cases", headers=[("X-API-Key", key), ("X-API-Key", key)])
    assert problem_of(answer)["status"] == 401


def test_no_answer_is_for_a_cache(clinics: Clinics, patient_id: str) -> None:
    for path in (f"/patients/{patient_id}", "/cases", "/nothing", "/health"):
        assert clinics.first.get(path).headers["cache-control"] == "no-store"


def test_changes_need_the_revision_that_was_read(clinics: Clinics, patient_id: str) -> None:
    change = {"phone": "030 1234"}
    path = f"/patients/{patient_id}"
    tag = clinics.first.get(path).headers["etag"]
    assert problem_of(clinics.first.patch(path, json=change))["status"] == 428
    assert problem_of(clinics.first.patch(path, json=change, headers={"If-Match": '"999"'}))["status"] == 412
    assert problem_of(clinics.first.patch(path, json=change, headers={"If-Match": f"W/{tag}"}))["status"] == 412
    changed = clinics.first.patch(path, json=change, headers={"If-Match": tag})
    assert changed.status_code == 200
    assert changed.json()["phone"] == "030 1234"
    assert problem_of(clinics.first.patch(path, json=change, headers={"If-Match": tag}))["status"] == 412
    emptied = clinics.first.patch(path, json={"phone": None}, headers={"If-Match": changed.headers["etag"]})
    assert emptied.json()["phone"] is None
    assert emptied.json()["full_name"] == "Ada Example"
    anyhow = clinics.first.patch(path, json={"birth_year": 1980}, headers={"If-Match": "*"})
    assert anyhow.json()["birth_year"] == 1980


def test_lists_are_complete_over_their_pages(clinics: Clinics) -> None:
    for number in range(7):
        clinics.second.post("/patients", json={"full_name": f"Patient {number}"})
    seen: list[str] = []
    path = "/patients?limit=3&q=Patient"
    while path:
        answer = clinics.second.get(path)
        seen += [patient["full_name"] for patient in answer.json()["items"]]
        path = answer.links["next"]["url"] if "next" in answer.links else ""
        assert ("next" in answer.links) == (answer.json()["next"] is not None)
    assert seen == [f"Patient {number}" for number in reversed(range(7))]


def _written(clinics: Clinics) -> tuple[int, int, int]:
    """Patients, cases, and metered calls other than the lists and this look."""
    usage = clinics.first.get("/admin/usage").json()["calls_by_endpoint"]
    looks = ("GET /admin/usage", "GET /patients", "GET /cases")
    return (
        len(clinics.first.get("/patients?limit=200").json()["items"]),
        len(clinics.first.get("/cases?limit=200").json()["items"]),
        sum(count for endpoint, count in usage.items() if endpoint not in looks),
    )
