"""The port to a tenant's idempotency keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from clincore.domain.idempotency import FirstAnswer
    from clincore.ports.pending import Pending


class IdempotencyStore(Protocol):
    """The keys that the unit of work's tenant has sent to the unit of work's endpoint."""

    def hold(self, key: str) -> Pending[bool]:
        """Take a key until the unit of work ends; False where another one, still running, has it."""
        ...

    def find(self, key: str) -> Pending[FirstAnswer | None]:
        """Ask what a key made within the last 24 hours; None where it made nothing."""
        ...

    def keep(self, key: str, answer: FirstAnswer) -> None:
        """Keep what a key made, and forget the tenant's keys that are older than 24 hours."""
        ...
