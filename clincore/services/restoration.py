"""Restoring a backup, and verifying what came out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from clincore.domain.backup import RestoreReport
from clincore.domain.migration import HEAD
from clincore.services.signatures import verify_signatures

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from clincore.domain.backup import Signatures
    from clincore.ports.database import Database
    from clincore.ports.migrations import Migrations
    from clincore.ports.restore import Restore


@frozen(kw_only=True)
class Restoration:
    """An archive, the database that it goes into, and how that is looked at afterwards."""

    _restore: Restore
    _migrations: Migrations
    _open_database: Callable[[], AbstractAsyncContextManager[Database]] = field(repr=False)

    async def run(self, told: Callable[[str], None]) -> RestoreReport:
        """Restore the archive, verify schema, counts and signatures, and return what was found.

        ``told`` gets a short line for each step. Raises RestoreRefused, with nothing changed, and DatabaseUnavailable.
        """
        told("checking the archive and the target")
        manifest = await self._restore.check()
        if manifest is None:
            told("no manifest lies beside the archive: counts are printed and compared with nothing")
        await self._restore.load(told)
        told("verifying the schema")
        verification = await self._migrations.verify()
        told("counting rows")
        counts = await self._restore.counts()
        signatures: Signatures | None = None
        if verification.current == HEAD:
            told("verifying signatures")
            async with self._open_database() as database:
                signatures = await verify_signatures(database, sorted(counts))
        return RestoreReport(manifest=manifest, verification=verification, counts=counts, signatures=signatures)
