"""``clincore rls``: the walls between tenants."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from clincore.domain.errors import ClinCoreError, SettingsError
from clincore.domain.finding import failed
from clincore.entrypoints.cli.findings import report
from clincore.entrypoints.cli.operating import json_option
from clincore.entrypoints.cli.running import run
from clincore.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clincore.domain.finding import Finding


@click.group()
def command() -> None:
    """Row-level security: what keeps the tenants of a database apart."""


@command.command()
@json_option
def prove(*, as_json: bool) -> None:
    """Attack every table with a tenant, and look for holes in the catalog.

    It connects as the service does, with DATABASE_URL. Every attack runs in a transaction that is rolled back, on two
    tenants made in it: nothing stays, and no clinic's row is touched, so that it may be run while the service runs.

    Exit code 0 where the walls hold, 1 where something only warns, 2 where there is a hole.
    """
    report(run(_findings()), as_json=as_json)


async def _findings() -> Sequence[Finding]:
    """What could not be proved is no proof: whatever kept the attacks from being made is a finding that fails."""
    try:
        return await _prove()
    except SettingsError:
        raise
    except ClinCoreError as error:
        return [failed("database", str(error), "clincore doctor looks at how it is reached")]


async def _prove() -> Sequence[Finding]:
    from clincore.wiring import open_walls

    async with open_walls(Settings.read_database(os.environ)) as walls:
        return await walls.prove()
