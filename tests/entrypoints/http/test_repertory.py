"""The repertory over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from service import problem_of

if TYPE_CHECKING:
    from service import Clinics


def test_the_edition_is_that_of_the_rankings(clinics: Clinics) -> None:
    edition = clinics.first.get("/repertory").json()
    ranking = clinics.first.post("/repertory/rankings", json={"symptom_ids": [8]}).json()
    assert edition["fingerprint"] == ranking["repertory"] == clinics.first.get("/ready").json()["repertory"]
    assert edition["rubrics"] > len(edition["chapters"]) > 1


def test_what_is_found_can_be_seen_and_ranked(clinics: Clinics) -> None:
    found = clinics.first.get("/repertory/rubrics", params={"q": "anxiety", "limit": 3})
    assert found.status_code == 200
    assert len(found.json()["items"]) == 3
    following = clinics.first.get(found.links["next"]["url"]).json()
    assert not {line["id"] for line in following["items"]} & {line["id"] for line in found.json()["items"]}
    hit = found.json()["items"][0]
    rubric = clinics.first.get(f"/repertory/rubrics/{hit['id']}").json()
    assert rubric["path"] == hit["path"]
    assert len(rubric["remedies"]) == hit["remedies"]
    graded = [{"remedy": line["remedy"], "grade": line["grade"]} for line in rubric["remedies"]]
    assert graded[: len(hit["best"])] == hit["best"]
    assert [line["grade"] for line in graded] == sorted((line["grade"] for line in graded), reverse=True)
    assert [line["text"] for line in rubric["parents"]] == rubric["path"][:-1]
    assert hit["id"] in [line["id"] for line in [*rubric["siblings"], {"id": hit["id"]}]]
    ranking = clinics.first.post("/repertory/rankings", json={"symptom_ids": [hit["id"]], "top_n": 0}).json()
    assert {line["remedy"] for line in ranking["ranking"]} == {line["remedy"] for line in graded}


def test_remedies_are_complete_over_their_pages(clinics: Clinics) -> None:
    seen: list[str] = []
    path = "/repertory/remedies?limit=30"
    while path:
        answer = clinics.first.get(path)
        seen += [line["remedy"] for line in answer.json()["items"]]
        path = answer.links["next"]["url"] if "next" in answer.links else ""
    assert seen == sorted(set(seen))
    assert len(seen) == clinics.first.get("/repertory").json()["remedies"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/repertory/rubrics", 422),
        ("/repertory/rubrics?q=a&limit=0", 422),
        ("/repertory/rubrics?q=", 400),
        ("/repertory/rubrics?q=-anxiety", 400),
        ("/repertory/rubrics?q=anxiety&cursor=garbage", 400),
        ("/repertory/remedies?cursor=%ff", 400),
        ("/repertory/remedies?cursor=YXJz=", 400),
        ("/repertory/remedies?q=ars", 422),
        ("/repertory/rubrics/999999", 404),
        ("/repertory/rubrics/0", 404),
        ("/repertory/rubrics/08", 404),
        ("/repertory/rubrics/" + "9" * 5000, 404),
        ("/repertory/rubrics/x", 404),
    ],
)
def test_what_cannot_be_read_is_a_problem_and_costs_nothing(clinics: Clinics, path: str, status: int) -> None:
    before = clinics.first.get("/admin/usage").json()["total_calls"]
    assert problem_of(clinics.first.get(path))["status"] == status
    assert clinics.first.get("/admin/usage").json()["total_calls"] == before + 1


def test_a_query_that_cannot_be_read_is_answered_with_its_position(clinics: Clinics) -> None:
    problem = problem_of(clinics.first.get("/repertory/rubrics", params={"q": 'fear "of death'}))
    assert problem["type"] == "urn:clincore:problem:invalid-query"
    assert problem["position"] == 5


def test_reading_the_repertory_is_metered_and_needs_a_key(clinics: Clinics) -> None:
    calls = ("/repertory", "/repertory/rubrics?q=fear", "/repertory/rubrics/8", "/repertory/remedies")
    before = clinics.second.get("/admin/usage").json()["calls_by_endpoint"]
    for path in calls:
        assert clinics.second.get(path).status_code == 200
    after = clinics.second.get("/admin/usage").json()["calls_by_endpoint"]
    grown = {name: count - before.get(name, 0) for name, count in after.items() if name.startswith("GET /repertory")}
    assert grown == {
        "GET /repertory": 1,
        "GET /repertory/rubrics": 1,
        "GET /repertory/rubrics/{id}": 1,
        "GET /repertory/remedies": 1,
    }
    with clinics.service.client() as anyone:
        for path in calls:
            assert problem_of(anyone.get(path))["status"] == 401
