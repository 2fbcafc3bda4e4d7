"""API keys, usage and the access log, as an administrator of a clinic handles them over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from service import new_tenant, problem_of, running_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from databases import NewDatabase
    from service import Clinics, Service


def made(client: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = client.post("/admin/api-keys", json={"label": "of a test", **body})
    assert answer.status_code == 201, answer.text
    key: dict[str, Any] = answer.json()
    return key


def listed(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    """A whole list, read page by page by its Link headers."""
    found: list[dict[str, Any]] = []
    while path:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        path = answer.links["next"]["url"] if "next" in answer.links else ""
    return found


@pytest.fixture
def admin(clinics: Clinics) -> Iterator[httpx.Client]:
    """A fresh clinic's first admin, on the module's service."""
    with clinics.service.client(made(clinics.first, role="admin")["api_key"]) as client:
        yield client


def test_a_key_is_made_listed_and_revoked(clinics: Clinics, admin: httpx.Client) -> None:
    end = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    key = made(admin, label="  Front desk ", expires_at=end.isoformat())
    assert key["label"] == "Front desk"
    assert key["role"] == "user"
    with clinics.service.client(key["api_key"]) as desk:
        assert desk.get("/patients").status_code == 200
        assert problem_of(desk.get("/admin/usage"))["status"] == 403
        assert problem_of(desk.get("/admin/api-keys"))["status"] == 403
        assert problem_of(desk.post("/admin/api-keys", json={"label": "mine"}))["status"] == 403
        assert problem_of(desk.post(f"/admin/api-keys/revoke/{key['key_id']}"))["status"] == 403
        assert problem_of(desk.get("/admin/access-logs"))["status"] == 403
        line = next(line for line in listed(admin, "/admin/api-keys?limit=2") if line["key_id"] == key["key_id"])
        assert (line["label"], line["role"], line["state"]) == ("Front desk", "user", "valid")
        assert datetime.fromisoformat(line["expires_at"]) == end
        assert line["last_used_at"].endswith(":00:00Z")
        assert key["api_key"] not in str(line)
        assert "hash" not in str(line)
        assert admin.post(f"/admin/api-keys/revoke/{key['key_id']}").json() == {"revoked": key["key_id"]}
        assert problem_of(desk.get("/patients"))["status"] == 401
    line = next(line for line in listed(admin, "/admin/api-keys") if line["key_id"] == key["key_id"])
    assert line["state"] == "revoked"


def test_unknown_foreign_and_revoked_keys_are_answered_alike(clinics: Clinics, admin: httpx.Client) -> None:
    key_id = made(admin)["key_id"]
    foreign = clinics.second.get("/admin/api-keys").json()["items"][0]["key_id"]
    assert admin.post(f"/admin/api-keys/revoke/{key_id}").status_code == 200
    refused = [admin.post(f"/admin/api-keys/revoke/{one}") for one in (key_id, foreign, str(uuid4()))]
    assert [problem_of(answer)["type"] for answer in refused] == ["urn:clincore:problem:key-not-found"] * 3
    assert len({problem_of(answer)["title"] for answer in refused}) == 1
    assert problem_of(admin.post("/admin/api-keys/revoke/not-a-uuid"))["status"] == 404
    assert clinics.second.get("/admin/usage").status_code == 200


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "label"),
        ({"label": ""}, "label"),
        ({"label": "a\nb"}, "label"),
        ({"label": "x", "role": "owner"}, "role"),
        ({"label": "x", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"label": "x", "expires_at": "2999-01-01T00:00:00"}, "expires_at"),
        ({"label": "x", "expires_at": 5}, "expires_at"),
        ({"label": "x", "key": "clc_"}, ""),
    ],
)
def test_a_wrong_key_is_refused_by_its_path(clinics: Clinics, body: dict[str, Any], path: str) -> None:
    before = len(listed(clinics.first, "/admin/api-keys"))
    problem = problem_of(clinics.first.post("/admin/api-keys", json=body))
    assert problem["status"] == 422
    assert problem["errors"][0]["path"] == path
    assert len(listed(clinics.first, "/admin/api-keys")) == before


@pytest.fixture(scope="module")
def lone(new_database: NewDatabase) -> Iterator[tuple[Service, str]]:
    """A running service, and the database on which further clinics are made."""
    with new_database() as database, running_service(database.service_url) as service:
        yield service, database.service_url


def test_the_last_admin_key_is_not_revoked(lone: tuple[Service, str]) -> None:
    service, url = lone
    with service.client(new_tenant(url)) as admin:
        (only,) = listed(admin, "/admin/api-keys")
        path = f"/admin/api-keys/revoke/{only['key_id']}"
        made(admin, role="user")
        assert problem_of(admin.post(path))["type"] == "urn:clincore:problem:last-admin-key"
        other = made(admin, role="admin")
        assert admin.post(path).status_code == 200
        assert problem_of(admin.post(path))["status"] == 401
    with service.client(other["api_key"]) as admin:
        assert problem_of(admin.post(f"/admin/api-keys/revoke/{other['key_id']}"))["status"] == 409
        assert admin.get("/admin/usage").status_code == 200


def test_a_key_in_the_grace_of_its_rotation_is_no_last_admin_key(lone: tuple[Service, str]) -> None:
    service, url = lone
    with service.client(new_tenant(url)) as old:
        new = old.post("/auth/api-keys/rotate", json={"grace_seconds": 600}).json()
        (rotated,) = [line for line in listed(old, "/admin/api-keys") if line["rotated_at"]]
        assert problem_of(old.post(f"/admin/api-keys/revoke/{new['key_id']}"))["status"] == 409
        assert old.post(f"/admin/api-keys/revoke/{rotated['key_id']}").status_code == 200
    with service.client(new["new_key"]) as admin:
        assert admin.get("/admin/usage").status_code == 200


@pytest.mark.parametrize("admins", [2, 3])
def test_of_admins_who_revoke_each_other_at_once_one_is_left(lone: tuple[Service, str], admins: int) -> None:
    service, url = lone
    for _ in range(8):
        first = new_tenant(url)
        with service.client(first) as client:
            keys = [
                {"api_key": first, "key_id": client.get("/admin/api-keys").json()["items"][0]["key_id"]},
                *(made(client, role="admin") for _ in range(admins - 1)),
            ]

        def attack(number: int, keys: list[dict[str, Any]] = keys) -> int:
            target = keys[(number + 1) % len(keys)]["key_id"]
            with service.client(keys[number]["api_key"]) as client:
                return int(client.post(f"/admin/api-keys/revoke/{target}").status_code)

        with ThreadPoolExecutor(admins) as pool:
            answers = list(pool.map(attack, range(admins)))
        alive = []
        for key in keys:
            with service.client(key["api_key"]) as client:
                alive.append(client.get("/admin/usage").status_code == 200)
        assert sum(alive) >= 1
        assert answers.count(200) == admins - sum(alive)
        assert set(answers) <= {200, 401, 409}


def test_the_log_is_filtered_by_record_key_action_and_time(clinics: Clinics, admin: httpx.Client) -> None:
    patient = admin.post("/patients", json={"full_name": "Ada Logged"}, headers={"X-Request-ID": "first"}).json()
    start = datetime.now(UTC)
    admin.get(f"/patients/{patient['id']}", headers={"X-Request-ID": "second"})
    admin.get("/patients?q=Logged", headers={"X-Request-ID": "third"})
    admin.get(f"/patients/{uuid4()}", headers={"X-Request-ID": "never"})
    clinics.first.get(f"/patients/{patient['id']}", headers={"X-Request-ID": "fourth"})
    own = next(line for line in listed(admin, "/admin/access-logs") if line["request_id"] == "first")

    def seen(**filters: str) -> list[str]:
        answer = admin.get("/admin/access-logs", params=filters)
        assert answer.status_code == 200, answer.text
        return [line["request_id"] for line in answer.json()["items"]]

    assert own["action"] == "CREATE"
    assert own["record_type"] == "patient"
    assert seen(record_id=patient["id"]) == ["fourth", "second", "first"]
    assert seen(key_id=own["key_id"]) == ["third", "second", "first"]
    assert seen(record_id=patient["id"], action="VIEW") == ["fourth", "second"]
    assert seen(record_id=patient["id"], key_id=own["key_id"], action="VIEW") == ["second"]
    assert seen(key_id=own["key_id"], action="LIST") == ["third"]
    assert seen(key_id=own["key_id"], since=start.isoformat()) == ["third", "second"]
    assert seen(key_id=own["key_id"], until=start.isoformat()) == ["first"]
    assert seen(key_id=own["key_id"], since=own["at"], until=own["at"]) == []
    assert seen(record_type="case", key_id=own["key_id"]) == []
    by_pages = listed(admin, f"/admin/access-logs?record_id={patient['id']}&limit=1")
    assert [line["request_id"] for line in by_pages] == ["fourth", "second", "first"]
    assert listed(clinics.second, f"/admin/access-logs?record_id={patient['id']}") == []


@pytest.mark.parametrize(
    "filters",
    ["record_id=1", "key_id=x", "action=DELETE", "record_type=tenant", "since=today", "until=2026-01-01T00:00:00"],
)
def test_a_wrong_filter_is_refused_by_its_name(clinics: Clinics, filters: str) -> None:
    problem = problem_of(clinics.first.get(f"/admin/access-logs?{filters}"))
    assert problem["status"] == 422
    assert problem["errors"][0]["path"] == filters.partition("=")[0]
