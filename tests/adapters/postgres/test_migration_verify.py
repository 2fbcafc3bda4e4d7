"""Whether a database is what the chain makes: verified, and stamped where it is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg
import pytest
from migration_runs import IDS, Run, totals

from clincore.adapters.postgres.migrations.revisions import read_chain
from clincore.adapters.postgres.migrations.runner import PostgresMigrations
from clincore.domain.errors import DatabaseUnavailable, MigrationError
from clincore.domain.migration import Standing, Verification

if TYPE_CHECKING:
    from pathlib import Path

    from databases import FreshDatabase


def verify(url: str, chain: Path | None = None) -> Verification:
    revisions = read_chain(chain) if chain else None
    return asyncio.run(PostgresMigrations(url, "clincore_user", revisions).verify())


def stamp(url: str, target: str, chain: Path | None = None) -> bool:
    revisions = read_chain(chain) if chain else None
    return asyncio.run(PostgresMigrations(url, "clincore_user", revisions).stamp(target))


def change(database: FreshDatabase, statements: str) -> None:
    with psycopg.connect(database.superuser_url, autocommit=True) as superuser:
        superuser.execute(statements.encode())


def edited(chain: Path, name: str) -> None:
    file = chain / name
    file.write_text(file.read_text(encoding="utf-8") + "\n-- changed\n", encoding="utf-8")


# --- verify ----------------------------------------------------------------------------------------------------


def test_a_database_at_the_head_is_in_order(fresh_database: FreshDatabase) -> None:
    assert verify(fresh_database.owner_url) == Verification(current=IDS[-1])
    assert verify(fresh_database.owner_url).standing is Standing.IN_ORDER


@pytest.mark.parametrize("applied", range(len(IDS)))
def test_what_is_not_applied_is_pending(empty: FreshDatabase, applied: int) -> None:
    if applied:
        Run(empty.owner_url).upgrade(IDS[applied - 1])
    found = verify(empty.owner_url)
    assert [revision.id for revision in found.pending] == IDS[applied:]
    assert (found.standing, found.differences) == (Standing.PENDING, ())


def test_a_file_that_is_not_the_applied_one_is_named_with_both_hashes(
    fresh_database: FreshDatabase, copied: Path
) -> None:
    edited(copied, "34bf50c7d602_case_engine_core.sql")
    found = verify(fresh_database.owner_url, copied)
    (changed,) = found.changed_files
    hashes = {one.id: one.checksum for one in read_chain()}, {one.id: one.checksum for one in read_chain(copied)}
    assert (changed.file, changed.applied, changed.now) == (
        "34bf50c7d602_case_engine_core.sql",
        *(checksums["34bf50c7d602"] for checksums in hashes),
    )
    assert found.standing is Standing.FILE_DIFFERS


def test_a_changed_schema_is_the_gravest(fresh_database: FreshDatabase, copied: Path) -> None:
    edited(copied, "34bf50c7d602_case_engine_core.sql")
    Run(fresh_database.owner_url).downgrade("-1")
    change(fresh_database, "DROP INDEX public.cases_by_status")
    found = verify(fresh_database.owner_url, copied)
    assert (len(found.pending), len(found.changed_files), len(found.differences)) == (1, 1, 1)
    assert found.standing is Standing.SCHEMA_DIFFERS


def test_a_revision_whose_own_query_does_not_hold_is_named(fresh_database: FreshDatabase) -> None:
    change(fresh_database, "ALTER TABLE public.cases DISABLE TRIGGER keep_every_case")
    assert (
        "9ab846c6a33b_finalize_signature.sql: its verify part does not hold"
        in verify(fresh_database.owner_url).differences
    )


def test_a_revision_of_another_version_is_no_schema_that_is_known(fresh_database: FreshDatabase) -> None:
    fresh_database.rows("UPDATE public.alembic_version SET version_num = 'ffffffffffff'")
    found = verify(fresh_database.owner_url)
    assert found.differences == ("this version of ClinCore does not know the revision ffffffffffff",)


def test_nothing_is_written(fresh_database: FreshDatabase) -> None:
    before = fresh_database.contents()
    verify(fresh_database.owner_url)
    assert fresh_database.contents() == before


def test_who_may_not_read_the_log_is_told_so(fresh_database: FreshDatabase) -> None:
    with pytest.raises(MigrationError, match=r"permission denied .* Set MIGRATION_DATABASE_URL"):
        verify(fresh_database.service_url)


def test_a_database_that_is_down_is_said_to_be() -> None:
    with pytest.raises(DatabaseUnavailable):
        verify("postgresql://a:b@127.0.0.1:1/c")


# --- after an upgrade --------------------------------------------------------------------------------------------


def test_a_revision_that_is_not_really_there_after_its_up_part_is_not_recorded(
    empty: FreshDatabase, copied: Path
) -> None:
    file = copied / "34bf50c7d602_case_engine_core.sql"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("ADD COLUMN finalized_at     timestamptz,", ""), encoding="utf-8")
    run = Run(empty.owner_url, chain=read_chain(copied))
    with pytest.raises(MigrationError, match=r"34bf50c7d602_case_engine_core\.sql: after its up part its verify part"):
        run.upgrade()
    assert run.current() == "20f4b88b6b43"


# --- stamp -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("revision", IDS)
def test_a_revision_that_the_schema_is_of_is_recorded(empty: FreshDatabase, revision: str) -> None:
    run = Run(empty.owner_url)
    run.upgrade(revision)
    empty.rows("DELETE FROM public.alembic_version")
    assert stamp(empty.owner_url, revision) is True
    assert run.current() == revision
    assert stamp(empty.owner_url, revision) is False
    logged = empty.rows("SELECT revision FROM clincore.migration_log WHERE direction = 'stamp' ORDER BY id")
    assert [row[0] for row in logged] == IDS[: IDS.index(revision) + 1]
    run.upgrade()
    assert run.current() == IDS[-1]


def test_a_revision_that_the_schema_is_not_of_is_refused_with_the_differences(fresh_database: FreshDatabase) -> None:
    before = totals(fresh_database)
    with pytest.raises(MigrationError) as refused:
        stamp(fresh_database.owner_url, "a96162dee369")
    assert str(refused.value).startswith(
        "The schema is not that of a96162dee369, so that it cannot be stamped; nothing was changed:\n  unexpected: "
    )
    assert str(refused.value).endswith(" more")
    assert totals(fresh_database) == before


def test_an_empty_database_cannot_be_stamped_and_stays_empty(empty: FreshDatabase) -> None:
    with pytest.raises(MigrationError, match="The schema is not that of"):
        stamp(empty.owner_url, "head")
    assert totals(empty) == {}


def test_files_that_make_the_same_schema_are_recorded_in_place_of_those_that_were_applied(
    fresh_database: FreshDatabase, copied: Path
) -> None:
    """The way on for a database that was made by an earlier text of the same revisions."""
    edited(copied, "34bf50c7d602_case_engine_core.sql")
    run = Run(fresh_database.owner_url, chain=read_chain(copied))
    with pytest.raises(MigrationError, match="is not the file that was applied"):
        run.downgrade("-1")
    assert stamp(fresh_database.owner_url, "head", copied) is True
    run.downgrade("-1")
    run.upgrade()
    assert verify(fresh_database.owner_url, copied).standing is Standing.IN_ORDER


@pytest.mark.parametrize("target", ["base", "+1", "-1", "nonsense"])
def test_what_is_no_revision_is_not_stamped(fresh_database: FreshDatabase, target: str) -> None:
    with pytest.raises(MigrationError):
        stamp(fresh_database.owner_url, target)
    assert verify(fresh_database.owner_url).current == IDS[-1]


# --- the log -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["owner", "superuser"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE clincore.migration_log SET applied_by = 'x'",
        "DELETE FROM clincore.migration_log",
        "TRUNCATE clincore.migration_log",
    ],
)
def test_the_log_is_append_only(fresh_database: FreshDatabase, role: str, statement: str) -> None:
    url = fresh_database.owner_url if role == "owner" else fresh_database.superuser_url
    with (
        psycopg.connect(url) as connection,
        pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="append-only"),
    ):
        connection.execute(statement.encode())


def test_a_log_of_an_older_runner_is_brought_up_to_date(fresh_database: FreshDatabase) -> None:
    """One that knew no stamps, and kept nobody from changing it."""
    change(
        fresh_database,
        """DROP TRIGGER keep_migration_log ON clincore.migration_log;
           DROP FUNCTION clincore.keep_migration_log();
           ALTER TABLE clincore.migration_log DROP CONSTRAINT migration_log_direction_known,
               ADD CONSTRAINT migration_log_direction_known CHECK (direction IN ('upgrade', 'downgrade'))""",
    )
    assert verify(fresh_database.owner_url).standing is Standing.SCHEMA_DIFFERS
    Run(fresh_database.owner_url).upgrade()
    assert verify(fresh_database.owner_url).standing is Standing.IN_ORDER


def test_runners_at_once_under_a_stricter_default_isolation(empty: FreshDatabase) -> None:
    change(empty, f"ALTER DATABASE {empty.name} SET default_transaction_isolation = 'serializable'")
    run = Run(empty.owner_url)

    async def race() -> None:
        await asyncio.gather(*(run.migrations.upgrade("head", run._tell) for _ in range(4)))

    asyncio.run(race())
    assert sorted(run.done) == sorted(IDS)


def test_foreign_keys_that_were_switched_off_are_a_difference(fresh_database: FreshDatabase) -> None:
    change(fresh_database, "ALTER TABLE public.api_keys DISABLE TRIGGER ALL")
    assert verify(fresh_database.owner_url).standing is Standing.SCHEMA_DIFFERS
