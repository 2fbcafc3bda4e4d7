"""The port to a backup of one database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from clincore.domain.backup import Manifest


class Backup(Protocol):
    """One database, and the archive that is made of it."""

    async def make(self, told: Callable[[str], None]) -> Manifest:
        """Write the archive and its manifest, both of one moment, and return what the manifest says.

        ``told`` gets a short line for each step. Raises BackupRefused and DatabaseUnavailable: nothing is left then.
        """
        ...
