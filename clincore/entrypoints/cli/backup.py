"""``clincore backup``: one archive of the whole database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clincore.entrypoints.cli.operating import json_option, print_json
from clincore.entrypoints.cli.running import run
from clincore.entrypoints.cli.tables import facts
from clincore.entrypoints.cli.urls import tell, url_option, warn_of_localhost
from clincore.settings import Settings

if TYPE_CHECKING:
    from clincore.database_url import DatabaseUrl
    from clincore.domain.backup import Manifest


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@url_option(
    "--from",
    "source",
    help="The database; else that of BACKUP_DATABASE_URL, MIGRATION_DATABASE_URL or DATABASE_URL.",
)
@json_option
def command(*, file: Path, source: DatabaseUrl | None, as_json: bool) -> None:
    """Back the database up to FILE, an archive of pg_dump, with FILE.manifest.json beside it.

    The role must be one that row-level security does not filter: a superuser, or one with BYPASSRLS. The archive holds
    patients' records; it is made readable for its owner alone. 'clincore restore' restores and verifies it.
    """
    manifest = run(_make(file, source or Settings.read_backup_database(os.environ)))
    if as_json:
        print_json(_json(file, manifest))
        return
    rows = sum(sum(tables.values()) for tables in manifest.counts.values())
    click.echo(
        facts(
            [
                ("archive", file),
                ("bytes", manifest.size),
                ("SHA-256", manifest.sha256),
                ("revision", manifest.revision),
                ("PostgreSQL", f"{manifest.server_version} (pg_dump {manifest.program_version})"),
                ("tenants", len(manifest.counts)),
                ("rows", rows),
            ]
        )
    )


async def _make(file: Path, url: DatabaseUrl) -> Manifest:
    from clincore.wiring import open_backup

    warn_of_localhost(url)
    async with open_backup(url, file) as backup:
        return await backup.make(tell)


def _json(file: Path, manifest: Manifest) -> dict[str, object]:
    return {
        "file": str(file),
        "size": manifest.size,
        "sha256": manifest.sha256,
        "made_at": manifest.made_at,
        "revision": manifest.revision,
        "server_version": manifest.server_version,
        "program_version": manifest.program_version,
        "tenants": {str(tenant_id): dict(tables) for tenant_id, tables in sorted(manifest.counts.items())},
    }
