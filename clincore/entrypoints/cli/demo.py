"""``clincore demo``: the whole job, on a PostgreSQL of its own."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clincore.domain.errors import ClinCoreError
from clincore.entrypoints.cli.demo_story import tell_story
from clincore.entrypoints.cli.running import run

if TYPE_CHECKING:
    from collections.abc import Iterator


class DirectoryNotEmpty(ClinCoreError):
    """The demo begins in an empty directory."""

    def __init__(self, directory: Path) -> None:
        super().__init__(f"{directory} is not an empty directory; name one that is, or one to be made.")


@click.command()
@click.option(
    "--directory", type=click.Path(path_type=Path), metavar="DIR", help="Work there; else in a temporary one."
)
@click.option("--keep", is_flag=True, help="Leave the directory with its database behind.")
def command(directory: Path | None, keep: bool) -> None:
    """Show the whole job, step by step, in under a minute.

    A PostgreSQL of its own is started, migrated, and stopped again; a clinic is set up, a case is ranked, finalized and
    replayed; and what must not happen is tried. Settings in the environment play no part.
    """
    started = time.monotonic()
    run(_tell_in(directory, keep=keep))
    click.echo(f"\nDone, in {time.monotonic() - started:.1f} seconds. What to try next:")
    program = _program()
    click.echo(f"  {program} serve --embedded              the same over HTTP, with a database that stays")
    click.echo(f"  {program} repertory search anxiety      look into the starter repertory")


def _program() -> str:
    """How the one who reads this starts the same program again."""
    if shutil.which("clincore"):
        return "clincore"
    return sys.argv[0] if Path(sys.argv[0]).name == "clincore" else "python -m clincore.entrypoints.cli"


async def _tell_in(given: Path | None, *, keep: bool) -> None:
    with _working_directory(given, keep=keep) as directory:
        await tell_story(directory)


@contextmanager
def _working_directory(given: Path | None, *, keep: bool) -> Iterator[Path]:
    """Yield an empty directory; unless it is to be kept, what is in it goes at the end, and it as well if made here."""
    made = given is None or not given.exists()
    if given is None:
        directory = Path(tempfile.mkdtemp(prefix="clincore-demo-"))
        directory.chmod(0o711)  # as root, PostgreSQL runs as another user, who has to get through
    else:
        directory = given.absolute()
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise DirectoryNotEmpty(directory)
        directory.mkdir(mode=0o711, parents=True, exist_ok=True)
    try:
        yield directory
    finally:
        if keep:
            click.echo(f"\nKept: {directory}")
        else:
            for path in [directory] if made else list(directory.iterdir()):
                shutil.rmtree(path)
