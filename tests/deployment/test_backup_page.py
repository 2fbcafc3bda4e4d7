"""The commands of docs/backup.md, run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from backups import may_connect
from command_line import passable_directory
from databases import PASSWORD
from psycopg import sql
from service import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backups import Stocked
    from databases import FreshDatabase, Server

PAGE: Final = (Path(__file__).parents[2] / "docs" / "backup.md").read_text(encoding="utf-8")
ROLE: Final = "page_backup"
URL: Final = re.compile(r"postgresql://(\w+):[^@\s]+@127\.0\.0\.1:5432/(\w+)")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def run(block: str, folder: Path, **variables: str) -> str:
    """Run a block in a shell that stops at the first failure; return what it prints."""
    done = subprocess.run(
        ["sh", "-euc", block],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def databases(stocked: Stocked, postgres: Server) -> Iterator[dict[str, FreshDatabase]]:
    """The page's databases by the names that they have there, and its backup role, made as it says."""
    roles, create = blocks("sql")
    assert create.startswith("CREATE DATABASE clincore_restored OWNER clincore_owner ENCODING 'UTF8'")
    with ExitStack() as stack:
        found = {"clincore": stocked.database}
        for name in ("clincore_restored", "clincore_plain"):
            found[name] = stack.enter_context(postgres.new_database(migrated=False))
        renamed = roles.replace("clincore_backup", ROLE).replace(
            "DATABASE clincore ", f"DATABASE {found['clincore'].name} "
        )
        with psycopg.connect(found["clincore"].superuser_url, autocommit=True) as superuser:
            superuser.execute(renamed.replace("backup-password", PASSWORD).encode())
            try:
                yield found
            finally:
                superuser.execute(sql.SQL("DROP OWNED BY {0}").format(sql.Identifier(ROLE)))
                superuser.execute(sql.SQL("DROP ROLE {0}").format(sql.Identifier(ROLE)))


def test_the_page_goes_as_written(stocked: Stocked, postgres: Server, tmp_path: Path) -> None:
    """The role, the backup, the restore, and both with pg_dump and pg_restore alone; names and addresses change."""
    backup, restore, plain, _ = blocks("sh")
    path = os.pathsep.join(map(str, (Path(sys.executable).parent, postgres.address.binaries, os.environ["PATH"])))
    with databases(stocked, postgres) as found:

        def here(block: str) -> str:
            def url(match: re.Match[str]) -> str:
                return f"'{found[match[2]].url_of(match[1].replace('clincore_backup', ROLE))}'"

            return URL.sub(url, block)

        expected = stocked.database.contents()
        printed = run(here(backup), tmp_path, PATH=path)
        assert "tenants     2" in printed
        printed = run(here(restore), tmp_path, PATH=path)
        assert printed.splitlines()[-1] == "in order: the restored database is what was backed up"
        assert found["clincore_restored"].contents() == expected
        export = next(line for line in backup.splitlines() if line.startswith("export BACKUP_DATABASE_URL="))
        run(here(f"{export}\n{plain}"), tmp_path, PATH=path)
        assert found["clincore_plain"].contents() == expected


def test_the_service_of_a_plain_restore_is_bound_again(stocked: Stocked, postgres: Server, tmp_path: Path) -> None:
    """A plain archive has no manifest, and 'clincore restore' takes it too."""
    archive = tmp_path / "plain.dump"
    options = ["--format=custom", f"--file={archive}", stocked.url]
    subprocess.run([str(postgres.address.binaries / "pg_dump"), *options], check=True)
    with postgres.new_database(migrated=False) as target:
        may_connect(target, "clincore_user")
        line = f"clincore restore plain.dump --into '{target.owner_url}'"
        printed = run(line, tmp_path, PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        assert printed.splitlines()[-1] == "in order, and compared with no manifest"
        with psycopg.connect(target.service_url) as service:
            assert service.execute("SELECT count(*) FROM public.patients").fetchall() == [(0,)]


def test_the_rehearsal_goes_as_written(stocked_18: Stocked, tmp_path: Path) -> None:
    backup, _, _, rehearsal = blocks("sh")
    assert "clincore backup clinics.dump" in backup
    assert rehearsal == "clincore restore clinics.dump --into embedded:rehearsal\n"
    with passable_directory() as folder:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        line = next(line for line in backup.splitlines() if line.startswith("clincore backup"))
        run(line, folder, PATH=path, BACKUP_DATABASE_URL=stocked_18.url)
        printed = run(rehearsal, folder, PATH=path)
        assert printed.splitlines()[-1] == "in order: the restored database is what was backed up"
        run("clincore backup again.dump --from embedded:rehearsal", folder, PATH=path)
        again = run("clincore restore again.dump --into embedded:second", folder, PATH=path)
        assert again.splitlines()[-1] == "in order: the restored database is what was backed up"
