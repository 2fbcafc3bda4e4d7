"""The port to a deployment's database, as its operator examines it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clincore.domain.finding import Finding


class Examination(Protocol):
    """The checklist of one database."""

    async def examine(self) -> Sequence[Finding]:
        """Return a finding for each line of the checklist; what cannot be reached has failed. Nothing is written."""
        ...
