"""``clincore migrate`` says what it did to a real database, and what it would do."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest
from command_line import Ended, clincore

import clincore as library
from clincore.adapters.postgres.migrations.revisions import read_chain
from clincore.domain.migration import HEAD

if TYPE_CHECKING:
    from databases import FreshDatabase, Server

IDS = [revision.id for revision in read_chain()]


def migrate(database: FreshDatabase, *arguments: str) -> Ended:
    """Run a migration as an operator does who has two roles."""
    return clincore("migrate", *arguments, DATABASE_URL=database.service_url, MIGRATION_DATABASE_URL=database.owner_url)


def told(ended: Ended) -> list[tuple[str, str]]:
    """The steps that were printed: what was done, and to which revision."""
    return [(line[:9].strip(), line[11:].split()[0]) for line in ended.lines]


def check(database: FreshDatabase) -> None:
    async def opened() -> None:
        async with library.open(database.service_url) as core:
            await core.check()

    asyncio.run(opened())


def feed(server: Server, database: FreshDatabase, script: str) -> None:
    done = subprocess.run(
        [server.psql, "--no-psqlrc", "--quiet", database.owner_url],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_heads_needs_no_database() -> None:
    ended = clincore("migrate", "heads")
    assert (ended.code, ended.out, ended.err) == (0, f"{HEAD} (head)\n", "")


def test_history_lists_the_chain_newest_first_without_a_database() -> None:
    ended = clincore("migrate", "history")
    assert ended.code == 0
    assert ended.lines[0].startswith(f"a96162dee369 -> {HEAD} (head), ")
    assert ended.lines[-1].startswith("<base> -> 0001_core_init, ")
    assert [line.split(" -> ")[1].split(",")[0].split()[0] for line in reversed(ended.lines)] == IDS


def test_current_prints_nothing_on_an_empty_database(empty: FreshDatabase) -> None:
    ended = migrate(empty, "current")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_upgrade_head_prints_each_revision_and_leaves_a_database_to_serve_from(empty: FreshDatabase) -> None:
    ended = migrate(empty, "upgrade", "head")
    assert ended.code == 0, ended.err
    assert told(ended) == [("applied", revision) for revision in IDS]
    assert migrate(empty, "current").out == f"{HEAD} (head)\n"
    check(empty)


def test_upgrading_again_does_nothing_and_says_so(fresh_database: FreshDatabase) -> None:
    ended = migrate(fresh_database, "upgrade", "head")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == f"nothing to do: the database is at {HEAD}\n"


def test_one_revision_up_and_one_down_through_the_whole_chain(empty: FreshDatabase) -> None:
    """``+1`` and ``-1`` are taken as they stand, without ``--``."""
    for revision in IDS:
        assert told(migrate(empty, "upgrade", "+1")) == [("applied", revision)]
        assert migrate(empty, "current").out.split()[0] == revision
    for revision in reversed(IDS):
        assert told(migrate(empty, "downgrade", "-1")) == [("took back", revision)]
    assert migrate(empty, "current").out == ""


def test_a_revision_is_a_target_in_both_directions(empty: FreshDatabase) -> None:
    assert told(migrate(empty, "upgrade", "34bf50c7d602")) == [("applied", revision) for revision in IDS[:3]]
    assert migrate(empty, "current").out == "34bf50c7d602\n"
    assert told(migrate(empty, "downgrade", "0001_core_init")) == [("took back", one) for one in IDS[2:0:-1]]
    assert told(migrate(empty, "downgrade", "base")) == [("took back", IDS[0])]


def test_downgrade_refuses_to_drop_rows_until_it_is_allowed(fresh_database: FreshDatabase) -> None:
    """What was taken back before the refusal stays taken back, and was printed."""

    async def make_tenant() -> None:
        async with library.open(fresh_database.service_url) as core:
            await core.tenants.create("Clinic on the Hill")

    asyncio.run(make_tenant())
    refused = migrate(fresh_database, "downgrade", "base")
    assert refused.code == 1
    assert told(refused) == [("took back", HEAD)]
    assert "1 in public.api_keys" in refused.err
    assert "--allow-data-loss" in refused.err
    assert migrate(fresh_database, "current").out == "a96162dee369\n"
    allowed = migrate(fresh_database, "downgrade", "base", "--allow-data-loss")
    assert (allowed.code, allowed.err) == (0, "")
    assert migrate(fresh_database, "current").out == ""


def test_sql_prints_a_script_that_psql_runs_and_runs_nothing_itself(postgres: Server, empty: FreshDatabase) -> None:
    up = migrate(empty, "upgrade", "head", "--sql")
    assert (up.code, up.err) == (0, "the script begins at base, where the database is\n")
    assert migrate(empty, "current").out == ""
    feed(postgres, empty, up.out)
    assert migrate(empty, "current").out == f"{HEAD} (head)\n"
    check(empty)
    down = migrate(empty, "downgrade", "-2", "--sql")
    assert down.err == f"the script begins at {HEAD}, where the database is\n"
    feed(postgres, empty, down.out)
    assert migrate(empty, "current").out == "0e397e47435e\n"


def test_sql_needs_no_database() -> None:
    up = clincore("migrate", "upgrade", "head", "--sql", "--service-role", "the_service")
    assert (up.code, up.err) == (0, "the script begins at base: no database is set (--from REVISION changes that)\n")
    assert [up.out.count(f"-- upgrade {revision}:") for revision in IDS] == [1] * len(IDS)
    assert "set_config('clincore.service_role', 'the_service', true)" in up.out
    down = clincore("migrate", "downgrade", "-1", "--sql")
    assert f"-- downgrade {HEAD}:" in down.out
    assert down.out.count("-- downgrade ") == 1


def test_sql_begins_where_it_is_told_to() -> None:
    ended = clincore("migrate", "upgrade", "head", "--sql", "--from", "a96162dee369")
    assert ended.code == 0
    assert ended.out.count("-- upgrade ") == 1


def test_sql_for_a_database_that_is_down_says_where_it_begins() -> None:
    url = "postgresql://somebody:hush@127.0.0.1:1/clincore"
    ended = clincore("migrate", "upgrade", "head", "--sql", DATABASE_URL=url)
    assert ended.code == 0
    assert ended.err.startswith("the script begins at base: the database cannot be reached")
    assert "set_config('clincore.service_role', 'somebody', true)" in ended.out


def test_verify_says_in_words_and_exit_codes_how_a_database_stands(empty: FreshDatabase) -> None:
    assert (migrate(empty, "verify").code, migrate(empty, "verify").lines[0]) == (1, "at base")
    migrate(empty, "upgrade", "head")
    ended = migrate(empty, "verify")
    assert (ended.code, ended.out) == (
        0,
        f"at {HEAD}\nin order: the files are those that were applied, and the schema is the reviewed one\n",
    )
    migrate(empty, "downgrade", "-1")
    ended = migrate(empty, "verify")
    assert (ended.code, ended.lines[1]) == (1, f"pending: {HEAD} v037 usage tracking and admin surface")
    guarded = "ALTER TABLE clincore.migration_log {} TRIGGER keep_migration_log"
    with psycopg.connect(empty.superuser_url, autocommit=True) as superuser:
        superuser.execute(guarded.format("DISABLE").encode())
        superuser.execute(
            "UPDATE clincore.migration_log SET checksum = repeat('0', 64) WHERE revision = '0001_core_init'"
        )
        superuser.execute(guarded.format("ENABLE").encode())
    ended = migrate(empty, "verify")
    assert ended.code == 2
    assert ended.lines[2].startswith(f"0001_core_init.sql is not the file that was applied: applied {'0' * 64}, now ")
    empty.rows("DROP INDEX public.cases_by_status")
    ended = migrate(empty, "verify")
    assert ended.code == 3
    assert ended.lines[3].startswith("missing: index CREATE INDEX cases_by_status ON public.cases")


def test_verify_that_could_not_look_is_told_apart_from_what_is_pending() -> None:
    ended = clincore("migrate", "verify", DATABASE_URL="postgresql://somebody:hush@127.0.0.1:1/clincore")
    assert (ended.code, ended.out) == (4, "")
    assert ended.err.startswith("error: The database cannot be reached")


def test_stamp_records_what_is_so_and_refuses_what_is_not(fresh_database: FreshDatabase) -> None:
    refused = migrate(fresh_database, "stamp", "a96162dee369")
    assert refused.code == 1
    assert refused.err.startswith("error: The schema is not that of a96162dee369, so that it cannot be stamped")
    fresh_database.rows("DELETE FROM public.alembic_version")
    assert migrate(fresh_database, "current").out == ""
    ended = migrate(fresh_database, "stamp", "head")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert migrate(fresh_database, "current").out == f"{HEAD} (head)\n"
    assert migrate(fresh_database, "stamp", "head").err == "nothing to do: that is what is recorded\n"


def test_it_waits_as_long_as_it_is_told_to_and_says_for_whom(empty: FreshDatabase) -> None:
    with psycopg.connect(empty.owner_url, application_name="another") as holder:
        holder.execute("SELECT pg_advisory_xact_lock(hashtextextended('clincore migrations', 0))")
        ended = migrate(empty, "upgrade", "head", "--lock-timeout", "1.5")
    assert ended.code == 1
    waiting, gave_up = ended.err.splitlines()
    assert waiting.startswith("waiting for its turn, held by process ")
    assert gave_up == f"error: Gave up after 1.5 seconds: {waiting}. Nothing was changed; try again when it has ended."


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("upgrade", "nowhere"), 1, "error: There is no revision 'nowhere'"),
        (("downgrade", "nowhere"), 1, "error: There is no revision 'nowhere'"),
        (("downgrade", "-9"), 1, "error: -9 leads out of the chain"),
        (("upgrade", "0001_core_init"), 1, "use 'clincore migrate downgrade'"),
        (("downgrade", "--sqll"), 2, "--sqll"),
        (("downgrade", "-x"), 2, "-x"),
        (("downgrade",), 2, "Missing argument"),
        (("upgrade", "head", "--from", "base"), 2, "--from goes with --sql"),
    ],
)
def test_a_target_that_is_none_is_refused(
    fresh_database: FreshDatabase, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended = migrate(fresh_database, *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert migrate(fresh_database, "current").out == f"{HEAD} (head)\n"


def test_without_settings_it_says_which_to_set() -> None:
    ended = clincore("migrate", "current")
    assert ended.code == 2
    assert "DATABASE_URL is not set; set it, or MIGRATION_DATABASE_URL" in ended.err


def test_memory_has_no_migrations() -> None:
    ended = clincore("migrate", "upgrade", "head", DATABASE_URL="memory:")
    assert ended.code == 2
    assert "memory:" in ended.err


def test_a_database_that_is_down_is_one_message_without_the_password() -> None:
    ended = clincore("migrate", "current", DATABASE_URL="postgresql://somebody:hush@127.0.0.1:1/clincore")
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert ended.err.startswith("error: The database cannot be reached")
    assert "hush" not in ended.err


def test_a_role_that_may_not_create_gets_the_cure(postgres: Server, empty: FreshDatabase) -> None:
    ended = clincore("migrate", "upgrade", "head", DATABASE_URL=empty.service_url)
    assert ended.code == 1
    assert f"ALTER DATABASE {empty.name} OWNER TO clincore_user" in ended.err
