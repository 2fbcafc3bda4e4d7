"""Check a running deployment step by step, as a client would use it; exit code 0 if every step holds, else 1.

    python scripts/smoke_live.py [--url URL] [--api-key KEY] [--rubric ID ...]

Run it after the bootstrap. With DATABASE_URL set it makes two throw-away tenants of its own, so that no clinic keeps a
test case. Without a database it works as the tenant of ``--api-key`` (an admin key that is replaced at once: the new
one is printed), leaves a test case there, and tries isolation with unknown ids only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen
from uuid import uuid4

import clincore
from clincore.database_url import DatabaseKind, DatabaseUrl

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROBED_RUBRICS = 200
_TIMEOUT_SECONDS = 30


class StepFailed(Exception):
    """A step did not answer as it should."""


class Deployment:
    """The service under a URL."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def call(
        self, method: str, path: str, body: object = None, *, key: str | None = None, token: str | None = None
    ) -> tuple[int, Any]:
        """Return the status and the JSON of an answer; raises StepFailed where there is none."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        headers |= {"X-API-Key": key} if key else {}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        content = json.dumps(body).encode() if body is not None else None
        request = Request(self._url + path, method=method, data=content, headers=headers)  # noqa: S310
        try:
            with urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - the operator's own URL
                return answer.status, json.load(answer)
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"{}")
        except (URLError, HTTPException, OSError, ValueError) as error:
            raise StepFailed(f"{method} {path}: no answer from {self._url} ({error})") from None

    def expect(self, statuses: Sequence[int], method: str, path: str, body: object = None, **who: Any) -> Any:
        """Return the JSON of an answer with one of the statuses; raises StepFailed for any other."""
        status, answer = self.call(method, path, body, **who)
        if status not in statuses:
            wanted = " or ".join(map(str, statuses))
            raise StepFailed(f"{method} {path} answered {status}, not {wanted}: {answer.get('detail', '')}")
        return answer


class Smoke:
    """The steps, in order; ``other_key`` is None where there is no second tenant."""

    def __init__(self, deployment: Deployment, key: str, other_key: str | None, rubrics: list[int]) -> None:
        self._at = deployment
        self._key = key
        self._other_key = other_key
        self._rubrics = rubrics
        self._calls = 0

    def run(self) -> None:
        self._health()
        self._bootstrap()
        self._refusals()
        patient, case = self._records()
        self._finalize(case)
        self._isolation(patient, case)
        self._rotate()
        self._usage()

    def _say(self, text: str) -> None:
        print(f"ok    {text}", flush=True)

    def _counted(self, statuses: Sequence[int], method: str, path: str, body: object = None) -> Any:
        answer = self._at.expect(statuses, method, path, body, key=self._key)
        self._calls += 1
        return answer

    def _health(self) -> None:
        self._at.expect([200], "GET", "/health")
        self._at.expect([200], "GET", "/ready")
        version = self._at.expect([200], "GET", "/version")
        self._say(f"health: the service is up and ready (version {version['version']})")

    def _bootstrap(self) -> None:
        """A second bootstrap is refused; the empty name keeps a deployment that was never bootstrapped as it is."""
        token = os.environ.get("BOOTSTRAP_TOKEN")
        statuses = [409, 503] if token else [401, 409, 503]
        status, _ = self._at.call("POST", "/bootstrap", {"tenant_name": ""}, token=token or "not the token")
        if status == 422:
            raise StepFailed("the deployment was never bootstrapped; POST /bootstrap first")
        if status not in statuses:
            raise StepFailed(f"POST /bootstrap answered {status}, not one of {statuses}")
        self._say("bootstrap: closed" + ("" if token else " (BOOTSTRAP_TOKEN is not known here)"))

    def _refusals(self) -> None:
        self._at.expect([401], "GET", "/cases")
        self._at.expect([401], "GET", "/cases", key="clc_malformed")
        self._at.expect([401], "GET", "/health", key="clc_malformed")
        changed = self._key[:-1] + ("0" if self._key[-1] != "0" else "1")
        self._at.expect([401], "GET", "/cases", key=changed)
        self._at.expect([200], "GET", "/health", key=self._key)
        self._say("keys: without one, with a malformed one and with a mistyped one the answer is 401")

    def _records(self) -> tuple[str, str]:
        rubrics = self._rubrics or self._known_rubrics()
        patient = self._counted([201], "POST", "/patients", {"full_name": "Smoke Test"})["id"]
        self._say("patient: entered")
        payload = {"symptom_ids": rubrics}
        case = self._counted([201], "POST", "/cases", {"patient_id": patient, "input_payload": payload})["case_id"]
        draft = self._counted([200], "GET", f"/cases/{case}")
        if draft["status"] != "draft" or draft["input_payload"] != payload:
            raise StepFailed("the draft is not what was entered")
        self._say(f"case: a draft with the rubrics {', '.join(map(str, rubrics))}")
        return patient, case

    def _known_rubrics(self) -> list[int]:
        """Find rubrics of the loaded repertory: an answer for unknown ones names every one of them."""
        probed = list(range(1, _PROBED_RUBRICS + 1))
        status, answer = self._at.call("POST", "/repertory/rankings", {"symptom_ids": probed}, key=self._key)
        self._calls += status == 200
        unknown = {error["path"] for error in answer.get("errors", [])}
        known = [rubric for index, rubric in enumerate(probed) if f"symptom_ids[{index}]" not in unknown]
        if status not in (200, 422) or not known:
            raise StepFailed("no rubric of the repertory was found by its id; name some with --rubric ID")
        return known[-3:]

    def _finalize(self, case: str) -> None:
        done = self._counted([200], "POST", f"/cases/{case}/finalize")
        self._at.expect([409], "POST", f"/cases/{case}/finalize", key=self._key)
        self._say(f"finalize: signed {done['signature'][:16]}…, {len(done['ranking'])} remedies; a second time is 409")
        replay = self._counted([200], "POST", f"/cases/{case}/verify-replay")
        if replay["ok"] is not True or replay["expected"] != done["signature"]:
            raise StepFailed(f"the replay's verdict is {replay['verdict']}")
        self._say("verify: the replay gives the same signature")

    def _isolation(self, patient: str, case: str) -> None:
        unknown = str(uuid4())
        key = self._other_key or self._key
        ids = [unknown] if self._other_key is None else [unknown, case]
        for case_id in ids:
            self._at.expect([404], "GET", f"/cases/{case_id}", key=key)
            self._at.expect([404], "POST", f"/cases/{case_id}/finalize", key=key)
            self._at.expect([404], "POST", f"/cases/{case_id}/verify-replay", key=key)
        for patient_id in [unknown] if self._other_key is None else [unknown, patient]:
            self._at.expect([404], "GET", f"/patients/{patient_id}", key=key)
        if self._other_key is None:
            self._say("isolation: unknown ids are 404 (no second tenant to try)")
            return
        listed = self._at.expect([200], "GET", "/cases", key=self._other_key)
        if listed["items"]:
            raise StepFailed("another tenant's list holds cases")
        self._say("isolation: another tenant gets 404 for this one's ids, as for unknown ones, and lists none")

    def _rotate(self) -> None:
        old = self._key
        self._key = self._counted([200], "POST", "/auth/api-keys/rotate", {})["new_key"]
        self._at.expect([401], "GET", "/cases", key=old)
        self._counted([200], "GET", "/cases?limit=1")
        self._say("rotate: the new key works, the old one is dead")
        if self._other_key is None:
            print(f"note  the key was rotated; keep the new one: {self._key}")

    def _usage(self) -> None:
        report = self._at.expect([200], "GET", "/admin/usage", key=self._key)
        exact = self._other_key is not None
        if exact and report["total_calls"] != self._calls:
            raise StepFailed(f"usage counts {report['total_calls']} calls, {self._calls} were answered")
        self._say(f"usage: {report['total_calls']} calls counted" + (", exactly those answered" if exact else ""))


async def throw_away_tenants(database_url: str) -> tuple[str, str]:
    """Set up two tenants through the services; return their admin keys."""
    async with clincore.open(database_url) as core:
        first = await core.tenants.create("Smoke test")
        second = await core.tenants.create("Smoke test, another tenant")
    return first.api_key, second.api_key


def keys_of(arguments: argparse.Namespace) -> tuple[str, str | None]:
    """Return the key to work with and another tenant's, None without a database; raises StepFailed."""
    url = os.environ.get("DATABASE_URL", "")
    try:
        shared = bool(url) and DatabaseUrl.parse(url).kind is DatabaseKind.POSTGRES
    except ValueError as error:
        raise StepFailed(f"DATABASE_URL {error}") from None
    if arguments.api_key:
        print("warn  with --api-key the tenant keeps a test case, and isolation is tried with unknown ids only")
        return arguments.api_key, None
    if not shared:
        raise StepFailed(
            "set DATABASE_URL to the deployment's PostgreSQL database, or pass --api-key with an admin key"
        )
    return asyncio.run(throw_away_tenants(url))


def main() -> int:
    parser = argparse.ArgumentParser(description="Check a running ClinCore deployment step by step.")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where it runs (default: %(default)s)")
    parser.add_argument("--api-key", help="an admin key, where there is no DATABASE_URL; it is rotated")
    parser.add_argument("--rubric", type=int, action="append", default=[], help="a rubric id to use; repeatable")
    arguments = parser.parse_args()
    try:
        Deployment(arguments.url).expect([200], "GET", "/health")
        key, other_key = keys_of(arguments)
        Smoke(Deployment(arguments.url), key, other_key, arguments.rubric).run()
    except (StepFailed, clincore.ClinCoreError) as error:
        print(f"FAIL  {error}")
        return 1
    print("The deployment works.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
