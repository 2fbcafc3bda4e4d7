"""``clincore doctor`` on real deployments: what passes, and each line that does not, with its cure."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from command_line import Ended, clincore

from clincore.adapters.postgres.doctor.examination import PostgresExamination
from clincore.adapters.postgres.migrations.runner import PostgresMigrations
from clincore.domain.finding import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from databases import FreshDatabase, NewDatabase, Server


def doctor(database: FreshDatabase, *arguments: str, **settings: str) -> Ended:
    """Examine a deployment of two roles, with the starter repertory."""
    urls = {"DATABASE_URL": database.service_url, "MIGRATION_DATABASE_URL": database.owner_url}
    return clincore("doctor", *arguments, **{**urls, "REPERTORY_DB_PATH": "starter:", **settings})


def findings(ended: Ended) -> dict[str, dict[str, Any]]:
    document = json.loads(ended.out)
    return {finding["check"]: finding for finding in document["findings"]}


def failing(ended: Ended) -> dict[str, str]:
    return {check: found["message"] for check, found in findings(ended).items() if found["outcome"] == "fail"}


def change(database: FreshDatabase, statements: str) -> None:
    with psycopg.connect(database.superuser_url, autocommit=True) as superuser:
        superuser.execute(statements.encode())


def test_a_deployment_in_order_passes_each_line(
    postgres: Server, fresh_database: FreshDatabase, kent_repertory: Path
) -> None:
    """But for the test server's fsync, which is off, and is warned of."""
    ended = doctor(fresh_database, "--json", REPERTORY_DB_PATH=str(kent_repertory))
    found = findings(ended)
    assert {check for check, one in found.items() if one["outcome"] != "pass"} == {"durability"}
    assert list(found) == [
        "settings",
        "server",
        "durability",
        "role",
        "default tenant",
        "clock",
        "revision",
        "tables",
        "row-level security",
        "policies",
        "rows without a tenant",
        "grants to the service",
        "schema",
        "ownership",
        "owner",
        "files",
        "repertory",
    ]
    assert ended.code == 1
    assert found["server"]["message"].startswith(f"PostgreSQL {postgres.version}")
    assert found["repertory"]["message"].startswith("Kent 6th American edition, 6")


def test_it_is_read_by_a_person_too(fresh_database: FreshDatabase) -> None:
    ended = doctor(fresh_database)
    assert ended.code == 1
    assert ended.lines[0] == "pass  settings               those that are needed are set, and none is wrong"
    assert "warn  durability             off: fsync, full_page_writes, synchronous_commit" in ended.lines
    after = ended.lines[
        ended.lines.index("warn  durability             off: fsync, full_page_writes, synchronous_commit") + 1
    ]
    assert after.strip() == "cure: set them on: else a crash of the machine loses what was answered"
    assert ended.err.splitlines()[-1] == "15 pass, 2 warn, 0 fail"


def test_nothing_is_written(fresh_database: FreshDatabase) -> None:
    before = fresh_database.contents()
    doctor(fresh_database)
    assert fresh_database.contents() == before


def test_one_role_for_everything_is_a_warning(postgres: Server, new_database: NewDatabase) -> None:
    alone = postgres.make_role("clinic alone")
    with new_database(migrated=False, owner=alone) as database:
        url = database.url_of(alone)
        asyncio.run(PostgresMigrations(url, alone).upgrade("head", lambda _: None))
        ended = clincore("doctor", "--json", DATABASE_URL=url, REPERTORY_DB_PATH="starter:")
        found = findings(ended)
        assert (ended.code, failing(ended)) == (1, {})
        assert found["ownership"]["outcome"] == "warn"
        assert found["schema"]["message"].endswith("(one role owns it and serves)")
        assert found["owner"]["message"] == "clinic alone runs the migrations"


def test_a_locale_that_does_not_know_letters_is_a_warning(postgres: Server) -> None:
    """It says so before a clinic looks for Ähn, types ähn, and finds nobody."""
    with postgres.database_of_locale_c() as database:
        found = findings(doctor(database, "--json"))["server"]
    assert found["outcome"] == "warn"
    assert found["message"].endswith("its locale does not know Ä from ä, so that ähn does not find Ähn")
    assert found["cure"] == "make the database anew: CREATE DATABASE … LOCALE 'C.UTF-8' TEMPLATE template0"


# --- what fails ------------------------------------------------------------------------------------------------


def test_settings_that_are_wrong_are_named_each_and_the_rest_is_examined_all_the_same(
    fresh_database: FreshDatabase,
) -> None:
    ended = doctor(fresh_database, "--json", REPERTORY_DB_PATH="", LOG_LEVEL="loud")
    problems = [one for one in json.loads(ended.out)["findings"] if one["check"] == "settings"]
    assert [one["message"].split()[0] for one in problems] == ["REPERTORY_DB_PATH", "LOG_LEVEL"]
    assert findings(ended)["revision"]["outcome"] == "pass"
    assert "repertory" not in findings(ended)
    assert ended.code == 2


def test_no_settings_at_all() -> None:
    ended = clincore("doctor", "--json")
    assert ended.code == 2
    assert {one["check"] for one in json.loads(ended.out)["findings"]} == {"settings"}


def test_a_database_that_is_down_is_one_line_without_the_password() -> None:
    url = "postgresql://somebody:hush@127.0.0.1:1/clincore"
    ended = clincore("doctor", "--json", DATABASE_URL=url, REPERTORY_DB_PATH="starter:")
    assert failing(ended) == {"server": "it cannot be reached over DATABASE_URL"}
    assert "hush" not in ended.out + ended.err


def test_a_repertory_that_is_none_fails(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    file = tmp_path / "letters.sqlite"
    file.write_text("Dear Doctor", encoding="utf-8")
    ended = doctor(fresh_database, "--json", REPERTORY_DB_PATH=str(file))
    assert set(failing(ended)) == {"repertory"}
    assert str(file) in failing(ended)["repertory"]


def test_an_empty_database_is_told_to_migrate(new_database: NewDatabase) -> None:
    with new_database(migrated=False) as database:
        ended = doctor(database, "--json")
        assert failing(ended) == {"revision": "nothing was applied yet; the head is b1c2d3e4f505"}
        assert findings(ended)["revision"]["cure"] == "clincore migrate upgrade head"


def test_a_database_behind_the_head_is_told_to_migrate(fresh_database: FreshDatabase) -> None:
    asyncio.run(PostgresMigrations(fresh_database.owner_url, "clincore_user").downgrade("-1", lambda _: None))
    assert failing(doctor(fresh_database, "--json")) == {"revision": "at a96162dee369; the head is b1c2d3e4f505"}


@pytest.mark.parametrize(
    ("made_by", "check", "message"),
    [
        ("CREATE TABLE public.mine (id int)", "tables", "in the schema public, besides ClinCore's: mine"),
        ("ALTER TABLE public.cases NO FORCE ROW LEVEL SECURITY", "row-level security", "public.cases: "),
        ("ALTER POLICY tenant_isolation ON public.cases USING (true)", "policies", "public.cases: its policy"),
        ("GRANT DELETE ON public.patients TO clincore_user", "grants to the service", "public.patients: the service"),
        (
            "REVOKE INSERT ON public.cases FROM clincore_user",
            "schema",
            "not the reviewed one: missing: grant on public",
        ),
        (
            "ALTER TABLE public.cases DISABLE TRIGGER keep_every_case",
            "schema",
            "not the reviewed one: missing: trigger",
        ),
        (
            "ALTER TABLE public.cases ADD COLUMN colour text",
            "schema",
            "not the reviewed one: unexpected: column public",
        ),
    ],
)
def test_a_schema_that_was_changed_fails(fresh_database: FreshDatabase, made_by: str, check: str, message: str) -> None:
    change(fresh_database, made_by)
    ended = doctor(fresh_database, "--json")
    assert failing(ended)[check].startswith(message)
    assert ended.code == 2


def test_rows_that_are_seen_without_a_tenant_fail(fresh_database: FreshDatabase) -> None:
    change(
        fresh_database,
        """INSERT INTO public.tenants (id, name, created_at) VALUES (gen_random_uuid(), 'Clinic', now());
           CREATE POLICY open ON public.tenants USING (true)""",
    )
    assert failing(doctor(fresh_database, "--json"))["rows without a tenant"] == "public.tenants: rows seen: 1"


def test_a_superuser_in_database_url_fails(fresh_database: FreshDatabase) -> None:
    ended = doctor(fresh_database, "--json", DATABASE_URL=fresh_database.superuser_url)
    assert "superuser" in json.dumps([one for one in json.loads(ended.out)["findings"] if one["check"] == "role"])
    assert ended.code == 2


def test_an_owner_that_is_none_fails(fresh_database: FreshDatabase) -> None:
    ended = doctor(fresh_database, "--json", MIGRATION_DATABASE_URL=fresh_database.service_url)
    assert failing(ended)["owner"].startswith("DATABASE_URL is not the owner's: ")


def test_an_owner_of_another_database_fails(postgres: Server, fresh_database: FreshDatabase) -> None:
    ended = doctor(fresh_database, "--json", MIGRATION_DATABASE_URL=postgres.address.owner_url)
    assert failing(ended)["owner"] == "MIGRATION_DATABASE_URL names another database than DATABASE_URL"


def test_a_migration_file_that_is_not_the_applied_one_fails(fresh_database: FreshDatabase) -> None:
    """The log is append-only, so that the test needs the superuser to switch its guard off."""
    change(
        fresh_database,
        """ALTER TABLE clincore.migration_log DISABLE TRIGGER keep_migration_log;
           UPDATE clincore.migration_log SET checksum = repeat('0', 64) WHERE revision = '34bf50c7d602';
           ALTER TABLE clincore.migration_log ENABLE TRIGGER keep_migration_log""",
    )
    failed = failing(doctor(fresh_database, "--json"))
    assert set(failed) == {"files"}
    assert failed["files"].startswith(
        f"34bf50c7d602_case_engine_core.sql is not the file that was applied: applied {'0' * 64}"
    )


class Skewed:
    """A clock that goes wrong by so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._by = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._by


@pytest.mark.parametrize(
    ("seconds", "outcome"),
    [(0.0, Outcome.PASS), (10.0, Outcome.WARN), (-10.0, Outcome.WARN), (3600.0, Outcome.FAIL), (-3600.0, Outcome.FAIL)],
)
def test_a_clock_that_is_wrong_is_told(fresh_database: FreshDatabase, seconds: float, outcome: Outcome) -> None:
    examined = asyncio.run(PostgresExamination(fresh_database.service_url, None, Skewed(seconds)).examine())
    assert [one.outcome for one in examined if one.check == "clock"] == [outcome]


def test_memory_is_a_warning() -> None:
    ended = clincore("doctor", "--json", DATABASE_URL="memory:", REPERTORY_DB_PATH="starter:")
    assert findings(ended)["database"]["outcome"] == "warn"
    assert ended.code == 1


def test_a_directory_without_a_database_fails(tmp_path: Path) -> None:
    ended = clincore("doctor", "--json", DATABASE_URL=f"embedded:{tmp_path / 'db'}", REPERTORY_DB_PATH="starter:")
    assert "where no database is yet" in failing(ended)["database"]
    assert not (tmp_path / "db").exists()
