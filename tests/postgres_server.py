"""A PostgreSQL as an operator has one: on TCP, with passwords, started from a folder of binaries."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from databases import PASSWORD
from psycopg import sql

from clincore.adapters.embedded_postgres.accounts import account_for
from clincore.adapters.embedded_postgres.address import OWNER, SERVICE, EmbeddedAddress
from clincore.adapters.embedded_postgres.setup import ensure_roles_and_database

if TYPE_CHECKING:
    from collections.abc import Iterator

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
_NO_DATA = Path("/nonexistent")
_FLEETING = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


@contextmanager
def running_server(binaries: Path) -> Iterator[EmbeddedAddress]:
    """Run a server with ClinCore's two roles and an empty database until the block ends."""
    with bare_server(binaries, _FLEETING) as port:
        asyncio.run(_set_up(port))
        yield _address(port, binaries)


@contextmanager
def bare_server(binaries: Path, settings: tuple[str, ...] = ()) -> Iterator[int]:
    """Run a server that has its superuser alone, until the block ends; yield its port."""
    ground = Path(tempfile.mkdtemp(prefix="clincore-server-", dir="/tmp"))
    try:
        _own(ground)
        data = _made_cluster(binaries, ground)
        port = free_port()
        where = ("listen_addresses=127.0.0.1", f"unix_socket_directories={ground}")
        options = [text for one in (*where, *settings) for text in ("-c", one)]
        log = ground / "log"
        pg_ctl = [binaries / "pg_ctl", "--pgdata", data, "--log", log]
        _run([*pg_ctl, "start", "--wait", "--options", " ".join(["-p", str(port), *options])])
        try:
            yield port
        finally:
            _run([*pg_ctl, "stop", "--wait", "--mode", "fast"])
    finally:
        shutil.rmtree(ground)


def _made_cluster(binaries: Path, ground: Path) -> Path:
    secret = ground / "password"
    secret.write_text(PASSWORD, encoding="ascii")
    _own(secret)
    data = ground / "data"
    how = ["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    _run([binaries / "initdb", *how, f"--pwfile={secret}", f"--pgdata={data}"])
    return data


async def _set_up(port: int) -> None:
    url = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await ensure_roles_and_database(connection)
        for role in (OWNER, SERVICE):
            await connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), PASSWORD))


def _address(port: int, binaries: Path) -> EmbeddedAddress:
    def url(role: str, database: str) -> str:
        return f"postgresql://{role}:{PASSWORD}@127.0.0.1:{port}/{database}"

    return EmbeddedAddress(
        service_url=url(SERVICE, "clincore"),
        owner_url=url(OWNER, "clincore"),
        superuser_url=url("postgres", "postgres"),
        binaries=binaries,
    )


def _run(command: list[object]) -> None:
    """Run a program of PostgreSQL's, which refuses to be run by root."""
    account = account_for(_NO_DATA)
    done = subprocess.run(
        [str(part) for part in command],
        env=_ENVIRONMENT,
        cwd="/",
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}"


def _own(path: Path) -> None:
    account = account_for(_NO_DATA)
    if account is not None:
        account.own(path)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
