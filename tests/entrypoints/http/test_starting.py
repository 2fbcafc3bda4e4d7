"""How the service starts, refuses to start, waits, and stops."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import psycopg
from databases import PASSWORD
from service import problem_of, refused_start, running_service

if TYPE_CHECKING:
    from pathlib import Path

    from databases import FreshDatabase

NOWHERE = "postgresql://clincore_user:planted-password@127.0.0.1:1/clincore"


def test_wrong_settings_stop_the_start_with_one_message(tmp_path: Path) -> None:
    code, log = refused_start(
        DATABASE_URL="mysql://root:planted-password@db/x",
        REPERTORY_DB_PATH=str(tmp_path / "missing.sqlite"),
        FREE_TIER_LIMIT="many",
    )
    assert code != 0
    assert "Traceback" not in log
    assert "planted-password" not in log
    for name in ("DATABASE_URL", "REPERTORY_DB_PATH", "FREE_TIER_LIMIT"):
        assert name in log


def test_a_file_that_is_no_repertory_stops_the_start(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.sqlite"
    foreign.write_bytes(b"this is not a database at all, whatever its name says" * 50)
    code, log = refused_start(DATABASE_URL="memory:", REPERTORY_DB_PATH=str(foreign))
    assert code != 0
    assert "Traceback" not in log
    assert str(foreign) in log


def test_a_superuser_is_refused(fresh_database: FreshDatabase) -> None:
    code, log = refused_start(DATABASE_URL=fresh_database.superuser_url, REPERTORY_DB_PATH="starter:")
    assert code != 0
    assert "superuser" in log
    assert "Traceback" not in log


def test_a_role_with_bypassrls_is_refused(fresh_database: FreshDatabase) -> None:
    role = f"bypassing_{uuid4().hex}"
    with psycopg.connect(fresh_database.superuser_url, autocommit=True) as superuser:
        superuser.execute(f"CREATE ROLE {role} LOGIN BYPASSRLS PASSWORD '{PASSWORD}' IN ROLE clincore_user".encode())
        superuser.execute(f"GRANT CONNECT ON DATABASE {fresh_database.name} TO {role}".encode())
        try:
            code, log = refused_start(DATABASE_URL=fresh_database.url_of(role), REPERTORY_DB_PATH="starter:")
        finally:
            superuser.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())
    assert code != 0
    assert "is a role with BYPASSRLS: row-level security would not bind it" in log
    assert "Traceback" not in log


def test_a_database_behind_the_head_is_refused(fresh_database: FreshDatabase) -> None:
    with psycopg.connect(fresh_database.owner_url, autocommit=True) as owner:
        owner.execute("UPDATE public.alembic_version SET version_num = 'a96162dee369'")
    code, log = refused_start(DATABASE_URL=fresh_database.service_url, REPERTORY_DB_PATH="starter:")
    assert code != 0
    assert "clincore migrate upgrade head" in log
    assert "Traceback" not in log


def test_an_unreachable_database_does_not_stop_the_start() -> None:
    with running_service(NOWHERE, DATABASE_POOL_TIMEOUT="1") as service:
        assert httpx.get(f"{service.url}/health").status_code == 200
        ready = problem_of(httpx.get(f"{service.url}/ready"))
        assert ready["status"] == 503
        refused = httpx.get(f"{service.url}/cases")
        assert problem_of(refused)["status"] == 503
        assert refused.headers["retry-after"] == "1"
    assert "planted-password" not in service.log


def test_memory_serves_without_any_database() -> None:
    with running_service("memory:") as service, service.client(service.bootstrap()) as clinic:
        patient = clinic.post("/patients", json={"full_name": "Ada Example"}).json()
        body = {"patient_id": patient["id"], "input_payload": {"symptom_ids": [8, 18]}}
        case_id = clinic.post("/cases", json=body).json()["case_id"]
        assert clinic.post(f"/cases/{case_id}/finalize").status_code == 200
        assert clinic.post(f"/cases/{case_id}/verify-replay").json()["verdict"] == "verified"


def test_bootstrap_is_503_without_a_token() -> None:
    with running_service("memory:", BOOTSTRAP_TOKEN="") as service:
        answer = httpx.post(f"{service.url}/bootstrap", json={"tenant_name": "x"})
        assert problem_of(answer)["status"] == 503
