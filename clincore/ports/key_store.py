"""The port to a tenant's API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.identity import ApiKeyRecord
    from clincore.domain.page import Page, PageRequest
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

    def revoke(self, key_id: UUID, *, at: datetime) -> Pending[bool]:
        """Let a key end for good; False, and nothing written, where there is none or it was revoked before.

        Of several at once one gets True.
        """
        ...

    def hold_admins(self) -> Pending[tuple[ApiKeyRecord, ...]]:
        """Ask for the admin keys that were not revoked, those that have ended among them, by id.

        Others who ask, or change one of them, wait until this unit of work ends.
        """
        ...

    def list(self, page: PageRequest) -> Pending[Page[ApiKeyRecord]]:
        """Ask for the keys, those that have ended among them; newest first, then by id downwards."""
        ...
