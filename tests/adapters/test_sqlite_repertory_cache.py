from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_repertory_files import SMALL, Book, Node, write

from clincore.adapters.sqlite_repertory import SqliteRepertory
from clincore.adapters.sqlite_repertory.files import Stamp
from clincore.domain.errors import RepertoryError
from clincore.domain.progress import silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clincore.domain.progress import Progress
    from clincore.domain.repertory import Rubric

ROOT = Path(__file__).resolve().parents[2]
IDS = [node.id for node in SMALL.nodes]


def read(path: Path, cache: Path | None, progress: Progress = silent) -> tuple[str, dict[int, Rubric], int]:
    """Return the fingerprint, the rubrics, and how many rubrics a search finds."""

    async def main() -> tuple[str, dict[int, Rubric], int]:
        async with await SqliteRepertory.open(path, cache_directory=cache, progress=progress) as repertory:
            found = await repertory.search("night", limit=10)
            return repertory.edition.fingerprint, dict(await repertory.rubrics(IDS)), len(found.hits)

    return asyncio.run(main())


def steps(path: Path, cache: Path) -> list[str]:
    """Return what opening had to do."""
    told: list[str] = []
    read(path, cache, lambda step, _done, _total: told.append(step))
    return list(dict.fromkeys(told))


COLD = ["reading the file", "reading rubrics", "reading grades", "indexing"]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Drop root's power over file modes for a while; without root there is nothing to drop."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that other users can reach."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory
        for path in [directory, *directory.rglob("*")]:
            path.chmod(0o755)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands an hour ahead of the files' times, so that these can be relied on."""
    now = time.time_ns() + 3_600_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: now)


@pytest.mark.usefixtures("later")
def test_what_was_built_once_is_opened_without_reading_it(tmp_path: Path) -> None:
    """Neither the source nor the derived file is hashed again while their stamps are the same."""
    path = write(SMALL, tmp_path / "small.sqlite")
    assert steps(path, tmp_path / "cache") == COLD
    assert steps(path, tmp_path / "cache") == []
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert steps(path, tmp_path / "cache") == ["reading the file"]
    assert steps(path, tmp_path / "cache") == []


def test_a_source_that_was_just_written_is_hashed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within one tick of the file system's clock a change would not show in the stamp."""
    path = write(SMALL, tmp_path / "small.sqlite")
    written = path.stat().st_ctime_ns
    monkeypatch.setattr(time, "time_ns", lambda: written + 1_000_000)
    assert steps(path, tmp_path / "cache") == COLD
    assert steps(path, tmp_path / "cache") == ["reading the file"]


@pytest.mark.parametrize(
    ("changed", "age", "settled"),
    [
        (1_700_000_000_123_456_789, 40_000_000, False),
        (1_700_000_000_123_456_789, 60_000_000, True),
        (1_700_000_000_000_000_000, 1_900_000_000, False),
        (1_700_000_000_000_000_000, 2_100_000_000, True),
        (1_700_000_000_123_456_789, -1, False),
    ],
)
def test_a_stamp_is_relied_on_after_a_tick_of_its_clock(
    monkeypatch: pytest.MonkeyPatch, changed: int, age: int, settled: bool
) -> None:
    """A clock of whole seconds ticks slowly; a time in the future says nothing."""
    monkeypatch.setattr(time, "time_ns", lambda: changed + age)
    assert Stamp(1, changed, changed - 5, 1).is_settled() == settled
    assert Stamp(1, changed - 5, changed, 1).is_settled() == settled


def test_a_copy_under_another_name_is_only_hashed(tmp_path: Path) -> None:
    """The cache goes by content."""
    path = write(SMALL, tmp_path / "small.sqlite")
    expected = read(path, tmp_path / "cache")
    copy = tmp_path / "copy.sqlite"
    shutil.copyfile(path, copy)
    assert steps(copy, tmp_path / "cache") == ["reading the file"]
    assert read(copy, tmp_path / "cache") == expected


@pytest.mark.usefixtures("later")
def test_a_changed_source_is_built_anew(tmp_path: Path) -> None:
    """Whether it was replaced or written in place."""
    path = write(SMALL, tmp_path / "small.sqlite")
    before, _, _ = read(path, tmp_path / "cache")
    other = Book(nodes=[*SMALL.nodes, Node(id=99, parent=90, text="HEAT")], rows=SMALL.rows)
    write(other, tmp_path / "other.sqlite").replace(path)
    replaced, _, _ = read(path, tmp_path / "cache")
    assert replaced != before
    shutil.copyfile(write(SMALL, tmp_path / "again.sqlite"), path)
    assert read(path, tmp_path / "cache")[0] == before


def derived(cache: Path) -> list[Path]:
    return sorted(cache.glob("*.sqlite"))


@pytest.mark.usefixtures("later")
def test_what_was_derived_from_a_replaced_repertory_is_removed(tmp_path: Path) -> None:
    """Unless another file has the old content; readers that have it open go on."""
    path, cache = write(SMALL, tmp_path / "small.sqlite"), tmp_path / "cache"
    other = write(Book(nodes=[*SMALL.nodes, Node(id=99, parent=90, text="HEAT")], rows=SMALL.rows), tmp_path / "other")

    async def main() -> int:
        async with await SqliteRepertory.open(path, cache_directory=cache) as before:
            (old,) = derived(cache)
            shutil.copyfile(other, path)
            async with await SqliteRepertory.open(path, cache_directory=cache):
                assert old not in derived(cache)
                assert len(derived(cache)) == 1
                return len((await before.search("night", limit=10)).hits)

    assert asyncio.run(main()) == 3
    copy = tmp_path / "copy.sqlite"
    shutil.copyfile(other, copy)
    read(copy, cache)
    write(SMALL, tmp_path / "again.sqlite").replace(path)
    read(path, cache)
    assert len(derived(cache)) == 2
    assert steps(copy, cache) == []


def test_what_an_older_version_derived_is_removed(tmp_path: Path) -> None:
    """And what a newer one has derived is kept."""
    path, cache = write(SMALL, tmp_path / "small.sqlite"), tmp_path / "cache"
    read(path, cache)
    (ours,) = derived(cache)
    content = ours.name.partition("-")[0]
    older, newer = cache / f"{content}-1.sqlite", cache / f"{content}-999.sqlite"
    for file in (older, cache / f"{older.name}.json", newer):
        file.write_text("derived")
    read(path, cache)
    assert derived(cache) == [ours, newer]
    assert not (cache / f"{older.name}.json").exists()


def test_the_steps_are_told_with_their_totals(tmp_path: Path) -> None:
    """Each step ends with all of it done."""
    path = write(SMALL, tmp_path / "small.sqlite")
    told: list[tuple[str, int, int]] = []
    read(path, tmp_path / "cache", lambda *step: told.append(step))
    last = {step: (done, total) for step, done, total in told}
    size = path.stat().st_size
    rubrics = len(SMALL.nodes)
    assert last == {
        "reading the file": (size, size),
        "reading rubrics": (rubrics, rubrics),
        "reading grades": (rubrics, rubrics),
        "indexing": (rubrics, rubrics),
    }


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_built_anew(data: st.DataObject) -> None:
    """Whatever byte was changed and wherever it was cut off."""
    with tempfile.TemporaryDirectory() as name:
        path, cache = write(SMALL, Path(name) / "small.sqlite"), Path(name) / "cache"
        expected = read(path, cache)
        (derived,) = cache.glob("*.sqlite")
        content = bytearray(derived.read_bytes())
        position = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans(), label="cut off"):
            del content[position:]
        else:
            content[position] ^= data.draw(st.integers(1, 255))
        derived.write_bytes(content)
        os.utime(derived, ns=(1, 1))
        assert read(path, cache) == expected


@pytest.mark.parametrize("foreign", [b"", b"hello", b"{}", b'{"stamp": [1, 2], "sha256": 3}', b"[]", b"\xff\xfe", b"1"])
def test_foreign_files_in_the_cache_are_replaced(tmp_path: Path, foreign: bytes) -> None:
    """Neither what lies at the place of a derived file nor of a note is trusted."""
    path = write(SMALL, tmp_path / "small.sqlite")
    expected = read(path, tmp_path / "cache")
    for file in (tmp_path / "cache").iterdir():
        file.write_bytes(foreign)
    assert read(path, tmp_path / "cache") == expected


def test_a_moved_cache_is_still_used(tmp_path: Path) -> None:
    """It is told by its content, so that it can be built into an image."""
    path = write(SMALL, tmp_path / "small.sqlite")
    read(path, tmp_path / "cache")
    shutil.copytree(tmp_path / "cache", tmp_path / "elsewhere")
    assert steps(path, tmp_path / "elsewhere") in ([], ["reading the file"])


def test_nothing_but_the_cache_s_own_files_is_left(tmp_path: Path) -> None:
    """No temporary file, no journal, nothing beside the source; nobody else can read the cache."""
    (tmp_path / "source").mkdir()
    path = write(SMALL, tmp_path / "source" / "small.sqlite")
    content = path.read_bytes()
    read(path, tmp_path / "cache")
    assert list((tmp_path / "source").iterdir()) == [path]
    assert path.read_bytes() == content
    assert {file.suffix for file in (tmp_path / "cache").iterdir()} <= {".sqlite", ".json"}
    if os.name == "posix":
        assert (tmp_path / "cache").stat().st_mode & 0o077 == 0


def test_a_read_only_file_in_a_read_only_directory(open_directory: Path) -> None:
    """A repertory is only read."""
    (open_directory / "books").mkdir()
    (open_directory / "cache").mkdir()
    (open_directory / "cache").chmod(0o777)
    path = write(SMALL, open_directory / "books" / "small.sqlite")
    path.chmod(0o444)
    path.parent.chmod(0o555)
    with as_nobody():
        assert len(read(path, open_directory / "cache")[1]) == len(SMALL.nodes)


def test_a_ready_cache_may_be_read_only(open_directory: Path) -> None:
    """What is there is used; a note that cannot be written only costs time."""
    path = write(SMALL, open_directory / "small.sqlite")
    cache = open_directory / "cache"
    expected = read(path, cache)
    os.utime(next(cache.glob("*.sqlite")), (1_700_000_000, 1_700_000_000))
    for file in cache.iterdir():
        file.chmod(0o444)
    cache.chmod(0o555)
    with as_nobody():
        assert read(path, cache) == expected


def test_a_cache_directory_that_cannot_be_written_is_named(open_directory: Path) -> None:
    """One that was asked for is not silently exchanged for another."""
    path = write(SMALL, open_directory / "small.sqlite")
    open_directory.chmod(0o555)
    with as_nobody(), pytest.raises(RepertoryError, match=r"The cache directory .*cache cannot be written"):
        read(path, open_directory / "cache")


def test_a_file_where_the_cache_directory_should_be(tmp_path: Path) -> None:
    """The message names it."""
    path = write(SMALL, tmp_path / "small.sqlite")
    (tmp_path / "cache").write_text("mine")
    with pytest.raises(RepertoryError, match=r"The cache directory .*cache cannot be written"):
        read(path, tmp_path / "cache")
    assert (tmp_path / "cache").read_text() == "mine"


def test_a_source_that_must_not_be_read_is_named(open_directory: Path) -> None:
    """Permission is not existence."""
    path = write(SMALL, open_directory / "small.sqlite")
    path.chmod(0)
    with as_nobody(), pytest.raises(RepertoryError, match=r"small\.sqlite: cannot be opened \(Permission denied\)"):
        read(path, open_directory / "cache")


def test_the_user_s_cache_directory_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_CACHE_HOME, where it is an absolute path, else .cache in the home directory."""
    path = write(SMALL, tmp_path / "small.sqlite")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    read(path, None)
    assert list((tmp_path / "xdg" / "clincore").glob("*.sqlite"))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    read(path, None)
    assert list((tmp_path / "home" / ".cache" / "clincore").glob("*.sqlite"))


def test_without_one_a_temporary_directory_is_used_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else can read it, and closing removes it; a broken source does too."""
    (tmp_path / "file").write_text("no directory")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    path = write(SMALL, tmp_path / "small.sqlite")

    async def main() -> None:
        async with await SqliteRepertory.open(path) as repertory:
            (directory,) = (tmp_path / "tmp").iterdir()
            assert os.name != "posix" or directory.stat().st_mode & 0o077 == 0
            assert len(await repertory.rubrics(IDS)) == len(IDS)

    asyncio.run(main())
    assert list((tmp_path / "tmp").iterdir()) == []
    broken = write(Book(nodes=SMALL.nodes, rows=[(7, "ars", 9)]), tmp_path / "broken.sqlite")
    with pytest.raises(RepertoryError, match="the grade 9"):
        read(broken, None)
    assert list((tmp_path / "tmp").iterdir()) == []


PROGRAM = """
import asyncio, sys
from pathlib import Path
from clincore.adapters.sqlite_repertory import SqliteRepertory

async def main():
    async with await SqliteRepertory.open(Path(sys.argv[1]), cache_directory=Path(sys.argv[2])) as repertory:
        print(repertory.edition.fingerprint, len((await repertory.search("rubric", limit=50)).hits))

asyncio.run(main())
"""


def test_several_processes_may_build_at_once(tmp_path: Path) -> None:
    """Each gets the whole repertory, and one sound file is left."""
    nodes = [Node(id=number, parent=None, text=f"rubric {number}") for number in range(1, 5001)]
    path = write(Book(nodes=nodes, rows=[(id, "ars", 1) for id in range(1, 5001)]), tmp_path / "book.sqlite")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, str(path), str(tmp_path / "cache")]
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    answers = [process.communicate() for process in running]
    assert [errors for _, errors in answers] == [""] * 4
    assert len({output for output, _ in answers}) == 1
    assert len(list((tmp_path / "cache").glob("*.sqlite"))) == 1
    assert "indexing" not in steps(path, tmp_path / "cache")


def test_a_source_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """Half of one edition and half of another is no repertory."""
    path = write(SMALL, tmp_path / "small.sqlite")

    def meddle(step: str, _done: int, _total: int) -> None:
        if step == "indexing":
            os.utime(path, ns=(1, 1))

    with pytest.raises(RepertoryError, match="was changed while it was read"):
        read(path, tmp_path / "cache", meddle)
