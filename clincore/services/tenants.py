"""Setting up tenants: what an operator does, and the one bootstrap over HTTP."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from attrs import frozen

from clincore.domain.errors import AlreadyBootstrapped, BootstrapDisabled, BootstrapTokenWrong
from clincore.domain.identity import ApiKeyRecord, Role, Tenant
from clincore.domain.text import clean_name
from clincore.services.keys import NewKey, new_api_key

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from clincore.ports.database import UnitOfWork
    from clincore.services.resources import Resources

_FIRST_LABEL = "first admin key"


@frozen
class Tenants:
    """The tenants of one deployment."""

    _resources: Resources

    async def create(self, name: str) -> NewKey:
        """Set up a tenant on the free plan, with an admin key; raises InvalidInput for the name."""
        tenant = self._tenant(name, self._resources.entropy.uuid())
        async with self._resources.database.provisioning(tenant.id) as work:
            key = self._enter(work, tenant)
            await work.commit()
        return key

    async def bootstrap(self, name: str, token: str | None) -> NewKey:
        """Set up the deployment's first tenant, once, against the operator's token.

        Raises BootstrapDisabled where none is set, BootstrapTokenWrong, AlreadyBootstrapped (whatever the name), and
        InvalidInput for the name.
        """
        self.check_token(token)
        tenant_id = self._resources.entropy.uuid()
        async with self._resources.database.provisioning(tenant_id) as work:
            claimed = work.tenants.claim_bootstrap(self._resources.clock.now())
            await work.flush()
            if not claimed.result():
                raise AlreadyBootstrapped
            key = self._enter(work, self._tenant(name, tenant_id))
            await work.commit()
        return key

    def check_token(self, token: str | None) -> None:
        """Raises BootstrapDisabled where no token is set, and BootstrapTokenWrong; compares in constant time."""
        expected = self._resources.bootstrap_token
        if expected is None:
            raise BootstrapDisabled
        if token is None or not hmac.compare_digest(_bytes(token), _bytes(expected)):
            raise BootstrapTokenWrong

    def _tenant(self, name: str, tenant_id: UUID) -> Tenant:
        return Tenant(id=tenant_id, name=clean_name(name, "tenant_name"), created_at=self._resources.clock.now())

    def _enter(self, work: UnitOfWork, tenant: Tenant) -> NewKey:
        key = new_api_key(self._resources, tenant.id)
        record = self._first_key(tenant, key.digest, tenant.created_at)
        work.tenants.add(tenant)
        work.keys.add(record)
        return NewKey(api_key=key.text, key_id=record.id, tenant_id=tenant.id)

    def _first_key(self, tenant: Tenant, digest: str, at: datetime) -> ApiKeyRecord:
        return ApiKeyRecord(
            tenant_id=tenant.id,
            id=self._resources.entropy.uuid(),
            key_hash=digest,
            label=_FIRST_LABEL,
            role=Role.ADMIN,
            created_at=at,
        )


def _bytes(token: str) -> bytes:
    return token.encode(errors="surrogatepass")
