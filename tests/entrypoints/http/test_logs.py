"""What the service writes: every line in its form, a line a request, and nothing that is nobody's business."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psycopg
import pytest
from service import SERVE, TOKEN, UVICORN, environment, refused_start, running_service

from clincore.entrypoints.http.log_lines import FIELDS
from clincore.entrypoints.http.routes import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from databases import FreshDatabase

    from clincore.entrypoints.http.operation import Operation

PAGE = Path(__file__).parents[3] / "docs" / "logs.md"
JSON = {"Content-Type": "application/json"}
CHATTY = {"LOG_LEVEL": "DEBUG", "LOG_FORMAT": "json", "UVICORN_LOG_LEVEL": "trace", "PYTHONWARNINGS": "always"}
PLANTED = "Planted"
"""Stands in every name, note, header, path and query of these tests, and nowhere in the software."""
UNCAUGHT = """
import asyncio, gc, logging, sys, threading, warnings
from clincore.entrypoints.http.log_lines import configure_logging
from clincore.entrypoints.http.logs import log_fault

class Broken:
    def __del__(self):
        raise ValueError("Planted in the end of an object")

def fail(*_):
    raise ValueError("Planted in a message")

async def task():
    fail()

async def main():
    forgotten = asyncio.create_task(task())
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del forgotten
    gc.collect()

configure_logging("DEBUG", sys.argv[1])
asyncio.run(main())
warnings.warn("a warning of Python's")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
Broken()
logging.getLogger("someone").error("odd %d", "Planted instead of a number")
logging.getLogger("someone").debug("Planted detail")
try:
    fail()
except ValueError:
    logging.getLogger("someone").exception("it failed")
try:
    try:
        fail()
    except ValueError as error:
        raise KeyError("Planted key") from error
except KeyError as error:
    log_fault("f-1", error)
fail()
"""


def lines_of(log: str) -> list[dict[str, Any]]:
    """The log's lines, each of which must be a JSON object with the fields that all have."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in log.splitlines()]
    for line in lines:
        assert {"time", "level", "logger", "message"} <= line.keys() <= {"time", "level", "logger", "message", *FIELDS}
    return lines


def requests_of(log: str) -> list[dict[str, Any]]:
    return [line for line in lines_of(log) if line["logger"] == "clincore.requests"]


def assert_nothing_planted(log: str, *keys: str) -> None:
    assert PLANTED.lower() not in log.lower()
    assert TOKEN not in log
    for key in keys:
        secret = key.split("_")[2]
        assert secret[:12] not in log
        assert secret[-12:] not in log
        assert hashlib.sha256(key.encode()).hexdigest() not in log


def call(client: httpx.Client, one: Operation, **given: Any) -> None:
    path = re.sub(r"\{\w+\}", given.pop("id", str(uuid4())), one.path)
    headers = {"X-Request-ID": f"{PLANTED} with blanks", "User-Agent": PLANTED, "Cookie": f"a={PLANTED}"}
    headers |= {"Referer": f"http://{PLANTED}/", "Idempotency-Key": PLANTED, "If-Match": '"1"'}
    client.request(one.method, path, headers={**headers, **given.pop("headers", {})}, **given)


def planted_bodies(one: Operation) -> list[bytes]:
    """Bodies that are valid, malformed, of wrong types, with unknown fields, and with one that stands twice."""
    texts = {"tenant_name": PLANTED, "full_name": PLANTED, "phone": f"030 {PLANTED}", "label": PLANTED}
    sent = {name: texts.get(name, value) for name, value in one.sends.get("body", {}).items()}
    if "input_payload" in sent:
        sent["input_payload"] = {**sent["input_payload"], "notes": PLANTED}
    valid = json.dumps(sent).encode()
    wrong = [{**sent, PLANTED: 1}, dict.fromkeys(sent, PLANTED), {name: [PLANTED] for name in sent}, PLANTED]
    twice = b'{"%s": 1, "%s": 2}' % (PLANTED.encode(), PLANTED.encode())
    return [valid, valid[:-3], b"\xff" + valid, twice, *(json.dumps(body).encode() for body in wrong)]


def call_everything(client: httpx.Client) -> int:
    """Make every call in every planted way; return how many were made."""
    made = 0
    for one in OPERATIONS:
        if one.name == "rotate_key":
            continue
        query = {"q": PLANTED, "cursor": PLANTED, PLANTED: PLANTED}
        for parameters in ({"params": {"q": PLANTED}}, {"params": query}, {"id": PLANTED}, {"id": f"1?{PLANTED}"}):
            call(client, one, **parameters)
        for body in planted_bodies(one):
            call(client, one, content=body, headers=JSON)
        call(client, one, content=PLANTED, headers={"Content-Type": f"text/{PLANTED}"})
        call(client, one, headers={"X-API-Key": PLANTED, "Authorization": f"Bearer {PLANTED}", "If-Match": PLANTED})
        made += 4 + len(planted_bodies(one)) + 2
    for method, path in (("GET", f"/{PLANTED}"), ("PROPFIND", "/cases"), ("DELETE", f"/cases/{PLANTED}/{PLANTED}")):
        client.request(method, path)
    return made + 3


def send_no_http(url: str) -> None:
    """Send what no application gets to see."""
    host = "HTTP/1.1\r\nHost: x\r\n"
    for sent in (
        f"GET /{PLANTED} HTTP/9.9\r\n\r\n",
        f"{PLANTED}\r\n\r\n",
        f"{PLANTED} /cases {host}\r\n",
        f"GET / {host}{PLANTED}\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0)) as line:
            line.sendall(sent.encode())
            assert line.recv(65536).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("command", [UVICORN, SERVE], ids=["uvicorn", "serve"])
def test_the_log_holds_no_key_no_name_and_no_payload(fresh_database: FreshDatabase, command: Sequence[str]) -> None:
    with running_service(fresh_database.service_url, command=command, **CHATTY) as service:
        key = service.bootstrap()
        with service.client(key) as clinic:
            patient = clinic.post("/patients", json={"full_name": "Planted Name", "phone": "555-planted"}).json()
            clinic.get("/patients", params={"q": "Planted"})
            clinic.get("/health", headers={"X-API-Key": key[:-1]})
            body = {"patient_id": patient["id"], "input_payload": {"symptom_ids": [8], "notes": "planted notes"}}
            clinic.post("/cases", json=body)
            clinic.post("/cases", json={**body, "extra": "planted extra"})
            clinic.post("/patients", content=b'{"full_name": "Planted', headers=JSON)
            new = clinic.post("/auth/api-keys/rotate", json={"grace_seconds": 0}).json()["new_key"]
        with service.client(new) as clinic:
            made = call_everything(clinic)
            rotated = clinic.post("/auth/api-keys/rotate", content=f'{{"grace_seconds": "{PLANTED}"}}', headers=JSON)
            assert rotated.status_code == 422
        send_no_http(service.url)
    assert "/patients" in service.log
    for secret in (key, key[30:60], "lanted", "notes", "the-operators-token"):
        assert secret not in service.log
    assert_nothing_planted(service.log, key, new)
    answered = [line for line in requests_of(service.log) if line.get("duration_ms") is not None]
    assert len(answered) == 8 + made + 1
    assert all(line["status"] is not None for line in answered)


def test_the_log_names_the_tenant_and_the_key_only_once_the_key_was_found_valid(fresh_database: FreshDatabase) -> None:
    with running_service(fresh_database.service_url, **CHATTY) as service:
        key = service.bootstrap()
        with service.client(key) as admin:
            made = admin.post("/admin/api-keys", json={"label": "desk"}, headers={"X-Request-ID": "made"}).json()
            admin.get("/cases", headers={"X-Request-ID": "listed"})
            admin.get(f"/cases/{uuid4()}", headers={"X-Request-ID": "missing"})
            admin.post("/cases", content=b"{", headers={"X-Request-ID": "malformed"})
            own = admin.get("/admin/api-keys").json()["items"][-1]["key_id"]
            with service.client(made["api_key"]) as desk:
                desk.get("/admin/usage", headers={"X-Request-ID": "forbidden"})
            admin.post(f"/admin/api-keys/revoke/{made['key_id']}")
            with service.client(made["api_key"]) as desk:
                desk.get("/cases", headers={"X-Request-ID": "revoked"})
            with service.client() as anyone:
                anyone.get("/health", headers={"X-Request-ID": "anyone"})
    by_id = {line["request_id"]: line for line in requests_of(service.log)}
    told = {name: (by_id[name]["tenant"], by_id[name]["key_id"], by_id[name]["status"]) for name in by_id}
    tenant = made["tenant_id"]
    assert told["made"] == (tenant, own, 201)
    assert told["listed"] == (tenant, own, 200)
    assert told["missing"] == (tenant, own, 404)
    assert told["malformed"] == (None, None, 415)
    assert told["forbidden"] == (tenant, None, 403)
    assert told["revoked"] == (None, None, 401)
    assert told["anyone"] == (None, None, 200)
    assert (by_id["missing"]["method"], by_id["missing"]["route"]) == ("GET", "/cases/{id}")


def test_faults_of_the_database_repeat_no_record(fresh_database: FreshDatabase) -> None:
    """A row that the database refuses stands in its message, and a connection that it ends in the pool's."""
    with (
        running_service(fresh_database.service_url, **CHATTY) as service,
        service.client(service.bootstrap()) as clinic,
        psycopg.connect(fresh_database.superuser_url, autocommit=True) as superuser,
    ):
        superuser.execute("ALTER TABLE public.patients ADD CONSTRAINT odd CHECK (full_name !~ 'Planted') NOT VALID")
        given = {"X-Request-ID": "refused-by-the-database"}
        assert clinic.post("/patients", json={"full_name": "Planted Name"}, headers=given).status_code == 500
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            [fresh_database.name],
        )
        for _ in range(3):
            clinic.get("/patients", params={"q": PLANTED})
    assert_nothing_planted(service.log)
    (fault,) = [line for line in lines_of(service.log) if line["logger"] == "clincore.faults"]
    assert (fault["request_id"], fault["error"]) == ("refused-by-the-database", "StorageFault")
    assert re.match(r"/.+\.py:\d+ \w+ < ", fault["at"])
    assert fault["message"].endswith("(SQLSTATE 23514, constraint odd).")


@pytest.mark.parametrize("command", [UVICORN, SERVE], ids=["uvicorn", "serve"])
def test_a_database_that_cannot_be_reached_is_told_without_its_password(command: Sequence[str]) -> None:
    nowhere = "postgresql://clincore_user:Planted-password@127.0.0.1:1/clincore"
    with running_service(nowhere, command=command, DATABASE_POOL_TIMEOUT="1", **CHATTY) as service:
        assert httpx.get(f"{service.url}/ready").status_code == 503
    assert_nothing_planted(service.log)
    assert "clincore.adapters.postgres.pool" in {line["logger"] for line in lines_of(service.log)}


def test_a_wrong_password_is_not_told(fresh_database: FreshDatabase) -> None:
    parts = urlsplit(fresh_database.service_url)
    wrong = parts._replace(
        netloc=f"nobody_{PLANTED.lower()[:4]}:Planted-password@{parts.netloc.rpartition('@')[2]}"
    ).geturl()
    with running_service(wrong, DATABASE_POOL_TIMEOUT="1", **CHATTY) as service:
        assert httpx.get(f"{service.url}/ready").status_code == 503
    assert_nothing_planted(service.log)
    assert lines_of(service.log)


@pytest.mark.parametrize("command", [UVICORN, SERVE], ids=["uvicorn", "serve"])
def test_a_start_that_is_refused_is_told_in_the_logs_form(command: Sequence[str]) -> None:
    code, log = refused_start(command=command, DATABASE_URL=f"mysql://root:{PLANTED}@db/x", LOG_FORMAT="json")
    assert code != 0
    assert_nothing_planted(log)
    (reason,) = [line for line in lines_of(log) if "ClinCore cannot start" in line["message"]]
    assert "DATABASE_URL" in reason["message"]
    assert "REPERTORY_DB_PATH" in reason["message"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_what_nobody_caught_is_told_by_its_class_and_its_place(form: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", UNCAUGHT, form],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert PLANTED not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("ValueError") >= 6
    assert "a warning of Python's" in done.stderr
    if form == "json":
        told = [line for line in lines_of(done.stderr) if "error" in line]
        assert {line["error"] for line in told} == {"ValueError", "KeyError"}
        assert all("<string>:" in line["at"] for line in told)
        (chained,) = [line for line in told if line["error"] == "KeyError"]
        assert (chained["request_id"], chained["at"].count(" after ValueError at ")) == ("f-1", 1)


def test_the_page_lists_every_field() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == ["time", "level", "logger", "message", *FIELDS]
