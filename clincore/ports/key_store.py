"""The port to a tenant's API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.identity import ApiKeyRecord
    from clincore.ports.pending import Pending


class KeyStore(Protocol):
    """The API keys of the unit of work's tenant."""

    def get(self, key_id: UUID) -> Pending[ApiKeyRecord | None]:
        """Ask for a key's record; None where there is none."""
        ...

    def add(self, key: ApiKeyRecord) -> None:
        """Enter a new key of this tenant."""
        ...

    def retire(self, key_id: UUID, *, at: datetime, expires_at: datetime) -> Pending[bool]:
        """Mark a key as rotated and let it end; False, and nothing written, where it was rotated or revoked before.

        Of several at once one gets True.
        """
        ...
