"""The chain of migrations on the real PostgreSQL: up, down and up again, on databases with rows."""

# ruff: noqa: E501  queries are easier to read in one piece
from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from databases import FreshDatabase, NewDatabase, Server, rows
from migration_runs import IDS, Run, enter_rows, run_script, tables, totals

from clincore.adapters.postgres.database import PostgresDatabase
from clincore.adapters.postgres.migrations.revisions import read_chain
from clincore.adapters.postgres.migrations.runner import PostgresMigrations
from clincore.domain.errors import DatabaseNotReady, DatabaseUnavailable, MigrationError
from clincore.domain.migration import HEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_CATALOG: tuple[LiteralString, ...] = (
    """SELECT 'table', c.oid::regclass::text, c.relrowsecurity, c.relforcerowsecurity, c.relowner::regrole::text,
              (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(coalesce(c.relacl, acldefault('r', c.relowner))) a)
       FROM pg_class c WHERE c.relnamespace IN ('public'::regnamespace, 'clincore'::regnamespace) AND c.relkind = 'r'""",
    """SELECT 'column', a.attrelid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
              a.attidentity::text, pg_get_expr(d.adbin, d.adrelid)
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
       LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
       WHERE c.relnamespace IN ('public'::regnamespace, 'clincore'::regnamespace) AND c.relkind = 'r'
         AND a.attnum > 0 AND NOT a.attisdropped""",
    """SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated
       FROM pg_constraint WHERE connamespace IN ('public'::regnamespace, 'clincore'::regnamespace)""",
    "SELECT 'index', indexdef FROM pg_indexes WHERE schemaname IN ('public', 'clincore')",
    "SELECT 'policy', tablename, policyname, qual, with_check FROM pg_policies WHERE schemaname IN ('public', 'clincore')",
    """SELECT 'trigger', pg_get_triggerdef(t.oid), t.tgenabled::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
       WHERE c.relnamespace IN ('public'::regnamespace, 'clincore'::regnamespace) AND NOT t.tgisinternal""",
    """SELECT 'function', pg_get_functiondef(oid) FROM pg_proc
       WHERE pronamespace IN ('public'::regnamespace, 'clincore'::regnamespace)""",
    """SELECT 'schema', nspname, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(coalesce(nspacl, acldefault('n', nspowner))) a)
       FROM pg_namespace WHERE nspname IN ('public', 'clincore')""",
)


def catalog(database: FreshDatabase) -> list[str]:
    """Everything that makes the schema, in a form that can be compared."""
    return sorted(repr(row) for query in _CATALOG for row in database.rows(query))


# --- the chain ----------------------------------------------------------------------------------------------------


def test_the_chain_is_the_contracts() -> None:
    assert [revision.id for revision in read_chain()] == IDS
    assert HEAD == "b1c2d3e4f505"


def test_an_empty_database_is_at_no_revision(empty: FreshDatabase) -> None:
    assert Run(empty.owner_url).current() is None


def test_up_step_by_step_down_step_by_step_and_up_again_with_rows_at_every_revision(empty: FreshDatabase) -> None:
    """Rows of every revision come along, and each way leads to the very same schema."""
    run = Run(empty.owner_url)
    seen = {}
    for number, revision in enumerate(IDS, 1):
        run.upgrade("+1")
        assert run.current() == revision
        enter_rows(empty, revision)
        assert totals(empty)["tenants"] == number
        assert totals(empty)["cases"] == 2 * number
        seen[revision] = catalog(empty)
    assert run.done == IDS
    for revision in reversed(IDS):
        assert run.current() == revision
        assert catalog(empty) == seen[revision]
        run.downgrade("-1", allow_data_loss=True)
    assert run.current() is None
    assert run.done == [*IDS, *reversed(IDS)]
    for revision in IDS:
        run.upgrade("+1")
        enter_rows(empty, revision)
        assert catalog(empty) == seen[revision]


def test_after_base_only_the_runners_own_tables_stay(empty: FreshDatabase) -> None:
    run = Run(empty.owner_url)
    run.upgrade()
    run.downgrade("base")
    assert tables(empty) == ["alembic_version", "clincore.migration_log"]
    assert empty.rows("SELECT count(*) FROM public.alembic_version") == [(0,)]
    guards = "SELECT proname FROM pg_proc WHERE pronamespace = 'clincore'::regnamespace"
    assert empty.rows(guards) == [("keep_migration_log",)]
    assert empty.rows("SELECT direction, count(*) FROM clincore.migration_log GROUP BY 1 ORDER BY 1") == [
        ("downgrade", 8),
        ("upgrade", 8),
    ]
    run.downgrade("base")
    run.upgrade()
    assert run.current() == HEAD


def test_whole_upgrades_and_downgrades_with_rows(fresh_database: FreshDatabase) -> None:
    enter_rows(fresh_database, HEAD)
    before = catalog(fresh_database)
    run = Run(fresh_database.owner_url)
    run.downgrade("0001", allow_data_loss=True)
    assert run.current() == "0001_core_init"
    assert totals(fresh_database)["cases"] == 2
    assert fresh_database.rows("SELECT DISTINCT status FROM public.cases") == [("draft",)]
    run.upgrade("head")
    assert catalog(fresh_database) == before


def test_an_upgrade_of_what_is_up_to_date_does_nothing(fresh_database: FreshDatabase) -> None:
    run = Run(fresh_database.owner_url)
    before = totals(fresh_database)
    run.upgrade()
    run.upgrade(HEAD)
    run.downgrade(HEAD)
    assert run.done == []
    assert totals(fresh_database) == before


# --- data that would go -----------------------------------------------------------------------------------------------

LOSSES = {
    "b1c2d3e4f505": ["1 in public.usage_events", "1 in clincore.idempotency_keys"],
    "a96162dee369": ["1 in public.api_keys", "1 in clincore.bootstrap", "1 in public.tenants.plan"],
    "0e397e47435e": ["1 in public.access_logs"],
    "256690bbd45e": ["2 in public.cases.replay_verdict", "2 in public.cases.replay_verified_at"],
    "9ab846c6a33b": ["2 in public.cases.result_text", "2 in public.cases.result_signature"],
    "34bf50c7d602": ["2 in public.cases.ranking_snapshot", "2 in public.cases.finalized_at"],
    "0001_core_init": [
        "2 in public.cases",
        "1 in public.patients",
        "1 in public.tenants",
        "1 in clincore.tenant_directory",
    ],
}


@pytest.mark.parametrize("revision", LOSSES)
def test_what_would_drop_data_is_refused_with_the_numbers_and_changes_nothing(
    empty: FreshDatabase, revision: str
) -> None:
    """Under FORCE, which would make the owner's counts say 0."""
    run = Run(empty.owner_url)
    run.upgrade(revision)
    enter_rows(empty, revision)
    before = catalog(empty), totals(empty)
    with pytest.raises(MigrationError) as refused:
        run.downgrade("-1")
    assert str(refused.value) == (
        f"taking back {revision} would drop data: {', '.join(LOSSES[revision])}. It was not taken back. Make a backup, "
        "then repeat it with --allow-data-loss."
    )
    assert (catalog(empty), totals(empty)) == before
    assert run.current() == revision
    run.downgrade("-1", allow_data_loss=True)


def test_a_downgrade_of_several_stops_before_the_first_that_would_drop_data(fresh_database: FreshDatabase) -> None:
    """What was taken back before it stays so: each revision is a transaction of its own."""
    enter_rows(fresh_database, HEAD)
    fresh_database.rows("DELETE FROM public.usage_events")
    fresh_database.rows("DELETE FROM clincore.idempotency_keys")
    run = Run(fresh_database.owner_url)
    with pytest.raises(MigrationError, match="taking back a96162dee369 would drop data"):
        run.downgrade("base")
    assert run.done == [HEAD]
    assert run.current() == "a96162dee369"


def test_without_rows_nothing_need_be_allowed(fresh_database: FreshDatabase) -> None:
    run = Run(fresh_database.owner_url)
    run.downgrade("base")
    assert run.current() is None


# --- several at once -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("runners", [2, 4])
def test_runners_at_once_apply_each_revision_once(empty: FreshDatabase, runners: int) -> None:
    run = Run(empty.owner_url)

    async def race() -> None:
        await asyncio.gather(*(run.migrations.upgrade("head", run._tell) for _ in range(runners)))

    asyncio.run(race())
    assert sorted(run.done) == sorted(IDS)
    assert empty.rows("SELECT revision FROM clincore.migration_log ORDER BY id") == [(one,) for one in IDS]


_PROCESS = """
import asyncio, sys
from clincore.adapters.postgres.migrations.runner import PostgresMigrations
asyncio.run(PostgresMigrations(sys.argv[1], "clincore_user").upgrade("head", lambda step: print(step.revision.id)))
"""


def test_processes_at_once_apply_each_revision_once(empty: FreshDatabase) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", _PROCESS, empty.owner_url], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    told = [line for process in started for line in process.communicate(timeout=60)[0].split()]
    assert [process.returncode for process in started] == [0, 0, 0, 0]
    assert sorted(told) == sorted(IDS)
    assert empty.rows("SELECT revision FROM clincore.migration_log ORDER BY id") == [(one,) for one in IDS]


# --- files that are not what was applied --------------------------------------------------------------------------------


def test_a_changed_file_is_refused_by_name_with_both_hashes(fresh_database: FreshDatabase, copied: Path) -> None:
    file = copied / "34bf50c7d602_case_engine_core.sql"
    original = {revision.id: revision.checksum for revision in read_chain()}["34bf50c7d602"]
    file.write_text(file.read_text(encoding="utf-8") + "\n-- changed\n", encoding="utf-8")
    chain = read_chain(copied)
    changed = {revision.id: revision.checksum for revision in chain}["34bf50c7d602"]
    run = Run(fresh_database.owner_url, chain=chain)
    commands: list[Callable[[], None]] = [run.upgrade, lambda: run.downgrade("-1")]
    for command in commands:
        with pytest.raises(MigrationError) as refused:
            command()
        assert str(refused.value).startswith(
            f"34bf50c7d602_case_engine_core.sql is not the file that was applied: applied {original}, now {changed}."
        )
    assert run.current() == HEAD
    assert run.done == []


def test_a_file_may_still_change_where_it_was_not_applied(empty: FreshDatabase, copied: Path) -> None:
    Run(empty.owner_url).upgrade("34bf50c7d602")
    file = copied / "0e397e47435e_access_logs.sql"
    file.write_text(file.read_text(encoding="utf-8") + "\n-- changed\n", encoding="utf-8")
    run = Run(empty.owner_url, chain=read_chain(copied))
    run.upgrade()
    run.downgrade("256690bbd45e")
    assert run.current() == "256690bbd45e"
    Run(empty.owner_url).upgrade()


def test_an_error_inside_a_revision_leaves_the_database_at_the_one_before(empty: FreshDatabase, copied: Path) -> None:
    file = copied / "256690bbd45e_replay_verification.sql"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("\n-- >>> down", "\nSELECT 1 / 0;\n-- >>> down"), encoding="utf-8")
    run = Run(empty.owner_url, chain=read_chain(copied))
    with pytest.raises(MigrationError, match=re.escape("division by zero (SQLSTATE 22012)")):
        run.upgrade()
    assert run.current() == "9ab846c6a33b"
    assert run.done == IDS[:4]
    assert empty.rows("SELECT count(*) FROM clincore.migration_log") == [(4,)]
    assert empty.rows("SELECT relname FROM pg_class WHERE relrowsecurity AND NOT relforcerowsecurity") == []
    with_this_error_gone = Run(empty.owner_url)
    with_this_error_gone.upgrade()
    assert with_this_error_gone.current() == HEAD


@pytest.mark.parametrize("change", ["missing", "forked", "not at the head", "without a part"])
def test_files_that_are_not_one_chain_are_refused(copied: Path, change: str) -> None:
    first, last = copied / "0001_core_init.sql", copied / "b1c2d3e4f505_usage_tracking.sql"
    if change == "missing":
        (copied / "34bf50c7d602_case_engine_core.sql").unlink()
    elif change == "forked":
        text = first.read_text(encoding="utf-8").replace("revision: 0001_core_init", "revision: 0000", 1)
        (copied / "0000.sql").write_text(text, encoding="utf-8")
    elif change == "not at the head":
        last.unlink()
    else:
        first.write_text(first.read_text(encoding="utf-8").replace("-- >>> verify", ""), encoding="utf-8")
    with pytest.raises(MigrationError):
        read_chain(copied)


# --- printed ---------------------------------------------------------------------------------------------------------------


def test_a_printed_script_makes_the_same_schema(
    postgres: Server, empty: FreshDatabase, fresh_database: FreshDatabase
) -> None:
    migrations = Run(empty.owner_url).migrations
    done = run_script(postgres, empty.owner_url, migrations.printed(None, "head", "upgrade"))
    assert (done.returncode, done.stderr) == (0, "")
    assert catalog(empty) == catalog(fresh_database)
    logged = "SELECT revision, direction, checksum FROM clincore.migration_log ORDER BY id"
    assert empty.rows(logged) == fresh_database.rows(logged)
    run = Run(empty.owner_url)
    assert run.current() == HEAD
    run.upgrade()
    run.downgrade("base")
    assert run.done == IDS[::-1]


def test_a_printed_downgrade_refuses_to_drop_data_unless_it_was_allowed(
    postgres: Server, fresh_database: FreshDatabase
) -> None:
    enter_rows(fresh_database, HEAD)
    before = catalog(fresh_database), totals(fresh_database)
    run = Run(fresh_database.owner_url)
    refused = run_script(postgres, fresh_database.owner_url, run.migrations.printed(HEAD, "base", "downgrade"))
    assert "taking back b1c2d3e4f505 would drop data: 1 in public.usage_events" in refused.stderr
    assert refused.returncode == 3
    assert (catalog(fresh_database), totals(fresh_database)) == before
    allowed = run.migrations.printed(HEAD, "base", "downgrade", allow_data_loss=True)
    assert run_script(postgres, fresh_database.owner_url, allowed).returncode == 0
    assert run.current() is None
    assert tables(fresh_database) == ["alembic_version", "clincore.migration_log"]


def test_a_printed_script_begins_where_it_was_printed_for(postgres: Server, fresh_database: FreshDatabase) -> None:
    script = Run(fresh_database.owner_url).migrations.printed(None, "head", "upgrade")
    before = totals(fresh_database)
    done = run_script(postgres, fresh_database.owner_url, script)
    assert done.returncode == 3
    assert "the database is not at the revision that this script begins from" in done.stderr
    assert totals(fresh_database) == before


# --- roles -----------------------------------------------------------------------------------------------------------------

ALONE = "clinic alone"
"""A role that owns its database and serves from it too; its name must be quoted."""


@pytest.fixture
def of_one_role(postgres: Server, new_database: NewDatabase) -> Iterator[FreshDatabase]:
    """An empty database of the simple deployment: one plain role owns it, migrates it, and serves from it."""
    postgres.make_role(ALONE)
    with new_database(migrated=False, owner=ALONE) as made:
        yield made


def one_role_url(database: FreshDatabase) -> str:
    return database.url_of(ALONE)


def test_one_role_for_everything_migrates_up_and_down_with_rows(of_one_role: FreshDatabase) -> None:
    run = Run(one_role_url(of_one_role), ALONE)
    for revision in IDS:
        run.upgrade("+1")
        enter_rows(of_one_role, revision)
    for revision in reversed(IDS):
        assert run.current() == revision
        run.downgrade("-1", allow_data_loss=True)
    run.upgrade()
    assert run.current() == HEAD


def test_one_role_for_everything_is_guarded_against_losing_data(of_one_role: FreshDatabase) -> None:
    run = Run(one_role_url(of_one_role), ALONE)
    run.upgrade()
    enter_rows(of_one_role, HEAD)
    with pytest.raises(MigrationError, match=r"1 in public\.usage_events"):
        run.downgrade("base")


def test_one_role_for_everything_has_lost_delete_and_truncate(of_one_role: FreshDatabase) -> None:
    Run(one_role_url(of_one_role), ALONE).upgrade()
    found = of_one_role.rows(
        """SELECT c.oid::regclass::text, r FROM pg_class c,
                  unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) r
           WHERE c.relnamespace IN ('public'::regnamespace, 'clincore'::regnamespace) AND c.relkind = 'r'
             AND NOT has_table_privilege(%s, c.oid, r)""",
        ALONE,
    )
    lost: dict[str, set[str]] = {}
    for name, right in found:
        lost.setdefault(name, set()).add(right)
    assert lost == {
        "tenants": {"DELETE", "TRUNCATE"},
        "patients": {"DELETE", "TRUNCATE"},
        "cases": {"DELETE", "TRUNCATE"},
        "access_logs": {"UPDATE", "DELETE", "TRUNCATE"},
        "api_keys": {"DELETE", "TRUNCATE"},
        "usage_events": {"DELETE", "TRUNCATE"},
        "clincore.bootstrap": {"DELETE", "TRUNCATE"},
        "clincore.tenant_directory": {"DELETE", "TRUNCATE"},
        "clincore.idempotency_keys": {"TRUNCATE"},
        "clincore.usage_totals": {"DELETE", "TRUNCATE"},
        "clincore.usage_days": {"DELETE", "TRUNCATE"},
        "clincore.usage_minutes": {"DELETE", "TRUNCATE"},
    }


def test_a_role_that_does_not_own_the_database_is_told_the_cure(postgres: Server, empty: FreshDatabase) -> None:
    postgres.make_role(ALONE)
    empty.rows("GRANT CONNECT ON DATABASE " + empty.name + ' TO "clinic alone"')
    run = Run(one_role_url(empty), ALONE)
    with pytest.raises(MigrationError) as refused:
        run.upgrade()
    assert str(refused.value) == (
        f'The role "{ALONE}" may not create tables in the database {empty.name}. '
        "Set MIGRATION_DATABASE_URL to the URL of the database's owner; or, to use one role for everything, "
        "let it own the database: "
        f'ALTER DATABASE {empty.name} OWNER TO "{ALONE}"'
    )
    assert tables(empty) == []
    cure = str(refused.value).split(": ", 1)[1]
    with psycopg.connect(empty.superuser_url, autocommit=True) as connection:
        connection.execute(cure.encode())
    run.upgrade()
    assert run.current() == HEAD


def test_a_service_that_nothing_was_granted_to_is_told_so(postgres: Server, fresh_database: FreshDatabase) -> None:
    """As where the migrations were told another service role."""
    postgres.make_role("someone_else")
    fresh_database.rows("GRANT CONNECT ON DATABASE " + fresh_database.name + " TO someone_else")

    async def check(role: str) -> None:
        database = PostgresDatabase(fresh_database.url_of(role))
        await database.open()
        try:
            await database.check()
        finally:
            await database.close()

    with pytest.raises(DatabaseNotReady, match="someone_else"):
        asyncio.run(check("someone_else"))
    with pytest.raises(DatabaseNotReady, match="superuser"):
        asyncio.run(check("postgres"))
    asyncio.run(check("clincore_user"))


def test_a_service_role_that_does_not_exist_is_refused_by_name(empty: FreshDatabase) -> None:
    run = Run(empty.owner_url, "nobody_knows_me")
    with pytest.raises(MigrationError, match="nobody_knows_me"):
        run.upgrade()
    assert run.current() is None
    assert tables(empty) == ["alembic_version", "clincore.migration_log"]


# --- targets -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["nonsense", "", "b", "+", "++1", "b1c2d3e4f5055", "-x", "HEAD"])
def test_an_unknown_target_is_refused_with_what_there_is(fresh_database: FreshDatabase, target: str) -> None:
    run = Run(fresh_database.owner_url)
    for command in (run.upgrade, run.downgrade):
        if target == "b":
            continue
        with pytest.raises(MigrationError) as refused:
            command(target)
        assert str(refused.value) == (
            f"There is no revision {target!r}; there are {', '.join(IDS)}, head, base, +N and -N."
        )
    assert run.current() == HEAD


@pytest.mark.parametrize("target", ["+1", "-9", "+99999999999999999999"])
def test_a_step_out_of_the_chain_is_refused(fresh_database: FreshDatabase, target: str) -> None:
    run = Run(fresh_database.owner_url)
    with pytest.raises(MigrationError) as refused:
        run.upgrade(target)
    assert str(refused.value) == f"{target} leads out of the chain: 8 of 8 revisions are applied."


def test_a_target_in_the_other_direction_is_refused_with_the_command(empty: FreshDatabase) -> None:
    run = Run(empty.owner_url)
    run.upgrade("34bf50c7d602")
    with pytest.raises(MigrationError, match="past 0001_core_init: use 'clincore migrate downgrade'"):
        run.upgrade("0001_core_init")
    with pytest.raises(MigrationError, match="before b1c2d3e4f505: use 'clincore migrate upgrade'"):
        run.downgrade("head")
    assert run.current() == "34bf50c7d602"


def test_a_revision_of_another_version_is_not_touched(fresh_database: FreshDatabase) -> None:
    fresh_database.rows("UPDATE public.alembic_version SET version_num = 'ffffffffffff'")
    run = Run(fresh_database.owner_url)
    before = catalog(fresh_database), totals(fresh_database)
    commands: list[Callable[[], None]] = [run.upgrade, lambda: run.downgrade("-1")]
    for command in commands:
        with pytest.raises(MigrationError, match=r"at ffffffffffff, which this version of ClinCore does not know"):
            command()
    assert (catalog(fresh_database), totals(fresh_database)) == before


def test_a_database_that_does_not_answer_is_said_to_be_out_of_reach_without_its_password() -> None:
    run = Run("postgresql://someone:geheim@127.0.0.1:1/clincore")
    with pytest.raises(DatabaseUnavailable, match="cannot be reached") as refused:
        run.current()
    assert "geheim" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_what_was_applied_when_is_logged(fresh_database: FreshDatabase) -> None:
    found = rows(
        fresh_database.superuser_url,
        "SELECT revision, applied_by, applied_at, duration FROM clincore.migration_log ORDER BY id",
    )
    assert [row[0] for row in found] == IDS
    assert {row[1] for row in found} == {"clincore_owner"}
    for _, _, applied_at, duration in found:
        assert applied_at < datetime.now(UTC)
        assert duration.total_seconds() > 0


def test_a_database_of_another_encoding_is_refused_before_anything_is_made(postgres: Server) -> None:
    """Names beyond ASCII would come back as bytes, or not at all."""
    with psycopg.connect(postgres.address.superuser_url, autocommit=True) as superuser:
        superuser.execute(
            "CREATE DATABASE test_not_utf8 OWNER clincore_owner ENCODING SQL_ASCII LOCALE 'C' TEMPLATE template0"
        )
        try:
            url = urlunsplit(urlsplit(postgres.address.owner_url)._replace(path="/test_not_utf8"))
            with pytest.raises(MigrationError, match="encoding is SQL_ASCII, ClinCore needs UTF8"):
                asyncio.run(PostgresMigrations(url, "clincore_user").upgrade("head", lambda _: None))
        finally:
            superuser.execute("DROP DATABASE test_not_utf8")
