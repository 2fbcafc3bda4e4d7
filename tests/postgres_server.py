"""A PostgreSQL as an operator has one: on TCP, with passwords, started from a folder of binaries."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from attrs import frozen
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
    with made_cluster(binaries, settings) as cluster:
        cluster.start()
        yield cluster.port


@contextmanager
def server_that_fails(binaries: Path) -> Iterator[tuple[Cluster, EmbeddedAddress]]:
    """Run a server with ClinCore's two roles and an empty database, that keeps what it has committed when it fails."""
    with made_cluster(binaries, ("fsync=off", "full_page_writes=off")) as cluster:
        cluster.start()
        asyncio.run(_set_up(cluster.port))
        yield cluster, _address(cluster.port, binaries)


@frozen
class Cluster:
    """A server's data, on which it is started and stopped."""

    binaries: Path
    ground: Path
    data: Path
    port: int
    settings: tuple[str, ...]

    def start(self) -> None:
        """Return when it takes connections."""
        where = ("listen_addresses=127.0.0.1", f"unix_socket_directories={self.ground}")
        options = [text for one in (*where, *self.settings) for text in ("-c", one)]
        self._pg_ctl("start", "--log", self.ground / "log", "--options", " ".join(["-p", str(self.port), *options]))

    def stop(self, mode: str = "fast") -> None:
        """Return when it has ended; ``immediate`` is what a crash does."""
        self._pg_ctl("stop", "--mode", mode)

    def freeze(self) -> None:
        """Let none of its processes run, as on a machine that has stopped answering."""
        for process in self._processes():
            os.kill(process, signal.SIGSTOP)

    def thaw(self) -> None:
        for process in self._processes():
            os.kill(process, signal.SIGCONT)

    def _processes(self) -> list[int]:
        """The postmaster, and then its children."""
        postmaster = int((self.data / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text(encoding="ascii")
        return [postmaster, *map(int, children.split())]

    def _pg_ctl(self, action: str, *options: object) -> None:
        _run([self.binaries / "pg_ctl", "--pgdata", self.data, action, "--wait", *options])


@contextmanager
def made_cluster(binaries: Path, settings: tuple[str, ...]) -> Iterator[Cluster]:
    """Make a server's data, which is gone at the end; a server that runs then is stopped."""
    ground = Path(tempfile.mkdtemp(prefix="clincore-server-", dir="/tmp"))
    try:
        _own(ground)
        cluster = Cluster(binaries, ground, _made_data(binaries, ground), free_port(), settings)
        try:
            yield cluster
        finally:
            if (cluster.data / "postmaster.pid").exists():
                cluster.stop()
    finally:
        shutil.rmtree(ground)


def _made_data(binaries: Path, ground: Path) -> Path:
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
