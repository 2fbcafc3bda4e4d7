"""What is known of a backup, and what a restored database is compared with."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, TypeAlias

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.migration import Verification
    from clincore.domain.replay import Verdict

Counts: TypeAlias = "Mapping[UUID, Mapping[str, int]]"
"""How many rows each tenant has in each of its tables; a table is named with its schema, and none stands with 0."""

DIRECTORY: Final = "clincore.tenant_directory"
"""The table that lists the tenants, by their ids alone."""


@frozen(kw_only=True)
class Manifest:
    """What is kept beside an archive: how to know it again, and what is in it. It holds ids, and no patient's data.

    ``program_version`` is that of the pg_dump that wrote it; ``size`` is in bytes, ``sha256`` in hex.
    """

    made_at: datetime
    server_version: str
    program_version: str
    revision: str
    size: int
    sha256: str
    counts: Counts = field(repr=False)


@frozen(kw_only=True)
class CountDifference:
    """A table in which a restored tenant has another number of rows than the backup."""

    tenant_id: UUID
    table: str
    in_backup: int
    restored: int


@frozen(kw_only=True)
class FailedSignature:
    """A finalized case that is not what was signed."""

    tenant_id: UUID
    case_id: UUID
    verdict: Verdict


@frozen(kw_only=True)
class Signatures:
    """How many finalized cases are what was signed, and which are not."""

    verified: int
    failed: tuple[FailedSignature, ...] = ()


@frozen(kw_only=True)
class RestoreReport:
    """What a restored database was found to be.

    ``manifest`` is None where there was none to compare with; ``signatures`` None where the revision is one whose cases
    this version of ClinCore cannot read.
    """

    manifest: Manifest | None
    verification: Verification
    counts: Counts = field(repr=False)
    signatures: Signatures | None

    @property
    def count_differences(self) -> tuple[CountDifference, ...]:
        return count_differences(self.manifest.counts, self.counts) if self.manifest else ()

    @property
    def unlisted(self) -> tuple[UUID, ...]:
        """The tenants that have rows and do not stand in the directory."""
        return tuple(tenant_id for tenant_id, tables in sorted(self.counts.items()) if DIRECTORY not in tables)

    @property
    def is_in_order(self) -> bool:
        schema = self.verification
        return (
            not (schema.differences or schema.changed_files or self.count_differences or self.unlisted)
            and self.signatures is not None
            and not self.signatures.failed
        )


def count_differences(in_backup: Counts, restored: Counts) -> tuple[CountDifference, ...]:
    """Return every tenant and table whose numbers differ, by tenant and table."""
    expected, found = _flat(in_backup), _flat(restored)
    return tuple(
        CountDifference(tenant_id=tenant_id, table=table, in_backup=expected[key], restored=found[key])
        for key in sorted(expected.keys() | found.keys())
        if expected[key] != found[key]
        for tenant_id, table in (key,)
    )


def _flat(counts: Counts) -> Counter[tuple[UUID, str]]:
    return Counter({(tenant_id, table): rows for tenant_id, tables in counts.items() for table, rows in tables.items()})
