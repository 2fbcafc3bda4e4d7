"""Looks into an archive without restoring it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from attrs import frozen

from clincore.adapters.postgres.backup.environment import LOCAL
from clincore.adapters.postgres.backup.messages import harmless
from clincore.adapters.postgres.backup.processes import ended
from clincore.domain.errors import RestoreRefused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from clincore.adapters.postgres.backup.programs import Programs

_SERVER: Final = re.compile(r"^;\s+Dumped from database version: ((\d+)\S*)", re.MULTILINE)
_STATE: Final = re.compile(r"^\d+; \d+ \d+ TABLE DATA public alembic_version ", re.MULTILINE)
_ROLE: Final = r'(?P<role>"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)'
_OWNER: Final = re.compile(rf"^ALTER .+ OWNER TO {_ROLE};$", re.MULTILINE)
_GRANTEE: Final = re.compile(rf"^(?:GRANT|REVOKE) .+ (?:TO|FROM) {_ROLE}(?: WITH GRANT OPTION)?;$", re.MULTILINE)
COLUMN_VERSION: Final = re.compile(
    rb"^ALTER (?:FOREIGN )?TABLE (?:ONLY )?[^\t]+ ALTER COLUMN [^\t]+ SET \(pg_attver=\d+\);$", re.MULTILINE
)
"""A server's own note on a column, which pg_dump should leave out and an older release of it does not."""


@frozen(kw_only=True)
class Archive:
    """What is in an archive, as far as ``programs`` need to know to restore it."""

    programs: Programs
    server_version: str
    server_major: int
    owners: frozenset[str]
    grantees: frozenset[str]
    has_column_versions: bool

    @property
    def roles(self) -> frozenset[str]:
        """Every role that must be there before it is restored."""
        return self.owners | self.grantees


async def opened_archive(path: Path, usable: Sequence[Programs]) -> Archive:
    """Return what is in the archive, read by the first of the programs that can; raises RestoreRefused."""
    said: str | None = None
    for programs in usable:
        listed = await ended(programs.pg_restore, ["--list", str(path)], LOCAL)
        if listed.code == 0:
            return await _described(path, programs, listed.out.decode(errors="replace"))
        said = harmless(listed.errors)
        if said is None or not said.startswith("unsupported version"):
            break
    if said is not None and said.startswith("unsupported version"):
        versions = ", ".join(one.version for one in usable)
        raise RestoreRefused(
            f"{path} was written by a newer pg_dump than pg_restore {versions}: install the one that wrote it "
            "(pip install 'clincore[embedded]' brings that of 18). Nothing was restored."
        )
    raise RestoreRefused(f"{path} is not a whole archive of pg_dump's custom format. Nothing was restored.")


async def _described(path: Path, programs: Programs, listed: str) -> Archive:
    server = _SERVER.search(listed)
    if server is None or not _STATE.search(listed):
        raise RestoreRefused(f"{path} is not a backup of ClinCore: it has no alembic_version. Nothing was restored.")
    schema = await ended(programs.pg_restore, ["--schema-only", "--file=-", str(path)], LOCAL)
    if schema.code != 0:
        raise RestoreRefused(f"{path} is not a whole archive of pg_dump's custom format. Nothing was restored.")
    text = schema.out.decode(errors="replace")
    return Archive(
        programs=programs,
        server_version=server.group(1),
        server_major=int(server.group(2)),
        owners=_names(_OWNER, text),
        grantees=_names(_GRANTEE, text),
        has_column_versions=COLUMN_VERSION.search(schema.out) is not None,
    )


def _names(pattern: re.Pattern[str], text: str) -> frozenset[str]:
    found = {match["role"] for match in pattern.finditer(text)}
    return frozenset(name[1:-1].replace('""', '"') if name.startswith('"') else name for name in found)
