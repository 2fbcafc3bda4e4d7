"""``clincore restore`` on real servers: everything comes back, and whatever did not is named."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from attrs import evolve
from backups import BACKUP_ROLE, WHEEL, Stocked, made_backup, may_connect, restored, sums
from command_line import Ended, clincore, processes_naming
from databases import PASSWORD
from postgres_server import DEBIAN_15
from psycopg import sql

from clincore.adapters.postgres.backup.files import ArchiveFile
from clincore.adapters.postgres.backup.restoring import PostgresRestore
from clincore.domain.errors import RestoreRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from databases import FreshDatabase, Server


@pytest.fixture(scope="module")
def archive(stocked: Stocked, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return backed_up(stocked, tmp_path_factory.mktemp("backup") / "clinics.dump")


@pytest.fixture
def target(postgres: Server) -> Iterator[FreshDatabase]:
    """An empty database."""
    with postgres.new_database(migrated=False) as made:
        yield made


@pytest.fixture
def own(archive: Path, tmp_path: Path) -> Path:
    """A copy of the archive and its manifest, for one test to spoil."""
    for name in (archive.name, f"{archive.name}.manifest.json"):
        shutil.copy(archive.with_name(name), tmp_path / name)
    return tmp_path / archive.name


def backed_up(stocked: Stocked, file: Path) -> Path:
    ended = clincore("backup", file, "--from", stocked.url)
    assert ended.code == 0, ended.err
    return file


def restore(file: Path, url: str, *options: object, **settings: str) -> Ended:
    ended = clincore("restore", file, "--into", url, *options, **settings)
    assert PASSWORD not in ended.out + ended.err
    return ended


def refused(file: Path, target: FreshDatabase, url: str | None = None) -> str:
    """Try a restore that is refused, with the target as it was, and return what is said."""
    before = target.contents()
    ended = restore(file, url or target.owner_url)
    assert (ended.code, ended.out) == (1, ""), ended
    assert target.contents() == before
    assert target.rows("SELECT to_regnamespace('clincore')::text") == [("clincore" if before else None,)]
    return ended.err


def test_everything_comes_back_as_the_owner_and_as_a_superuser(
    stocked: Stocked, archive: Path, postgres: Server
) -> None:
    expected = stocked.database.contents()
    for who in ("owner", "superuser"):
        with postgres.new_database(migrated=False) as target:
            ended = restore(archive, target.owner_url if who == "owner" else target.superuser_url)
            assert ended.code == 0, ended
            assert target.contents() == expected
            assert "counts: as in the backup" in ended.lines
            assert "schema: at b1c2d3e4f505, the reviewed one" in ended.lines
            assert "signatures: 4 of 4 finalized cases verified" in ended.lines
            assert ended.lines[-1] == "in order: the restored database is what was backed up"
            heading, _, *rows = ended.lines[:4]
            assert "cases" in heading.split()
            assert [row.split()[0] for row in rows] == sorted(map(str, stocked.tenants))
            for row in rows:
                assert dict(zip(heading.split(), row.split(), strict=True))["cases"] == "3"
            assert is_the_reviewed_schema(target)


def test_the_service_goes_on_where_the_backup_ended(archive: Path, target: FreshDatabase) -> None:
    """Row-level security binds again: with no tenant there is no row, with one there are its own."""
    assert restore(archive, target.owner_url).code == 0
    may_connect(target, "clincore_user")
    with psycopg.connect(target.service_url) as connection:
        assert connection.execute("SELECT count(*) FROM public.cases").fetchall() == [(0,)]


def test_a_script_reads_one_json_document(stocked: Stocked, archive: Path, target: FreshDatabase) -> None:
    ended = restore(archive, target.owner_url, "--json")
    assert ended.code == 0, ended.err
    said = json.loads(ended.out)
    tenants = said.pop("tenants")
    assert tenants == json.loads(archive.with_name("clinics.dump.manifest.json").read_text())["tenants"]
    assert said == {
        "in_order": True,
        "compared_with_manifest": True,
        "revision": "b1c2d3e4f505",
        "schema_differences": [],
        "count_differences": [],
        "unlisted_tenants": [],
        "finalized_cases_verified": 4,
        "finalized_cases_failed": [],
    }


def test_one_role_for_everything_is_restored_too(
    postgres: Server, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    role = postgres.make_role("tests_alone")
    with postgres.new_database(migrated=False, owner=role) as source:
        url = source.url_of(role)
        assert clincore("migrate", "upgrade", "head", DATABASE_URL=url).code == 0
        assert clincore("tenant", "create", "Klinik", DATABASE_URL=url).code == 0
        assert clincore("backup", tmp_path / "f", BACKUP_DATABASE_URL=source.superuser_url).code == 0
        with postgres.new_database(migrated=False, owner=role) as target:
            ended = restore(tmp_path / "f", target.url_of(role), "--service-role", role)
            assert ended.code == 0, ended
            assert target.contents() == source.contents()
        with postgres.new_database(migrated=False, owner=role) as target:
            ended = restore(tmp_path / "f", target.url_of(role), DATABASE_URL=url)
            assert ended.code == 0, ended


def test_without_a_manifest_the_counts_are_said_to_be_compared_with_nothing(own: Path, target: FreshDatabase) -> None:
    own.with_name("clinics.dump.manifest.json").unlink()
    ended = restore(own, target.owner_url)
    assert ended.code == 0, ended
    assert "counts: compared with nothing, because no manifest lies beside the archive" in ended.lines
    assert ended.lines[-1] == "in order, and compared with no manifest"


# --- what is refused before anything is touched -------------------------------------------------------


def test_an_archive_that_was_cut_is_refused(own: Path, target: FreshDatabase) -> None:
    whole = own.read_bytes()
    own.write_bytes(whole[:-1])
    said = refused(own, target)
    assert f"it has {len(whole) - 1} bytes, its manifest says {len(whole)}" in said


def test_a_changed_byte_is_refused(own: Path, target: FreshDatabase) -> None:
    whole = own.read_bytes()
    for place in (0.01, 0.5, 0.99):
        changed = bytearray(whole)
        changed[int(len(changed) * place)] ^= 1
        own.write_bytes(changed)
        assert "is not the archive that was made: its SHA-256 is" in refused(own, target)


@pytest.mark.parametrize("part", [0, 300, 0.6, 0.99])
def test_a_cut_archive_without_its_manifest_leaves_nothing_in_the_target(
    own: Path, target: FreshDatabase, part: float
) -> None:
    own.with_name("clinics.dump.manifest.json").unlink()
    whole = own.read_bytes()
    own.write_bytes(whole[: part if isinstance(part, int) else int(len(whole) * part)])
    said = refused(own, target)
    assert "is not a whole archive" in said or "pg_restore failed" in said
    assert "Anna" not in said


def test_a_manifest_that_cannot_be_read_is_refused(own: Path, target: FreshDatabase) -> None:
    manifest = own.with_name("clinics.dump.manifest.json")
    for text in ("", "{}", manifest.read_text().replace("clincore-backup/1", "clincore-backup/2")):
        manifest.write_text(text)
        assert "cannot be read as a backup's manifest" in refused(own, target)


def test_what_is_no_archive_is_refused(target: FreshDatabase, tmp_path: Path, postgres: Server) -> None:
    assert "There is no file" in refused(tmp_path / "none", target)
    text = tmp_path / "text"
    text.write_text("-- PostgreSQL database dump\nSELECT 1;\n")
    assert "is not a whole archive of pg_dump's custom format" in refused(text, target)
    with postgres.new_database(migrated=False) as other:
        made = tmp_path / "other"
        run(postgres, "pg_dump", "--format=custom", f"--file={made}", other.superuser_url)
    assert "is not a backup of ClinCore" in refused(made, target)


def test_nothing_is_restored_over_what_is_there(archive: Path, target: FreshDatabase, stocked: Stocked) -> None:
    said = refused(archive, stocked.database)
    assert "is not empty: it has access_logs, " in said
    target.rows("CREATE VIEW public.mine AS SELECT 1")
    assert "is not empty: it has mine." in refused(archive, target)


def test_a_role_that_cannot_own_the_tables_is_refused(archive: Path, postgres: Server, target: FreshDatabase) -> None:
    role = postgres.make_role("tests_stranger")
    may_connect(target, role)
    said = refused(archive, target, target.url_of(role))
    assert f"The role {role} may not create tables" in said
    with postgres.new_database(migrated=False, owner=role) as strange:
        said = refused(archive, strange, strange.url_of(role))
        assert f"belong to clincore_owner, and {role} cannot give them to that role" in said


def test_another_encoding_is_refused(archive: Path, postgres: Server) -> None:
    name = f"test_{uuid4().hex}"
    with psycopg.connect(postgres.address.superuser_url, autocommit=True) as superuser:
        statement = sql.SQL(
            "CREATE DATABASE {} ENCODING 'SQL_ASCII' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0"
        )
        superuser.execute(statement.format(sql.Identifier(name)))
        try:
            url = postgres.address.superuser_url.replace("/postgres?", f"/{name}?")
            url = url if name in url else f"{url.rpartition('/')[0]}/{name}"
            ended = restore(archive, url)
        finally:
            superuser.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
    assert ended.code == 1
    assert "ClinCore needs UTF8" in ended.err


def test_missing_roles_are_named_before_anything_is_done(
    stocked: Stocked, postgres: Server, tmp_path: Path, target: FreshDatabase
) -> None:
    """A grantee and an owner that the archive needs, of names that must be quoted."""
    names = ('tests "Lost" owner', "tests lost; reader")
    with psycopg.connect(stocked.database.superuser_url, autocommit=True) as superuser:
        owner, reader = map(sql.Identifier, names)
        for statement in (sql.SQL("CREATE ROLE {}").format(owner), sql.SQL("CREATE ROLE {}").format(reader)):
            superuser.execute(statement)
        try:
            superuser.execute(sql.SQL("ALTER TABLE clincore.bootstrap OWNER TO {}").format(owner))
            superuser.execute(sql.SQL("GRANT SELECT (id) ON public.cases TO {}").format(reader))
            file = backed_up(stocked, tmp_path / "f")
        finally:
            superuser.execute("ALTER TABLE clincore.bootstrap OWNER TO clincore_owner")
            for role in (owner, reader):
                superuser.execute(sql.SQL("DROP OWNED BY {}").format(role))
                superuser.execute(sql.SQL("DROP ROLE {}").format(role))
    said = refused(file, target)
    assert 'that this server lacks: "tests ""Lost"" owner", "tests lost; reader".' in said
    assert "clincore init-roles --sql" in said


# --- what is named afterwards -------------------------------------------------------------------------


@contextmanager
def copy_of(stocked: Stocked, postgres: Server, file: Path) -> Iterator[FreshDatabase]:
    """A restored copy of the stocked database, for one test to tamper with."""
    with postgres.new_database(migrated=False) as made:
        restored(made.superuser_url, file, [postgres.address.binaries])
        may_connect(made, BACKUP_ROLE)
        yield made


def tamper(database: FreshDatabase, statement: LiteralString, *ids: UUID) -> None:
    """Change what a superuser can: without triggers, without foreign keys, past row-level security."""
    with psycopg.connect(database.superuser_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(sql.SQL(statement).format(*map(str, ids)))


def differing(file: Path, target: FreshDatabase) -> dict[str, Any]:
    """Restore what is not in order, and return what is said."""
    ended = restore(file, target.owner_url, "--json")
    assert ended.code == 1, ended
    said: dict[str, Any] = json.loads(ended.out)
    assert said["in_order"] is False
    return said


def test_cases_that_are_not_what_was_signed_are_named(
    stocked: Stocked, postgres: Server, archive: Path, tmp_path: Path, target: FreshDatabase
) -> None:
    first, second, third, _ = stocked.finalized
    with copy_of(stocked, postgres, archive) as source:
        tamper(source, "UPDATE public.cases SET result_text = result_text || ' ' WHERE id = {}", first)
        tamper(source, "UPDATE public.cases SET ranking_snapshot = '[]' WHERE id = {}", second)
        tamper(source, "UPDATE public.cases SET input_payload = '{{}}' WHERE id = {}", third)
        file = backed_up(evolve(stocked, database=source), tmp_path / "f")
    said = differing(file, target)
    assert said["finalized_cases_verified"] == 1
    assert sorted((one["case_id"], one["verdict"], one["tenant_id"]) for one in said["finalized_cases_failed"]) == (
        sorted(
            [
                (str(first), "signature_mismatch", str(stocked.tenants[0])),
                (str(second), "row_differs", str(stocked.tenants[0])),
                (str(third), "row_differs", str(stocked.tenants[1])),
            ]
        )
    )
    assert (said["count_differences"], said["schema_differences"]) == ([], [])


def test_a_failed_case_and_another_schema_are_told_of_in_words(
    stocked: Stocked, postgres: Server, archive: Path, tmp_path: Path, target: FreshDatabase
) -> None:
    tenant, case = stocked.tenants[0], stocked.finalized[0]
    with copy_of(stocked, postgres, archive) as source:
        tamper(source, "UPDATE public.cases SET result_text = '' WHERE id = {}", case)
        tamper(source, "ALTER TABLE public.patients NO FORCE ROW LEVEL SECURITY")
        file = backed_up(evolve(stocked, database=source), tmp_path / "f")
    ended = restore(file, target.owner_url)
    assert ended.code == 1
    assert [line for line in ended.lines if line.startswith("differs: ")] == [
        "differs: 0001_core_init.sql: its verify part does not hold",
        "differs: unexpected: table public.patients: owned by owner, row-level security on",
        "differs: missing: table public.patients: owned by owner, row-level security on, forced",
        f"differs: tenant {tenant}, case {case}: signature_mismatch",
    ]
    assert "counts: as in the backup" in ended.lines
    assert "signatures: 3 of 4 finalized cases verified" in ended.lines
    assert ended.lines[-1] == "NOT in order: see above"


def test_rows_of_a_tenant_that_no_list_names_are_found(
    stocked: Stocked, postgres: Server, archive: Path, tmp_path: Path, target: FreshDatabase
) -> None:
    """Their cases are verified all the same."""
    lost = stocked.tenants[1]
    with copy_of(stocked, postgres, archive) as source:
        tamper(source, "DELETE FROM clincore.tenant_directory WHERE id = {}", lost)
        file = backed_up(evolve(stocked, database=source), tmp_path / "f")
    said = differing(file, target)
    assert said["unlisted_tenants"] == [str(lost)]
    assert said["finalized_cases_verified"] == 4


def test_other_numbers_than_the_manifests_are_named(stocked: Stocked, own: Path, target: FreshDatabase) -> None:
    manifest = own.with_name("clinics.dump.manifest.json")
    tenant, ghost = str(stocked.tenants[0]), str(uuid4())
    document = json.loads(manifest.read_text())
    document["tenants"][tenant]["public.cases"] += 1
    document["tenants"][ghost] = {"public.patients": 7}
    manifest.write_text(json.dumps(document))
    ended = restore(own, target.owner_url)
    assert ended.code == 1
    assert f"differs: tenant {tenant}, public.cases: 4 rows backed up, 3 restored" in ended.lines
    assert f"differs: tenant {ghost}, public.patients: 7 rows backed up, 0 restored" in ended.lines
    assert "counts: as in the backup" not in ended.lines


def test_counting_leaves_force_where_it_was(archive: Path, target: FreshDatabase) -> None:
    """The owner lifts it to count every row, and takes that back."""
    assert restore(archive, target.owner_url).code == 0
    assert target.rows(
        "SELECT count(*) FILTER (WHERE relforcerowsecurity), count(*) FROM pg_class WHERE relrowsecurity"
    ) == [(10, 10)]


# --- versions -----------------------------------------------------------------------------------------


def test_a_backup_of_15_is_restored_into_18(stocked_15: Stocked, postgres_18: Server, tmp_path: Path) -> None:
    file = backed_up(stocked_15, tmp_path / "f")
    with postgres_18.new_database(migrated=False) as target:
        ended = restore(file, target.owner_url)
        assert ended.code == 0, ended
        assert target.contents() == stocked_15.database.contents()


@pytest.mark.parametrize("into", ["15", "18"])
def test_the_wheels_programs_alone_do_for_a_server_of_15(
    stocked_15: Stocked, postgres_15: Server, postgres_18: Server, tmp_path: Path, into: str
) -> None:
    """What they write into an archive, or set at a restore, and the target does not know, is left out."""
    told: list[str] = []
    file = tmp_path / "f"
    made_backup(stocked_15.url, file, [WHEEL], told.append)
    assert [line for line in told if line.startswith("note: 'clincore restore' takes this archive into PostgreSQL 15")]
    server = postgres_15 if into == "15" else postgres_18
    for url_of in (as_owner, as_superuser):
        with server.new_database(migrated=False) as target:
            restored(url_of(target), file, [WHEEL])
            assert target.contents() == stocked_15.database.contents()
            assert is_the_reviewed_schema(target)


def as_owner(target: FreshDatabase) -> str:
    return target.owner_url


def as_superuser(target: FreshDatabase) -> str:
    return target.superuser_url


@pytest.mark.parametrize("part", [0.7, 0.99])
def test_a_cut_archive_leaves_nothing_with_the_wheels_programs_alone(
    stocked_15: Stocked, postgres_15: Server, tmp_path: Path, part: float
) -> None:
    file = tmp_path / "f"
    made_backup(stocked_15.url, file, [WHEEL])
    (tmp_path / "f.manifest.json").unlink()
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * part)])
    with postgres_15.new_database(migrated=False) as target:
        with pytest.raises(RestoreRefused, match=r"is not a whole archive|The target is as it was"):
            restored(target.owner_url, file, [WHEEL])
        assert target.contents() == {}
        assert target.rows("SELECT to_regnamespace('clincore')") == [(None,)]


def test_a_refusal_of_the_server_leaves_nothing_with_the_wheels_programs_alone(
    stocked_15: Stocked, postgres_15: Server, tmp_path: Path
) -> None:
    """A schema that the archive makes is there already, under a name that the check before does not know."""
    with copy_of(stocked_15, postgres_15, backed_up(stocked_15, tmp_path / "whole")) as source:
        source.rows("CREATE SCHEMA extra")
        made_backup(source.url_of(BACKUP_ROLE), tmp_path / "f", [WHEEL])
    with postgres_15.new_database(migrated=False) as target:
        target.rows("CREATE SCHEMA extra")
        with pytest.raises(RestoreRefused, match=r'psql failed: schema "extra" already exists\. The target'):
            restored(target.superuser_url, tmp_path / "f", [WHEEL])
        assert target.contents() == {}


@pytest.mark.parametrize("programs", [WHEEL, DEBIAN_15])
def test_an_interrupted_restore_leaves_nothing_behind(
    stocked_15: Stocked, postgres_15: Server, tmp_path: Path, programs: Path
) -> None:
    """In either way of loading: with psql, as the wheel's programs alone need it for 15, and by pg_restore itself."""
    file = tmp_path / "f"
    made_backup(stocked_15.url, file, [programs])
    with postgres_15.new_database(migrated=False) as target:
        target.rows(
            """CREATE FUNCTION public.wait() RETURNS event_trigger LANGUAGE plpgsql
               AS $$ BEGIN PERFORM pg_catalog.pg_sleep(600); END $$"""
        )
        target.rows("CREATE EVENT TRIGGER wait ON ddl_command_end EXECUTE FUNCTION public.wait()")
        restore = PostgresRestore(conninfo=target.superuser_url, file=ArchiveFile.at(file), folders=[programs])
        asyncio.run(interrupted(restore, target))
        assert processes_naming(file) == []
        assert target.contents() == {}
        assert target.rows("SELECT to_regnamespace('clincore')") == [(None,)]


async def interrupted(restore: PostgresRestore, target: FreshDatabase) -> None:
    """Load until the server waits, and cancel."""
    await restore.check()
    loading = asyncio.create_task(restore.load(lambda _: None))
    while not await asyncio.to_thread(target.rows, _WAITING):
        assert not loading.done()
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading


_WAITING: LiteralString = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'PgSleep' AND pid <> pg_backend_pid()
"""


def test_no_embedded_database_is_made_for_a_file_that_is_not_there(tmp_path: Path) -> None:
    ended = restore(tmp_path / "none", f"embedded:{tmp_path / 'db'}")
    assert (ended.code, ended.err) == (1, f"error: There is no file {tmp_path / 'none'}.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_backup_of_18_is_not_restored_into_15(stocked_18: Stocked, postgres_15: Server, tmp_path: Path) -> None:
    file = backed_up(stocked_18, tmp_path / "f")
    with postgres_15.new_database(migrated=False) as target:
        said = refused(file, target)
    assert "The archive is of PostgreSQL 18." in said
    assert "restore it into 18 or newer" in said


def test_programs_that_are_too_old_are_refused(
    stocked_15: Stocked, postgres_18: Server, postgres_15: Server, tmp_path: Path
) -> None:
    file = tmp_path / "f"
    made_backup(stocked_15.url, file, [WHEEL])
    with postgres_15.new_database(migrated=False) as target:
        with pytest.raises(RestoreRefused, match="was written by a newer pg_dump than pg_restore 15"):
            restored(target.owner_url, file, [DEBIAN_15])
        assert target.contents() == {}
    with (
        postgres_18.new_database(migrated=False) as target,
        pytest.raises(RestoreRefused, match="the server is PostgreSQL 18, which needs pg_dump"),
    ):
        restored(target.owner_url, file, [DEBIAN_15])


def test_the_programs_of_the_servers_own_version_are_taken(stocked_15: Stocked, tmp_path: Path) -> None:
    for number, folders in enumerate(([WHEEL, DEBIAN_15], [DEBIAN_15, WHEEL])):
        manifest = made_backup(stocked_15.url, tmp_path / str(number), folders)
        assert manifest.program_version.startswith("15.")
        assert sums({str(key): dict(tables) for key, tables in manifest.counts.items()})["cases"] == 6


def is_the_reviewed_schema(target: FreshDatabase) -> bool:
    urls = {"DATABASE_URL": target.service_url, "MIGRATION_DATABASE_URL": target.owner_url}
    return clincore("migrate", "verify", **urls).code == 0


def run(postgres: Server, program: str, *arguments: str) -> None:
    subprocess.run([postgres.address.binaries / program, *arguments], check=True)
