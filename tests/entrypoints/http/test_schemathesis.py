"""Schemathesis on a running service: all of its checks, every call, and sequences of calls along the links."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from service import TOKEN, environment, running_service

if TYPE_CHECKING:
    from databases import FreshDatabase

COMMAND = Path(sys.executable).with_name("schemathesis")
SETTINGS = Path(__file__).with_name("schemathesis.toml")


def test_schemathesis_finds_nothing(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    with running_service(fresh_database.service_url, FREE_TIER_LIMIT="1000000") as service:
        key = service.bootstrap()
        with service.client(key) as clinic:
            other = clinic.post("/admin/api-keys", json={"label": "rotated", "role": "user"}).json()["api_key"]
            for _ in range(3):
                patient = clinic.post("/patients", json={"full_name": "Ada Example"}).json()["id"]
                body = {"patient_id": patient, "input_payload": {"symptom_ids": [8, 18]}}
                cases = [clinic.post("/cases", json=body).json()["case_id"] for _ in range(2)]
                clinic.post(f"/cases/{cases[0]}/finalize")
        done = subprocess.run(
            [str(COMMAND), "--config-file", str(SETTINGS), "run", f"{service.url}/openapi.json", "--no-color"],
            cwd=tmp_path,
            env=environment(
                CLINCORE_TEST_ADMIN_KEY=key,
                CLINCORE_TEST_OTHER_KEY=other,
                CLINCORE_TEST_TOKEN=TOKEN,
                HOME=str(tmp_path),
            ),
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "26 selected / 26 total" in done.stdout
    assert "Stateful (in" in done.stdout
    assert " 500 " not in service.log
    for call in ("POST /cases/{id}/verify-replay 200", "POST /patients 201", "POST /auth/api-keys/rotate 200"):
        assert call in service.log
