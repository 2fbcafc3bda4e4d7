"""Fresh databases on one real PostgreSQL, for tests."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString, Protocol
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from attrs import frozen
from psycopg import pq, sql

from clincore.adapters.embedded_postgres.address import OWNER, SERVICE, EmbeddedAddress
from clincore.adapters.postgres.migrations.runner import PostgresMigrations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

PASSWORD = "the-tests-own"  # noqa: S105  of roles on servers that live for one session
_TEMPLATE = "clincore_at_head"
_TABLES = """
    SELECT oid::regclass::text FROM pg_class
    WHERE relnamespace IN ('public'::regnamespace, to_regnamespace('clincore')) AND relkind = 'r'
"""
_DIGEST = sql.SQL("SELECT count(*), md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM {} t")


@frozen(kw_only=True)
class FreshDatabase:
    """A database of its own, and how its owner, the service and the superuser connect to it."""

    name: str
    owner_url: str
    service_url: str
    superuser_url: str

    def rows(self, query: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement as the superuser, committed, and return its rows."""
        return rows(self.superuser_url, query, *parameters)

    def contents(self) -> dict[str, tuple[int, str]]:
        """Return how many rows each table holds, and a digest of all of them."""
        found = {}
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            for (name,) in connection.execute(_TABLES).fetchall():
                row = connection.execute(_DIGEST.format(sql.SQL(name))).fetchone()
                assert row is not None
                found[name] = (row[0], row[1])
        return found

    def url_of(self, role: str) -> str:
        """Return how another role connects."""
        parts = urlsplit(self.superuser_url)
        credentials, _, host = parts.netloc.rpartition("@")
        password = f":{PASSWORD}" if ":" in credentials else ""
        return urlunsplit(parts._replace(netloc=f"{quote(role)}{password}@{host}"))


class NewDatabase(Protocol):
    """Makes a fresh database: at the head unless ``migrated`` is False, and dropped at the end of the context."""

    def __call__(self, *, migrated: bool = True, owner: str = OWNER) -> AbstractContextManager[FreshDatabase]: ...


def rows(url: str, query: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
    """Run one statement on a connection of its own, committed, and return its rows."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query, parameters or None)
        answered = cursor.pgresult is not None and cursor.pgresult.status == pq.ExecStatus.TUPLES_OK
        return cursor.fetchall() if answered else []


@frozen
class Server:
    """The one server of a test session."""

    address: EmbeddedAddress

    @property
    def psql(self) -> Path:
        return self.address.binaries / "psql"

    @property
    def version(self) -> int:
        """The major version."""
        return int(rows(self.address.superuser_url, "SHOW server_version_num")[0][0]) // 10_000

    def migrate_template(self) -> None:
        """Make the database at the head that fresh ones are copies of."""
        self._create(_TEMPLATE, "template1", OWNER)
        url = self._database(_TEMPLATE).owner_url
        asyncio.run(PostgresMigrations(url, SERVICE).upgrade("head", lambda _: None))

    def make_role(self, name: str, attributes: LiteralString = "") -> str:
        """Make a role that may log in, unless it exists, and return its name."""
        if not rows(self.address.superuser_url, "SELECT FROM pg_roles WHERE rolname = %s", name):
            with psycopg.connect(self.address.superuser_url, autocommit=True) as connection:
                statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} {}")
                connection.execute(statement.format(sql.Identifier(name), PASSWORD, sql.SQL(attributes)))
        return name

    @contextmanager
    def new_database(self, *, migrated: bool = True, owner: str = OWNER) -> Iterator[FreshDatabase]:
        name = f"test_{uuid4().hex}"
        self._create(name, _TEMPLATE if migrated else "template1", owner)
        try:
            yield self._database(name)
        finally:
            self._execute("DROP DATABASE {} WITH (FORCE)", name)

    @contextmanager
    def database_of_locale_c(self) -> Iterator[FreshDatabase]:
        """Make an empty database that knows the letters of ASCII alone."""
        name = f"test_{uuid4().hex}"
        provider = "LOCALE_PROVIDER libc LOCALE 'C' ENCODING 'UTF8'"
        self._execute("CREATE DATABASE {} TEMPLATE template0 OWNER {} " + provider, name, OWNER)
        try:
            yield self._database(name)
        finally:
            self._execute("DROP DATABASE {} WITH (FORCE)", name)

    def _create(self, name: str, template: str, owner: str) -> None:
        self._execute("CREATE DATABASE {} TEMPLATE {} OWNER {}", name, template, owner)
        self._execute("REVOKE ALL ON DATABASE {} FROM PUBLIC", name)
        self._execute("GRANT CONNECT ON DATABASE {} TO {}", name, SERVICE)

    def _execute(self, statement: LiteralString, *names: str) -> None:
        with psycopg.connect(self.address.superuser_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _database(self, name: str) -> FreshDatabase:
        address = self.address
        owner, service, superuser = (
            urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
            for url in (address.owner_url, address.service_url, address.superuser_url)
        )
        return FreshDatabase(name=name, owner_url=owner, service_url=service, superuser_url=superuser)
