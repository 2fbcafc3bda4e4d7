"""``clincore init-roles --sql`` through psql, and a deployment with what it made."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest
from attrs import frozen
from command_line import clincore
from psycopg import sql
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databases import FreshDatabase, Server

PASSWORD = "it's a $ecret: \\ \" %"  # noqa: S105  with everything that could break a script


@frozen
class Names:
    """Names of one test's own, because roles belong to the whole server; they need quotes."""

    database: str
    owner: str
    service: str
    backup: str

    @property
    def options(self) -> list[str]:
        pairs = {"database": self.database, "owner": self.owner, "service": self.service, "backup": self.backup}
        return [word for name, value in pairs.items() for word in (f"--{name}", value)]


@pytest.fixture
def names(postgres: Server) -> Iterator[Names]:
    mark = uuid4().hex[:8]
    names = Names(*(f"Clinic's {what} {mark}" for what in ("database", "owner", "service", "backup")))
    yield names
    with psycopg.connect(postgres.address.superuser_url, autocommit=True) as superuser:
        superuser.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(names.database)))
        for role in (names.owner, names.service, names.backup):
            superuser.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def psql(postgres: Server, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [postgres.psql, "--no-psqlrc", "--quiet", "--dbname", postgres.address.superuser_url],
        input=script,
        env={"LC_ALL": "C.UTF-8", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def script_of(names: Names) -> str:
    ended = clincore("init-roles", "--sql", *names.options)
    assert (ended.code, ended.err) == (0, "")
    return ended.out


def attributes(postgres: Server, role: str) -> tuple[bool, ...]:
    with psycopg.connect(postgres.address.superuser_url) as superuser:
        row = superuser.execute(
            """SELECT rolcanlogin, rolbypassrls, rolsuper, rolcreatedb, rolcreaterole, rolreplication
               FROM pg_roles WHERE rolname = %s""",
            [role],
        ).fetchone()
    assert row is not None
    return row


def test_it_makes_the_roles_and_the_database_and_may_be_run_again(postgres: Server, names: Names) -> None:
    for _ in range(2):
        done = psql(postgres, script_of(names))
        assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    plain = (True, False, False, False, False, False)
    assert attributes(postgres, names.owner) == attributes(postgres, names.service) == plain
    assert attributes(postgres, names.backup) == (True, True, False, False, False, False)
    with psycopg.connect(postgres.address.superuser_url) as superuser:
        assert superuser.execute(
            """SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding) FROM pg_database WHERE datname = %s""",
            [names.database],
        ).fetchone() == (names.owner, "UTF8")


def test_it_puts_right_what_was_changed(postgres: Server, names: Names) -> None:
    psql(postgres, script_of(names))
    with psycopg.connect(postgres.address.superuser_url, autocommit=True) as superuser:
        superuser.execute(sql.SQL("ALTER ROLE {} SUPERUSER BYPASSRLS").format(sql.Identifier(names.service)))
    psql(postgres, script_of(names))
    assert attributes(postgres, names.service) == (True, False, False, False, False, False)


def test_passwords_come_from_the_environment_and_stand_in_no_script(postgres_15: Server) -> None:
    """On the server that asks for passwords."""
    mark = uuid4().hex[:8]
    names = Names(*(f"{what}_{mark}" for what in ("database", "owner", "service", "backup")))
    script = script_of(names)
    assert PASSWORD not in script
    done = psql(postgres_15, script, CLINCORE_SERVICE_PASSWORD=PASSWORD)
    assert (done.returncode, done.stderr) == (0, "")

    def where(role: str) -> str:
        return make_conninfo(postgres_15.address.superuser_url, user=role, password=PASSWORD, dbname=names.database)

    with psycopg.connect(where(names.service)) as service:
        assert service.execute("SELECT current_user").fetchone() == (names.service,)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(where(names.owner))
    with psycopg.connect(postgres_15.address.superuser_url, autocommit=True) as superuser:
        superuser.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(names.database)))
        for role in (names.owner, names.service, names.backup):
            superuser.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def test_a_deployment_of_these_roles_is_in_order(postgres: Server, names: Names, fresh_database: FreshDatabase) -> None:
    """Migrated by the owner, proved as the service, and read whole by the backup role alone."""
    environment = {f"CLINCORE_{role}_PASSWORD": "the-tests-own" for role in ("OWNER", "SERVICE", "BACKUP")}
    assert psql(postgres, script_of(names), **environment).returncode == 0

    def url(role: str) -> str:
        return fresh_database.url_of(role).replace(f"/{fresh_database.name}", f"/{names.database.replace(' ', '%20')}")

    settings = {"DATABASE_URL": url(names.service), "MIGRATION_DATABASE_URL": url(names.owner)}
    for command in (("migrate", "upgrade", "head"), ("migrate", "verify"), ("rls", "prove"), ("tenant", "create", "A")):
        ended = clincore(*command, **settings)
        assert ended.code == 0, ended.out + ended.err
    with psycopg.connect(url(names.backup)) as backup:
        assert backup.execute("SELECT count(*) FROM public.tenants").fetchone() == (1,)
        assert backup.execute("SELECT count(*) FROM clincore.migration_log").fetchone() == (8,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            backup.execute("UPDATE public.tenants SET plan = 'paid'")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--owner", "x" * 64], "owner: must be 1 to 63 bytes long"),
        (["--database", ""], "database: must be 1 to 63 bytes long"),
        (["--service", "a\nb"], "service: must be 1 to 63 bytes long, without control characters"),
        (["--service", "clincore_owner"], "owner, service, backup: must be three different roles"),
    ],
)
def test_names_that_cannot_be_are_refused(options: list[str], said: str) -> None:
    ended = clincore("init-roles", "--sql", *options)
    assert (ended.code, ended.out) == (1, "")
    assert said in ended.err


def test_it_only_prints() -> None:
    ended = clincore("init-roles")
    assert ended.code == 2
    assert "--sql" in ended.err
