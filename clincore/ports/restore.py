"""The port to a restore into one database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from clincore.domain.backup import Counts, Manifest


class Restore(Protocol):
    """One archive, and the empty database that it goes into.

    Every method raises RestoreRefused and DatabaseUnavailable.
    """

    async def check(self) -> Manifest | None:
        """Return the archive's manifest, None where there is none; nothing is touched.

        Refuses an archive that is not the one of the manifest or cannot be read, a database that is not empty, and
        roles that are missing.
        """
        ...

    async def load(self, told: Callable[[str], None]) -> None:
        """Load what was checked, all of it or nothing; ``told`` gets a short line for each step."""
        ...

    async def counts(self) -> Counts:
        """Count every tenant's rows, those of tenants that no list names among them."""
        ...
