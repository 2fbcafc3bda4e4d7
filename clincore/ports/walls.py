"""The port to the walls between tenants, as they stand on a live database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clincore.domain.finding import Finding


class Walls(Protocol):
    """What keeps the tenants of one database apart."""

    async def prove(self) -> Sequence[Finding]:
        """Attack every table with a tenant, as the service's role, and look for holes in the catalog.

        One finding a hole, and one for each attack and each rule that holds everywhere; nothing stays in the database.
        Raises DatabaseUnavailable.
        """
        ...
