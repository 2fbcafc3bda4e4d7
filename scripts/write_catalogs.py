"""Write the reviewed schema of each revision, clincore/data/catalog/REVISION.txt, as PostgreSQL says it is.

    python scripts/write_catalogs.py

Run it after a change of migrations_sql/ and review what has changed: these files are what ``clincore migrate verify``
compares a live database with.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from clincore.adapters.embedded_postgres.address import OWNER, SERVICE
from clincore.adapters.embedded_postgres.server import EmbeddedPostgres
from clincore.adapters.postgres.catalog.expected import FOLDER, catalog_text
from clincore.adapters.postgres.catalog.reading import Catalog, read_catalog
from clincore.adapters.postgres.migrations.runner import PostgresMigrations

if TYPE_CHECKING:
    from clincore.domain.migration import Step


def write() -> None:
    """Write the files, from a server that lives for that long."""
    FOLDER.mkdir(exist_ok=True)
    ground = Path(tempfile.mkdtemp(prefix="clincore-catalogs-", dir="/tmp"))
    ground.chmod(0o711)
    try:
        for revision, text in asyncio.run(texts(ground / "db")).items():
            (FOLDER / f"{revision}.txt").write_text(text, encoding="utf-8")
            print(f"{revision}: {len(text.splitlines())} lines")
    finally:
        shutil.rmtree(ground)


async def texts(directory: Path) -> dict[str, str]:
    """Bring a database of each deployment up the chain, and return the schema that each revision made."""
    async with EmbeddedPostgres(directory, durable=False) as address:
        async with await psycopg.AsyncConnection.connect(address.superuser_url, autocommit=True) as superuser:
            await superuser.execute("CREATE DATABASE of_one_role OWNER clincore_owner")
        two, one = address.owner_url, address.owner_url.replace("/clincore?", "/of_one_role?")
        return {
            revision.id: catalog_text(await at(one, OWNER, revision.id), await at(two, SERVICE, revision.id))
            for revision in PostgresMigrations(two, SERVICE).chain
        }


async def at(url: str, service_role: str, revision: str) -> Catalog:
    """Bring a database to a revision and return its schema."""
    await PostgresMigrations(url, service_role).upgrade(revision, ignore)
    async with await psycopg.AsyncConnection.connect(url) as connection:
        return await read_catalog(connection, service_role)


def ignore(_step: Step) -> None:
    """Say nothing of a step."""


if __name__ == "__main__":
    write()
