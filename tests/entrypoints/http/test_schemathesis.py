"""Schemathesis on a running service: all of its checks, every call, and sequences of calls along the links."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from service import TOKEN, environment, running_service

from clincore.entrypoints.http.routes import OPERATIONS

if TYPE_CHECKING:
    from databases import FreshDatabase
    from service import Service

COMMAND = Path(sys.executable).with_name("schemathesis")
SETTINGS = Path(__file__).with_name("schemathesis.toml")


def described_by(service: Service, directory: Path) -> Path:
    """The service's own document, with a hint that the body which a link gives is the whole one."""
    with service.client() as anyone:
        document = anyone.get("/openapi.json").json()
    for one in OPERATIONS:
        answer = document["paths"][one.path][one.method.lower()]["responses"][str(one.status)]
        for link in answer.get("links", {}).values():
            if "requestBody" in link:
                link["x-schemathesis"] = {"merge_body": False}
    path = directory / "openapi.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_what_is_accepted_of_an_operation_is_what_it_documents() -> None:
    settings = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))
    by_name = {one.name: one for one in OPERATIONS}
    for group in settings["operations"]:
        names = group["include-operation-id"]
        for one in [by_name[name] for name in ([names] if isinstance(names, str) else names)]:
            documented = {str(kind.status) for kind in one.problems if kind.status < 500} | {"2xx"}
            for check, accepted in group.get("checks", {}).items():
                assert set(accepted["expected-statuses"]) <= documented, (one.name, check)


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
        command = (str(COMMAND), "--config-file", str(SETTINGS), "run")
        done = subprocess.run(
            [*command, str(described_by(service, tmp_path)), "--url", service.url, "--no-color"],
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
    links = re.search(r"API Links: +(\d+) covered / (\d+) selected / (\d+) total", done.stdout)
    assert links is not None
    covered, selected, total = map(int, links.groups())
    assert selected == total == sum(len(one.links) for one in OPERATIONS)
    assert covered >= total - 4  # which ones are walked is a matter of chance
    assert " 500 " not in service.log
    for call in ("POST /cases/{id}/verify-replay 200", "POST /patients 201", "POST /auth/api-keys/rotate 200"):
        assert call in service.log
