"""The operating system's randomness."""

from __future__ import annotations

import secrets
from uuid import UUID, uuid4


class SystemEntropy:
    """Gives random bytes and UUIDs from the operating system's generator."""

    def uuid(self) -> UUID:
        return uuid4()

    def secret(self, size: int) -> bytes:
        return secrets.token_bytes(size)
