"""One repertory in an SQLite file: opened through its port, imported, tagged; and the starter repertory."""

from __future__ import annotations

from clincore.adapters.sqlite_repertory.importing import (
    ImportSummary,
    RepertoryRows,
    import_kent_rows,
    import_oorep_dump,
    import_tables,
    write_repertory,
)
from clincore.adapters.sqlite_repertory.repertory import SqliteRepertory
from clincore.adapters.sqlite_repertory.starter import starter_repertory
from clincore.adapters.sqlite_repertory.tags import read_tags

__all__ = [
    "ImportSummary",
    "RepertoryRows",
    "SqliteRepertory",
    "import_kent_rows",
    "import_oorep_dump",
    "import_tables",
    "read_tags",
    "starter_repertory",
    "write_repertory",
]
