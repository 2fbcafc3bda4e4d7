"""The adapter in examples/ is what a third party has: the installed wheel, its own code, and a few lines of test."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve
from clincore_jsonlines import JsonLinesDatabase
from service import environment

import clincore
from clincore.domain.errors import DatabaseUnavailable
from clincore.testing.suite.members import Member, set_up

if TYPE_CHECKING:
    from clincore.testing.suite.members import Contents

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "examples" / "jsonlines"
WHERE = "import clincore; print(clincore.__file__)"


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_example_holds_to_the_laws_on_the_installed_wheel(tmp_path: Path, wheel: Path) -> None:
    """In an environment of its own; what it depends on is taken from the one that runs the tests, without a network."""
    home, here = tmp_path / "venv", tmp_path / "example"
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-index",
        "--ignore-installed",
    ]
    run(*pip, "--no-deps", wheel, cwd=tmp_path)
    run(*pip[:-1], f"clincore[testing] @ {wheel.as_uri()}", cwd=tmp_path)
    shutil.copytree(EXAMPLE, here, ignore=shutil.ignore_patterns("__pycache__"))
    assert Path(run(python, "-c", WHERE, cwd=here).strip()) == site / "clincore" / "__init__.py"
    said = run(python, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", cwd=here)
    assert re.search(r"^\d{2,} passed, 5 skipped in", said, re.MULTILINE), said


def test_the_example_s_test_is_no_longer_than_twenty_lines() -> None:
    assert len((EXAMPLE / "test_jsonlines.py").read_text(encoding="utf-8").splitlines()) <= 20


def test_the_page_shows_the_example_as_it_is() -> None:
    """But for the lines that use it, which are run below."""
    page = (ROOT / "docs" / "adapters.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    sources = [path.read_text(encoding="utf-8") for path in EXAMPLE.rglob("*.py")]
    own = [block for block in blocks if not any(block in source for source in sources)]
    assert len(blocks) > 6
    assert [block.partition("\n")[0] for block in own] == [
        'database = await JsonLinesDatabase.open(Path("clinic"))',
    ]


def test_a_clinic_is_run_on_the_example(tmp_path: Path) -> None:
    """Closed and opened in between; what was handed to clincore.open is not closed by it."""

    async def main() -> None:
        database = await JsonLinesDatabase.open(tmp_path)
        async with clincore.open(database, cache_directory=tmp_path) as core:
            key = await core.tenants.create("Clinic on the Hill")
            clinic = core.clinic(key.api_key)
            patient = await clinic.patients.create(full_name="Ada Example")
            case = await clinic.cases.create(patient.id, {"symptom_ids": [8, 18, 29]})
            signature = (await clinic.cases.finalize(case.id)).signature
        await database.close()
        database = await JsonLinesDatabase.open(tmp_path)
        async with clincore.open(database, cache_directory=tmp_path) as core:
            replay = await core.clinic(key.api_key).cases.verify_replay(case.id)
            assert (replay.ok, replay.computed) == (True, signature)
        await database.close()

    asyncio.run(main())


def test_a_line_that_a_crash_cut_off_was_never_committed(tmp_path: Path) -> None:
    """Wherever it was cut, and what is committed afterwards is whole."""

    async def held(member: Member) -> Contents:
        database = await JsonLinesDatabase.open(tmp_path)
        try:
            return await evolve(member, database=database).held()
        finally:
            await database.close()

    async def main() -> None:
        file = tmp_path / "clincore.jsonl"
        database = await JsonLinesDatabase.open(tmp_path)
        member = await set_up(database)
        kept = await member.patient()
        size = file.stat().st_size
        await member.patient("Lost")
        await database.close()
        whole = file.read_bytes()
        for cut in (size + 1, (size + len(whole)) // 2, len(whole) - 1):
            file.write_bytes(whole[:cut])
            assert (await held(member)).patients == (kept,)
        database = await JsonLinesDatabase.open(tmp_path)
        later = await evolve(member, database=database).patient("Later")
        await database.close()
        assert set((await held(member)).patients) == {kept, later}

    asyncio.run(main())


def test_the_file_is_open_in_one_database_at_a_time(tmp_path: Path) -> None:
    async def main() -> None:
        database = await JsonLinesDatabase.open(tmp_path)
        with pytest.raises(DatabaseUnavailable, match="open elsewhere"):
            await JsonLinesDatabase.open(tmp_path)
        await database.close()
        await (await JsonLinesDatabase.open(tmp_path)).close()

    asyncio.run(main())
