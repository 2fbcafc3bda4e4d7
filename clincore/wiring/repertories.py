"""Repertories, the files beside them, and importers."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from clincore.domain.errors import InvalidInput, Problem, RepertoryError, SettingsError
from clincore.domain.progress import silent
from clincore.domain.ranking.parameters import McareParameters
from clincore.settings import STARTER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from clincore.adapters.sqlite_repertory.importing import ImportSummary
    from clincore.domain.progress import Progress
    from clincore.domain.repertory import RubricTag
    from clincore.ports.repertory import Repertory


@asynccontextmanager
async def open_repertory(
    path: Path | None, cache_directory: Path | None = None, progress: Progress = silent
) -> AsyncIterator[Repertory]:
    """Open a repertory's file, None for the starter repertory; raises RepertoryError."""
    async with AsyncExitStack() as stack:
        yield await repertory_of(stack, path, cache_directory, progress)


async def repertory_of(
    stack: AsyncExitStack, given: str | Path | Repertory | None, cache_directory: Path | None, progress: Progress
) -> Repertory:
    from clincore.adapters.sqlite_repertory.repertory import SqliteRepertory

    if given == STARTER:
        given = None
    if given is not None and not isinstance(given, str | Path):
        return given
    path = await asyncio.to_thread(_starter, stack, cache_directory) if given is None else Path(given)
    opened = await SqliteRepertory.open(path, cache_directory=cache_directory, progress=progress)
    return await stack.enter_async_context(opened)


def _starter(stack: AsyncExitStack, cache_directory: Path | None) -> Path:
    """Return the starter repertory's file; for a user without a cache directory it lives as long as the stack."""
    from clincore.adapters.sqlite_repertory.cache import user_cache_directory
    from clincore.adapters.sqlite_repertory.starter import starter_repertory

    try:
        return starter_repertory(cache_directory or user_cache_directory())
    except RepertoryError:
        if cache_directory is not None:
            raise
        return starter_repertory(Path(stack.enter_context(TemporaryDirectory(prefix="clincore-"))))


def import_kent(
    directory: Path, target: Path, *, name: str, edition: str, overwrite: bool, progress: Progress = silent
) -> ImportSummary:
    """Write Kent's rows in a directory as a repertory file; raises RepertoryError naming the row or the file."""
    from clincore.adapters.sqlite_repertory.importing import import_kent_rows

    return import_kent_rows(directory, target, name=name, edition=edition, overwrite=overwrite, progress=progress)


def import_oorep(
    dump: Path,
    target: Path,
    *,
    abbreviation: str | None,
    name: str | None,
    edition: str | None,
    overwrite: bool,
    progress: Progress = silent,
) -> ImportSummary:
    """Write one repertory of an OOREP dump as a repertory file; raises RepertoryError naming the row or the file."""
    from clincore.adapters.sqlite_repertory.importing import import_oorep_dump

    return import_oorep_dump(
        dump,
        target,
        abbreviation=abbreviation,
        name=name,
        edition=edition,
        overwrite=overwrite,
        progress=progress,
    )


def import_csv(
    grades: Path,
    target: Path,
    *,
    rubrics: Path | None,
    remedies: Path | None,
    columns: Mapping[str, str],
    name: str,
    edition: str,
    overwrite: bool,
    progress: Progress = silent,
) -> ImportSummary:
    """Write CSV or TSV tables as a repertory file; raises RepertoryError naming the row or the file."""
    from clincore.adapters.sqlite_repertory.importing import import_tables

    return import_tables(
        grades,
        target,
        rubrics=rubrics,
        remedies=remedies,
        columns=columns,
        name=name,
        edition=edition,
        overwrite=overwrite,
        progress=progress,
    )


def read_tags(path: Path) -> Mapping[int, RubricTag]:
    """Return the tags of a CSV file; raises RepertoryError naming the line."""
    from clincore.adapters.sqlite_repertory.tags import read_tags as read

    return read(path)


def read_mcare_config(path: Path) -> McareParameters:
    """Return MCARE's defaults with a JSON file's values over them; raises SettingsError naming all that is wrong."""
    try:
        given: Any = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal, parse_constant=Decimal)
        return McareParameters.from_json(given)
    except (OSError, ValueError) as error:
        problems = [Problem("", f"cannot be read as JSON ({error})")]
    except InvalidInput as error:
        problems = list(error.problems)
    raise SettingsError([f"MCARE_CONFIG_PATH: {path}: {problem}." for problem in problems])
