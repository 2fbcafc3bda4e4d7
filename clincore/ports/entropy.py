"""The port to randomness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID


class Entropy(Protocol):
    """Gives what nobody can guess, from a cryptographic source."""

    def uuid(self) -> UUID:
        """Return a random UUID (RFC 9562, version 4)."""
        ...

    def secret(self, size: int) -> bytes:
        """Return that many random bytes."""
        ...
