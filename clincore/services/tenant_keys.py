"""What an operator does with a tenant's API keys."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from attrs import frozen

from clincore.domain.call import require_one_of, require_uuid
from clincore.domain.errors import InvalidInput, KeyNotFound, Problem, TenantNotFound
from clincore.domain.identity import ApiKeyRecord, KeyState, Role
from clincore.domain.limits import MAX_PAGE_SIZE
from clincore.domain.page import PageRequest
from clincore.domain.text import clean_name
from clincore.services.keys import NewKey, new_api_key

if TYPE_CHECKING:
    from uuid import UUID

    from clincore.ports.database import UnitOfWork
    from clincore.services.resources import OperatorResources


@frozen
class ListedKey:
    """What is kept of a key, and its state at the time of the list."""

    record: ApiKeyRecord
    state: KeyState


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
        require_one_of(Role, role, "role")
        at = self._resources.clock.now()
        _require_future(expires_at, at)
        key = new_api_key(self._resources, tenant_id)
        record = ApiKeyRecord(
            tenant_id=tenant_id,
            id=self._resources.entropy.uuid(),
            key_hash=key.digest,
            label=clean_name(label, "label"),
            role=role,
            created_at=at,
            expires_at=expires_at,
        )
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


def _require_future(moment: object, now: datetime) -> None:
    if moment is None:
        return
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise InvalidInput([Problem("expires_at", "must be a time with its time zone")])
    if moment <= now:
        raise InvalidInput([Problem("expires_at", "must be in the future")])
