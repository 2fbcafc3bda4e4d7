"""``clincore doctor``: the deployment's checklist."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from clincore.database_url import DatabaseKind
from clincore.domain.errors import SettingsError
from clincore.domain.finding import Finding, failed, passed, warned
from clincore.entrypoints.cli.bars import Bars
from clincore.entrypoints.cli.findings import report
from clincore.entrypoints.cli.operating import json_option
from clincore.entrypoints.cli.running import run
from clincore.services.doctor import examine_database, examine_repertory
from clincore.settings import STARTER, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

_URLS: Final = ("DATABASE_URL", "MIGRATION_DATABASE_URL")


@click.command()
@json_option
def command(*, as_json: bool) -> None:
    """Go through a deployment's checklist, and say of each line whether it passes, and the cure where it does not.

    It reads the settings as the service does, and looks at the server, the roles, the revision, the tables and their
    policies, the reviewed schema, the clock and the repertory. Nothing is written.

    Exit code 0 where all passes, 1 where something warns, 2 where something fails.
    """
    report(run(_examine(os.environ)), as_json=as_json)


async def _examine(environment: Mapping[str, str]) -> list[Finding]:
    findings = _examine_settings(environment)
    database = _readable(environment, *_URLS, REPERTORY_DB_PATH=STARTER)
    if database is not None:
        findings += await _examine_database(database)
    repertory = _readable(environment, "REPERTORY_DB_PATH", "REPERTORY_CACHE_DIR", DATABASE_URL="memory:")
    if repertory is not None:
        findings.append(await _examine_repertory(repertory))
    return findings


def _examine_settings(environment: Mapping[str, str]) -> list[Finding]:
    from clincore.wiring import read_mcare_config

    try:
        settings = Settings.read(environment)
        if settings.mcare_config is not None:
            read_mcare_config(settings.mcare_config)
    except SettingsError as error:
        return [failed("settings", problem, "the README's section Settings") for problem in error.problems]
    return [passed("settings", "those that are needed are set, and none is wrong")]


def _readable(environment: Mapping[str, str], *names: str, **instead: str) -> Settings | None:
    """The settings of these names alone; None where they are wrong, which was told already."""
    try:
        return Settings.read({name: environment.get(name, "") for name in names} | instead)
    except SettingsError:
        return None


async def _examine_database(settings: Settings) -> list[Finding]:
    from clincore.wiring import open_examination

    if settings.database.kind is DatabaseKind.MEMORY:
        told = "DATABASE_URL is memory:, so that nothing outlives the process"
        return [warned("database", told, "name a PostgreSQL database, or embedded:DIRECTORY")]
    return await examine_database(partial(open_examination, settings.database, settings.migration_database))


async def _examine_repertory(settings: Settings) -> Finding:
    from clincore.wiring import open_repertory

    with Bars() as bars:
        found = await examine_repertory(
            partial(open_repertory, settings.repertory, settings.cache_directory, progress=bars)
        )
    if settings.repertory is None:
        return warned("repertory", f"{found.message}: small, for trying things", "set REPERTORY_DB_PATH to your own")
    return found
