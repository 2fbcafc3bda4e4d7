"""The tenants of a deployment: what an operator does, and the one bootstrap over HTTP."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from attrs import frozen

from clincore.domain.call import require_one_of, require_uuid
from clincore.domain.errors import AlreadyBootstrapped, BootstrapDisabled, BootstrapTokenWrong, TenantNotFound
from clincore.domain.identity import ApiKeyRecord, Plan, Role, Tenant
from clincore.domain.text import clean_name
from clincore.services.keys import NewKey, new_api_key
from clincore.services.tenant_keys import TenantKeys

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from clincore.ports.database import UnitOfWork
    from clincore.services.resources import OperatorResources

_FIRST_LABEL = "first admin key"


@frozen
class Tenants:
    """The tenants of one deployment. Every method raises DatabaseUnavailable."""

    _resources: OperatorResources

    @property
    def keys(self) -> TenantKeys:
        """The API keys of each tenant."""
        return TenantKeys(self._resources)

    async def create(self, name: str, *, plan: Plan = Plan.FREE) -> NewKey:
        """Set up a tenant, with an admin key; raises InvalidInput for the name or the plan."""
        require_one_of(Plan, plan, "plan")
        tenant = self._tenant(name, self._resources.entropy.uuid(), plan)
        async with self._resources.database.provisioning(tenant.id) as work:
            key = self._enter(work, tenant)
            await work.commit()
        return key

    async def list(self) -> tuple[Tenant, ...]:
        """Return all tenants, newest first, then by id downwards; each is read in a transaction bound to it.

        Raises RightsMissing where the database was not opened as its owner.
        """
        found = [await self._read(tenant_id) for tenant_id in await self._resources.database.tenant_ids()]
        tenants = [tenant for tenant in found if tenant is not None]
        return tuple(sorted(tenants, key=lambda tenant: (tenant.created_at, tenant.id), reverse=True))

    async def set_plan(self, tenant_id: UUID, plan: Plan) -> None:
        """Put a tenant on a plan, at once.

        Raises InvalidInput, TenantNotFound, and RightsMissing where the database was not opened as its owner.
        """
        require_uuid(tenant_id, "tenant_id")
        require_one_of(Plan, plan, "plan")
        async with self._resources.database.provisioning(tenant_id) as work:
            changed = work.tenants.set_plan(plan)
            await work.commit()
        if not changed.result():
            raise TenantNotFound(tenant_id)

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
            key = self._enter(work, self._tenant(name, tenant_id, Plan.FREE))
            await work.commit()
        return key

    def check_token(self, token: str | None) -> None:
        """Raises BootstrapDisabled where no token is set, and BootstrapTokenWrong; compares in constant time."""
        expected = self._resources.bootstrap_token
        if expected is None:
            raise BootstrapDisabled
        if token is None or not hmac.compare_digest(_bytes(token), _bytes(expected)):
            raise BootstrapTokenWrong

    async def _read(self, tenant_id: UUID) -> Tenant | None:
        async with self._resources.database.provisioning(tenant_id) as work:
            found = work.tenants.get()
            await work.flush()
        return found.result()

    def _tenant(self, name: str, tenant_id: UUID, plan: Plan) -> Tenant:
        at = self._resources.clock.now()
        return Tenant(id=tenant_id, name=clean_name(name, "tenant_name"), plan=plan, created_at=at)

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
