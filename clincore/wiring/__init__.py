"""The one place where adapters meet ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clincore.wiring.core import open_clincore, open_from_settings
from clincore.wiring.databases import start_embedded, start_embedded_at_head
from clincore.wiring.operating import (
    migrations_without_database,
    open_backup,
    open_examination,
    open_migrations,
    open_restoration,
    open_tenants,
    open_walls,
    refusal_of,
    roles_script,
)
from clincore.wiring.repertories import import_csv, import_kent, import_oorep, open_repertory, read_mcare_config

if TYPE_CHECKING:
    from clincore.adapters.embedded_postgres.address import EmbeddedAddress
    from clincore.adapters.sqlite_repertory.importing import ImportSummary

__all__ = [
    "EmbeddedAddress",
    "ImportSummary",
    "import_csv",
    "import_kent",
    "import_oorep",
    "migrations_without_database",
    "open_backup",
    "open_clincore",
    "open_examination",
    "open_from_settings",
    "open_migrations",
    "open_repertory",
    "open_restoration",
    "open_tenants",
    "open_walls",
    "read_mcare_config",
    "refusal_of",
    "roles_script",
    "start_embedded",
    "start_embedded_at_head",
]
