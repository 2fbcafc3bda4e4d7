"""The normalized catalog: the same on every server, by every way to a revision, and equal to the reviewed text."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg
import pytest
from migration_runs import IDS, Run, catalog_at, enter_rows, run_script, totals

from clincore.adapters.postgres.catalog.expected import FOLDER, differences, expected_catalog
from clincore.adapters.postgres.migrations.runner import PostgresMigrations

if TYPE_CHECKING:
    from databases import FreshDatabase, NewDatabase, Server


def test_there_is_a_reviewed_text_of_each_revision_and_no_other() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.txt")) == sorted(IDS)


def test_each_revision_up_down_and_up_again_with_rows_is_the_reviewed_text(empty: FreshDatabase) -> None:
    run = Run(empty.owner_url)
    for revision in IDS:
        run.upgrade("+1")
        enter_rows(empty, revision)
        assert catalog_at(empty.owner_url) == expected_catalog(revision, is_of_one_role=False)
    for before in reversed(IDS[:-1]):
        run.downgrade("-1", allow_data_loss=True)
        assert catalog_at(empty.owner_url) == expected_catalog(before, is_of_one_role=False)
    for revision in IDS[1:]:
        run.upgrade("+1")
        assert catalog_at(empty.owner_url) == expected_catalog(revision, is_of_one_role=False)


def test_the_printed_script_makes_the_reviewed_text(postgres: Server, empty: FreshDatabase) -> None:
    run = Run(empty.owner_url)
    for before, revision in zip([None, *IDS], IDS, strict=False):
        done = run_script(postgres, empty.owner_url, run.migrations.printed(before, revision, "upgrade"))
        assert (done.returncode, done.stderr) == (0, "")
        assert catalog_at(empty.owner_url) == expected_catalog(revision, is_of_one_role=False)
    for revision, before in zip(reversed(IDS), reversed(IDS[:-1]), strict=False):
        done = run_script(postgres, empty.owner_url, run.migrations.printed(revision, "-1", "downgrade"))
        assert (done.returncode, done.stderr) == (0, "")
        assert catalog_at(empty.owner_url) == expected_catalog(before, is_of_one_role=False)


def test_where_one_role_does_everything_it_is_the_reviewed_text_too(
    postgres: Server, new_database: NewDatabase
) -> None:
    alone = postgres.make_role("clinic alone")
    with new_database(migrated=False, owner=alone) as database:
        run = Run(database.url_of(alone), alone)
        for revision in IDS:
            run.upgrade("+1")
            assert catalog_at(database.url_of(alone), alone) == expected_catalog(revision, is_of_one_role=True)


@pytest.mark.parametrize("revision", IDS)
def test_an_old_database_comes_to_the_head_with_its_rows(empty: FreshDatabase, revision: str) -> None:
    run = Run(empty.owner_url)
    run.upgrade(revision)
    enter_rows(empty, revision)
    before = {table: count for table, count in totals(empty).items() if "migration" not in table}
    run.upgrade()
    after = totals(empty)
    assert {table: after[table] for table in before} == before
    assert catalog_at(empty.owner_url) == expected_catalog(IDS[-1], is_of_one_role=False)


def test_any_role_reads_the_same(fresh_database: FreshDatabase) -> None:
    urls = (fresh_database.owner_url, fresh_database.service_url, fresh_database.superuser_url)
    assert len({catalog_at(url) for url in urls}) == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER TABLE public.cases ADD COLUMN colour text", "unexpected: column public.cases: 15 colour text"),
        ("ALTER TABLE public.cases ALTER COLUMN revision DROP NOT NULL", "unexpected: column public.cases: 06 "),
        ("DROP INDEX public.cases_by_status", "missing: index CREATE INDEX cases_by_status ON public.cases"),
        ("ALTER TABLE public.cases DROP CONSTRAINT cases_revision_positive", "missing: constraint public.cases: "),
        ("ALTER TABLE public.cases NO FORCE ROW LEVEL SECURITY", "missing: table public.cases: owned by owner, row-"),
        ("ALTER TABLE public.cases OWNER TO postgres", "unexpected: table public.cases: owned by postgres, row-level"),
        ("ALTER TABLE public.cases SET UNLOGGED", "unexpected: table public.cases: owned by owner, not logged, row-le"),
        ("ALTER TABLE public.cases DISABLE TRIGGER keep_every_case", "missing: trigger CREATE TRIGGER keep_every_case"),
        ("ALTER POLICY tenant_isolation ON public.cases USING (true)", "missing: policy public.cases: tenant_"),
        ("GRANT DELETE ON public.cases TO clincore_user", "unexpected: grant on public.cases to service: DELETE"),
        ("GRANT SELECT (id) ON public.cases TO PUBLIC", "unexpected: grant on public.cases (id) to PUBLIC: SELECT"),
        ("GRANT SELECT ON public.cases TO clincore_user WITH GRANT OPTION", "unexpected: grant on public.cases to "),
        ("CREATE VIEW public.v AS SELECT 1 AS one", "unexpected: view public.v: owned by postgres, SELECT 1 AS one;"),
        ("CREATE SEQUENCE clincore.numbers", "unexpected: sequence clincore.numbers: owned by postgres"),
        ("CREATE TYPE public.mood AS ENUM ('good')", "unexpected: type public.mood (e)"),
        ("CREATE RULE r AS ON INSERT TO public.cases DO ALSO NOTHING", "unexpected: rule CREATE RULE r AS ON INSERT"),
        (
            "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "unexpected: function owned by postgres: CREATE OR REPLACE FUNCTION public.f()",
        ),
        (
            "CREATE OR REPLACE FUNCTION clincore.append_only() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN RETURN NULL; END'",
            "missing: function owned by owner: CREATE OR REPLACE FUNCTION clincore.append_only()",
        ),
    ],
)  # fmt: skip
def test_what_was_changed_is_a_difference(fresh_database: FreshDatabase, change: str, told: str) -> None:
    with psycopg.connect(fresh_database.superuser_url, autocommit=True) as superuser:
        superuser.execute(change.encode())
    found = differences(expected_catalog(IDS[-1], is_of_one_role=False), catalog_at(fresh_database.owner_url))
    assert any(line.startswith(told) for line in found), found
    verification = asyncio.run(PostgresMigrations(fresh_database.owner_url, "clincore_user").verify())
    assert set(found) <= set(verification.differences)


def test_what_an_extension_brings_is_no_difference(fresh_database: FreshDatabase) -> None:
    """An operator may have pg_stat_statements and the like in the schema public."""
    with psycopg.connect(fresh_database.superuser_url, autocommit=True) as superuser:
        available = superuser.execute("SELECT name FROM pg_available_extensions WHERE name = 'plpgsql'").fetchall()
        assert available
        superuser.execute("CREATE TABLE public.of_extension (id int)")
        superuser.execute("CREATE FUNCTION public.of_extension() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        for kind in ("TABLE public.of_extension", "FUNCTION public.of_extension()"):
            superuser.execute(f"ALTER EXTENSION plpgsql ADD {kind}".encode())
    found = catalog_at(fresh_database.owner_url)
    assert differences(expected_catalog(IDS[-1], is_of_one_role=False), found) == ()
