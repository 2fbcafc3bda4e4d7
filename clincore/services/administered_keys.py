"""What the holder of an admin key does with the tenant's API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from clincore.domain.call import require_uuid
from clincore.domain.errors import KeyNotFound, LastAdminKey, Unauthenticated
from clincore.domain.identity import Role
from clincore.domain.limits import PAGE_SIZE
from clincore.domain.page import Page, PageRequest
from clincore.domain.usage import Endpoint
from clincore.services.keys import ListedKey, NewKey, new_api_key, new_key_record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.identity import ApiKeyRecord
    from clincore.services.session import Session


@frozen(kw_only=True)
class MadeKey:
    """A key just made, shown only now, and what is kept of it."""

    key: NewKey
    record: ApiKeyRecord


@frozen
class AdministeredKeys:
    """The API keys of the session's tenant, in its administrator's hands.

    Every method raises Unauthenticated, Forbidden and DatabaseUnavailable.
    """

    _session: Session

    async def create(self, *, label: str, role: Role = Role.USER, expires_at: datetime | None = None) -> MadeKey:
        """Make a key that ends at ``expires_at`` (None: never); raises InvalidInput."""
        session = self._session
        at = session.now()
        tenant_id = session.key.tenant_id
        key = new_api_key(session.resources, tenant_id)
        record = new_key_record(session.resources, tenant_id, key, label=label, role=role, expires_at=expires_at, at=at)
        async with session.begin(Endpoint.CREATE_KEY, at=at, admin_only=True) as work:
            work.keys.add(record)
            work.usage.count()
            await work.commit()
        return MadeKey(key=NewKey(api_key=key.text, key_id=record.id, tenant_id=tenant_id), record=record)

    async def list(self, *, limit: int = PAGE_SIZE, cursor: str | None = None) -> Page[ListedKey]:
        """Return a page of the keys that the tenant ever had, newest first, then by id downwards.

        Raises InvalidInput for the limit, and InvalidCursor.
        """
        page = PageRequest.parse(limit, cursor)
        at = self._session.now()
        async with self._session.begin(Endpoint.LIST_KEYS, at=at, admin_only=True) as work:
            asked = work.keys.list(page)
            work.usage.count()
            await work.commit()
        found = asked.result()
        return Page(items=tuple(ListedKey(record, record.state(at)) for record in found.items), next=found.next)

    async def revoke(self, key_id: UUID) -> None:
        """End a key at once and for good, the session's own one too.

        Raises KeyNotFound where there is none, or it is revoked already, and LastAdminKey. Of several admins who
        revoke each other at once one is left.
        """
        require_uuid(key_id, "key_id")
        at = self._session.now()
        async with self._session.begin(Endpoint.REVOKE_KEY, at=at, admin_only=True) as work:
            work.usage.count()
            await work.flush()
            held = work.keys.hold_admins()
            revoked = work.keys.revoke(key_id, at=at)
            await work.flush()
            valid = [key for key in held.result() if key.is_valid(at)]
            if all(key.id != work.principal.key_id for key in valid):  # revoked while this call waited
                raise Unauthenticated
            if not revoked.result():
                raise KeyNotFound(key_id)
            if _is_last(key_id, valid):
                raise LastAdminKey
            await work.commit()


def _is_last(key_id: UUID, valid: Sequence[ApiKeyRecord]) -> bool:
    """Whether no valid admin key is left without this one; one that was rotated only lives out its grace."""
    return any(key.id == key_id for key in valid) and all(
        key.id == key_id or key.rotated_at is not None for key in valid
    )
