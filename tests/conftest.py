from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from backups import stocked, stocked_15, stocked_18
from databases import FreshDatabase, NewDatabase, Server
from migration_runs import SQL_FILES
from postgres_server import DEBIAN_15, running_server
from service import Clinics, environment, new_tenant, running_service

from clincore.adapters.embedded_postgres.server import EmbeddedPostgres
from clincore.adapters.sqlite_repertory import import_kent_rows
from clincore.testing.profiles import load_profile

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["stocked", "stocked_15", "stocked_18"]

load_profile(os.environ)


ROOT = Path(__file__).resolve().parent.parent
ON_BOTH_SERVERS = (
    "adapters/postgres",
    "deployment",
    "entrypoints/cli/test_cli_key.py",
    "entrypoints/cli/test_cli_migrate.py",
    "entrypoints/cli/test_cli_tenant.py",
    "entrypoints/http/test_starting.py",
    "testing/test_model.py",
)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run the whole suite on every core, and named tests in the one process that was started."""
    return 0 if config.args_source is pytest.Config.ArgsSource.ARGS else None


@pytest.fixture(scope="session")
def kent_directory() -> Path:
    """The rows of Kent's repertory, which are not part of the project; where they are missing the test is skipped."""
    directory = Path(os.environ.get("CLINCORE_KENT_DIR") or ROOT.parent / "shared" / "data" / "kent")
    if (directory / "rubrics.tsv.gz").is_file():
        return directory
    missing = (
        f"Kent's rows, which are not part of the project, are not in {directory} (CLINCORE_KENT_DIR names another)"
    )
    if os.environ.get("CLINCORE_REQUIRE_KENT") == "1":
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def kent_repertory(kent_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kent's repertory as an SQLite file."""
    target = tmp_path_factory.mktemp("kent") / "kent.sqlite"
    import_kent_rows(kent_directory, target, name="Kent", edition="6th American edition")
    return target


@pytest.fixture(scope="session")
def postgres_18() -> Iterator[Server]:
    """The wheel's PostgreSQL, in a directory that an unprivileged user can pass through."""
    ground = Path(tempfile.mkdtemp(prefix="clincore-tests-", dir="/tmp"))
    ground.chmod(0o711)
    server = EmbeddedPostgres(ground / "db", durable=False)
    try:
        running = Server(asyncio.run(server.start()))
        running.migrate_template()
        yield running
    finally:
        try:
            asyncio.run(server.stop())
        finally:
            shutil.rmtree(ground)


@pytest.fixture(scope="session")
def postgres_15() -> Iterator[Server]:
    """Debian's PostgreSQL 15 on a free port, with passwords; where it is not installed the test is skipped."""
    if not (DEBIAN_15 / "postgres").is_file():
        missing = f"PostgreSQL 15 is not installed in {DEBIAN_15} (Debian: apt-get install postgresql-15)"
        if os.environ.get("CLINCORE_REQUIRE_POSTGRES_15") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    with running_server(DEBIAN_15) as address:
        running = Server(address)
        running.migrate_template()
        yield running


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Server:
    """One real PostgreSQL: that of the wheel, or the one that the test is run for."""
    server: Server = request.getfixturevalue(f"postgres_{getattr(request, 'param', '18')}")
    return server


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what a deployment relies on for both servers."""
    path = metafunc.definition.path.relative_to(ROOT / "tests")
    if "postgres" in metafunc.fixturenames and any(str(one) in ON_BOTH_SERVERS for one in (path, *path.parents)):
        metafunc.parametrize("postgres", ["18", "15"], indirect=True, scope="session")


@pytest.fixture(scope="session")
def new_database(postgres: Server) -> NewDatabase:
    """Makes a fresh database wherever a test or a module needs one of its own."""
    return postgres.new_database


@pytest.fixture
def fresh_database(new_database: NewDatabase) -> Iterator[FreshDatabase]:
    """A database at the head, for one test alone."""
    with new_database() as made:
        yield made


@pytest.fixture(scope="module")
def clinics(new_database: NewDatabase) -> Iterator[Clinics]:
    """The running service on a database of the module's own, with two clinics in it."""
    with (
        new_database() as made,
        running_service(made.service_url) as service,
        service.client(service.bootstrap()) as first,
        service.client(new_tenant(made.service_url)) as second,
    ):
        yield Clinics(service, first, second)


@pytest.fixture
def empty(new_database: NewDatabase) -> Iterator[FreshDatabase]:
    """A database to which nothing was applied."""
    with new_database(migrated=False) as made:
        yield made


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the chain's files, to be changed."""
    return Path(shutil.copytree(SQL_FILES, tmp_path / "chain"))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True, timeout=120, env=environment())
    (built,) = folder.glob("clincore-*.whl")
    return built
