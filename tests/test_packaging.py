"""What `pip install` brings: the package from a wheel, outside the checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from service import environment

ROOT = Path(__file__).parent.parent

PROGRAM = """
import asyncio, importlib.resources, pathlib, sys
import clincore
from clincore.adapters.postgres.migrations.revisions import read_chain

home = pathlib.Path(clincore.__file__).parent
assert home == pathlib.Path(sys.argv[1]) / "clincore", home
assert (home / "py.typed").is_file()
assert [revision.id for revision in read_chain()][-1] == "b1c2d3e4f505"
assert len(read_chain()) == 8

async def main():
    async with clincore.open("memory:") as core:
        print(core.edition.name, core.edition.rubrics)

asyncio.run(main())
"""


def test_the_wheel_holds_what_the_package_needs_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "clincore/py.typed",
        "clincore/migrations_sql/0001_core_init.sql",
        "clincore/migrations_sql/b1c2d3e4f505_usage_tracking.sql",
        "clincore/data/starter/rubrics.tsv",
        "clincore/testing/laws/case_store.py",
        "clincore/entrypoints/http/static/reference.css",
        "clincore/entrypoints/http/static/reference.js",
    ):
        assert needed in names
    assert len([name for name in names if name.endswith(".sql")]) == 8
    assert not [name for name in names if name.startswith(("tests/", "examples/", "scripts/", ".ci/"))]


def test_an_installed_package_finds_its_migrations_and_its_repertory(wheel: Path, tmp_path: Path) -> None:
    """Installed into a folder of its own, which goes before the checkout on the path."""
    home = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(home)]
    subprocess.run([*command, str(wheel)], check=True, timeout=120, env=environment())
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(home)],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(home)),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ClinCore Starter Repertory ")
