"""Opens the repertory that a command is to work with."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from clincore.domain.progress import silent
from clincore.entrypoints.cli.bars import Bars
from clincore.settings import STARTER, Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from clincore.services.core import ClinCore

_PATH: Final = "REPERTORY_DB_PATH"

repertory_option = click.option(
    "--repertory",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The SQLite repertory; else that of REPERTORY_DB_PATH, else the starter one.",
)


@asynccontextmanager
async def opened_repertory(given: Path | None) -> AsyncIterator[ClinCore]:
    """Open ClinCore on a repertory without a database; the environment's tags, parameters and cache are honoured."""
    from clincore.wiring import open_from_settings

    environment = {name: value for name, value in os.environ.items() if name != "MIGRATION_DATABASE_URL"}
    environment["DATABASE_URL"] = "memory:"
    if given is not None:
        environment[_PATH] = str(given)
    elif not environment.get(_PATH, "").strip():
        environment[_PATH] = STARTER
    settings = Settings.read(environment)
    if settings.repertory is None:
        click.echo("repertory: the starter one (--repertory FILE or REPERTORY_DB_PATH choose another)", err=True)
    async with AsyncExitStack() as stack:
        with Bars() as bars:
            progress = bars if settings.repertory is not None else silent
            core = await stack.enter_async_context(open_from_settings(settings, progress))
        yield core
