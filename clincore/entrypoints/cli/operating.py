"""What the commands of an operator share: the database they work on, and how they answer."""

from __future__ import annotations

import json
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from clincore.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from clincore.services.keys import NewKey
    from clincore.services.tenants import Tenants

NONE: Final = "-"
"""In a table, where a column has nothing to say."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
tenant_argument = click.argument("tenant_id", metavar="TENANT", type=click.UUID)


@asynccontextmanager
async def opened_tenants() -> AsyncIterator[Tenants]:
    """Open the tenants of the database of MIGRATION_DATABASE_URL, else of DATABASE_URL."""
    from clincore.wiring import open_tenants

    url, _ = Settings.read_migration_database(os.environ)
    if url.was_localhost:
        click.echo("warning: localhost is taken as 127.0.0.1 in the database's URL", err=True)
    async with open_tenants(url) as tenants:
        yield tenants


def print_json(value: object) -> None:
    """Print a value on stdout; ids become text, and times RFC 3339."""
    import msgspec

    click.echo(json.dumps(msgspec.to_builtins(value), ensure_ascii=False, indent=2))


def moment(at: datetime | None) -> str:
    """Return a time to the minute, UTC, for a table."""
    return at.strftime("%Y-%m-%d %H:%MZ") if at else NONE


def new_key_facts(key: NewKey) -> dict[str, Any]:
    """Return what is told of a key just made, by its JSON names."""
    return {"tenant_id": key.tenant_id, "key_id": key.key_id, "api_key": key.api_key}


def say_shown_once() -> None:
    click.echo("Keep the API key now: it is never shown again. It goes in the header X-API-Key.", err=True)
