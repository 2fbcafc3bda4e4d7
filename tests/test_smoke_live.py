"""The live check, run as the deployment checklist has it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from service import TOKEN, environment, running_service

if TYPE_CHECKING:
    from databases import FreshDatabase

SCRIPT = Path(__file__).parent.parent / "scripts" / "smoke_live.py"


def smoke(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_working_deployment_passes_every_step(fresh_database: FreshDatabase) -> None:
    with running_service(fresh_database.service_url) as service:
        service.bootstrap()
        done = smoke("--url", service.url, DATABASE_URL=fresh_database.service_url, BOOTSTRAP_TOKEN=TOKEN)
        assert done.returncode == 0, done.stdout + done.stderr
        for step in ("health", "bootstrap", "keys", "patient", "case", "finalize", "verify", "isolation", "rotate"):
            assert f"ok    {step}:" in done.stdout
        assert "exactly those answered" in done.stdout
        again = smoke("--url", service.url, DATABASE_URL=fresh_database.service_url)
        assert again.returncode == 0, again.stdout + again.stderr


def test_without_a_database_it_takes_a_key_and_warns() -> None:
    with running_service("memory:") as service:
        done = smoke("--url", service.url, "--api-key", service.bootstrap())
        assert done.returncode == 0, done.stdout + done.stderr
        assert "warn" in done.stdout
        assert "unknown ids" in done.stdout


def test_a_deployment_that_was_never_bootstrapped_stays_so_and_fails(fresh_database: FreshDatabase) -> None:
    with running_service(fresh_database.service_url) as service:
        done = smoke("--url", service.url, DATABASE_URL=fresh_database.service_url, BOOTSTRAP_TOKEN=TOKEN)
        assert done.returncode == 1
        assert "FAIL" in done.stdout
        assert service.bootstrap()


def test_nothing_there_is_one_line_and_exit_code_1() -> None:
    done = smoke("--url", "http://127.0.0.1:1", DATABASE_URL="memory:")
    assert done.returncode == 1
    assert "FAIL" in done.stdout
    assert "Traceback" not in done.stderr
