"""Migrations that wait, and migrations that are killed: between any two statements, on either side of the wire."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest
from migration_runs import IDS, Run, catalog_at, run_script

from clincore.adapters.postgres.catalog.expected import expected_catalog
from clincore.adapters.postgres.migrations.runner import PostgresMigrations
from clincore.domain.errors import MigrationError

if TYPE_CHECKING:
    from databases import FreshDatabase, Server

_STATEMENT = re.compile(r"(?:\$(\w*)\$.*?\$\1\$|--[^\n]*|'[^']*'|[^;'$-]|-)*;\n?", re.DOTALL)


def statements(script: str) -> list[str]:
    """The statements of a script, in order; together they are the script again."""
    found = [match.group() for match in _STATEMENT.finditer(script)]
    assert "".join(found) == script
    return found


def is_at(database: FreshDatabase, revision: str | None) -> bool:
    """Whether a database is at a revision, with the reviewed schema of that revision."""
    if Run(database.owner_url).current() != revision:
        return False
    if revision is None:
        return True
    return catalog_at(database.owner_url) == expected_catalog(revision, is_of_one_role=False)


def test_a_psql_killed_between_any_two_statements_leaves_a_revision_or_the_one_before(
    postgres: Server, empty: FreshDatabase
) -> None:
    """Of the printed script of each revision, which psql sends statement by statement."""
    run = Run(empty.owner_url)
    kills = 0
    for before, revision in zip([None, *IDS], IDS, strict=False):
        script = run.migrations.printed(before, revision, "upgrade").removeprefix("\\set ON_ERROR_STOP on\n")
        parts = statements(script)
        for number in range(1, len(parts)):
            killed = run_script(postgres, empty.owner_url, "".join([*parts[:number], "\n\\! kill -9 $PPID\n"]))
            assert killed.returncode == -signal.SIGKILL
            kills += 1
            is_committed = "COMMIT" in parts[number - 1] and number == len(parts)
            assert is_at(empty, revision if is_committed else before), (revision, parts[number - 1])
        run.upgrade("+1")
        assert is_at(empty, revision)
    assert kills > 100


_KILLED = """
import asyncio, os, signal, sys
import psycopg
from clincore.adapters.postgres.migrations.runner import PostgresMigrations

left = int(sys.argv[2])
execute = psycopg.AsyncConnection.execute

async def counted(self, *arguments, **options):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return await execute(self, *arguments, **options)

psycopg.AsyncConnection.execute = counted
asyncio.run(PostgresMigrations(sys.argv[1], "clincore_user").upgrade("+1", lambda step: None))
"""


def test_a_runner_killed_before_any_of_its_statements_leaves_a_state_to_go_on_from(empty: FreshDatabase) -> None:
    applied: list[str | None] = [None]
    for sent in range(200):
        process = subprocess.run([sys.executable, "-c", _KILLED, empty.owner_url, str(sent)], check=False)
        if is_at(empty, IDS[0]):
            applied.append(IDS[0])
        else:
            assert is_at(empty, None)
        if process.returncode == 0 or applied[-1]:
            break
        assert process.returncode == -signal.SIGKILL
    assert sent > 5
    run = Run(empty.owner_url)
    run.upgrade()
    assert is_at(empty, IDS[-1])
    assert empty.rows("SELECT revision FROM clincore.migration_log ORDER BY id") == [(one,) for one in IDS]


# --- waiting -----------------------------------------------------------------------------------------------------


def test_who_holds_a_table_is_told_while_it_waits_and_when_it_gives_up(empty: FreshDatabase) -> None:
    Run(empty.owner_url).upgrade("34bf50c7d602")
    told: list[str] = []
    migrations = PostgresMigrations(empty.owner_url, "clincore_user", lock_seconds=2)
    with psycopg.connect(empty.owner_url, application_name="a forgotten session") as holder:
        holder.execute("LOCK TABLE public.cases IN SHARE MODE")
        pid = holder.info.backend_pid
        with pytest.raises(MigrationError) as refused:
            asyncio.run(migrations.upgrade("head", lambda _: None, told.append))
    who = (
        f"waiting for a lock on public.cases, held by process {pid} (user clincore_owner, a forgotten session, idle in "
    )
    assert told[0].startswith(who)
    assert str(refused.value).startswith(f"Gave up after 2 seconds: {who}")
    assert str(refused.value).endswith("Nothing was changed; try again when it has ended.")
    assert is_at(empty, "34bf50c7d602")


def test_a_migration_waits_for_another_and_then_goes_on(empty: FreshDatabase) -> None:
    """The other holds the turn until this one has told that it waits."""
    told: list[str] = []
    migrations = PostgresMigrations(empty.owner_url, "clincore_user")
    with psycopg.connect(empty.owner_url, application_name="another migration") as holder:
        holder.execute("SELECT pg_advisory_xact_lock(hashtextextended('clincore migrations', 0))")

        def release(wait: str) -> None:
            told.append(wait)
            holder.rollback()

        asyncio.run(migrations.upgrade("head", lambda _: None, release))
    assert len(told) == 1
    assert told[0].startswith("waiting for its turn, held by process ")
    assert "another migration" in told[0]
    assert is_at(empty, IDS[-1])
