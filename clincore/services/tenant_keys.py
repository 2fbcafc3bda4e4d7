"""What an operator does with a tenant's API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from clincore.domain.call import require_uuid
from clincore.domain.errors import KeyNotFound, TenantNotFound
from clincore.domain.identity import Role
from clincore.domain.limits import MAX_PAGE_SIZE
from clincore.domain.page import PageRequest
from clincore.services.keys import ListedKey, NewKey, new_api_key, new_key_record

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.identity import ApiKeyRecord
    from clincore.ports.database import UnitOfWork
    from clincore.services.resources import OperatorResources


@frozen
class TenantKeys:
    """The API keys of any one tenant.

    Every method raises InvalidInput for an id that is not a UUID, TenantNotFound and DatabaseUnavailable.
    """

    _resources: OperatorResources

    async def create(
        self, tenant_id: UUID, *, label: str, role: Role = Role.USER, expires_at: datetime | None = None
    ) -> NewKey:
        """Make a key, shown only now, that ends at ``expires_at`` (None: never); raises InvalidInput."""
        require_uuid(tenant_id, "tenant_id")
        key = new_api_key(self._resources, tenant_id)
        at = self._resources.clock.now()
        record = new_key_record(self._resources, tenant_id, key, label=label, role=role, expires_at=expires_at, at=at)
        async with self._resources.database.provisioning(tenant_id) as work:
            await _require_tenant(work, tenant_id)
            work.keys.add(record)
            await work.commit()
        return NewKey(api_key=key.text, key_id=record.id, tenant_id=tenant_id)

    async def list(self, tenant_id: UUID) -> tuple[ListedKey, ...]:
        """Return every key that the tenant ever had, newest first, then by id downwards."""
        require_uuid(tenant_id, "tenant_id")
        at = self._resources.clock.now()
        async with self._resources.database.provisioning(tenant_id) as work:
            await _require_tenant(work, tenant_id)
            records = await _all_keys(work)
        return tuple(ListedKey(record, record.state(at)) for record in records)

    async def revoke(self, tenant_id: UUID, key_id: UUID) -> int:
        """End a key at once and for good, be it the last one; return how many valid admin keys are left.

        Raises KeyNotFound where there is none, or it is revoked already. Of several at once one wins.
        """
        require_uuid(tenant_id, "tenant_id")
        require_uuid(key_id, "key_id")
        at = self._resources.clock.now()
        async with self._resources.database.provisioning(tenant_id) as work:
            await _require_tenant(work, tenant_id)
            revoked = work.keys.revoke(key_id, at=at)
            records = await _all_keys(work)
            if not revoked.result():
                raise KeyNotFound(key_id)
            await work.commit()
        return sum(record.role is Role.ADMIN and record.is_valid(at) for record in records)


async def _require_tenant(work: UnitOfWork, tenant_id: UUID) -> None:
    found = work.tenants.get()
    await work.flush()
    if found.result() is None:
        raise TenantNotFound(tenant_id)


async def _all_keys(work: UnitOfWork) -> tuple[ApiKeyRecord, ...]:
    records: tuple[ApiKeyRecord, ...] = ()
    request = PageRequest(limit=MAX_PAGE_SIZE)
    while True:
        asked = work.keys.list(request)
        await work.flush()
        page = asked.result()
        records += page.items
        if page.next is None:
            return records
        request = PageRequest.parse(MAX_PAGE_SIZE, page.next)
