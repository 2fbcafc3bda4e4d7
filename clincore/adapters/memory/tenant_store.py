"""The tenant in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from clincore.adapters.memory.transaction import MemoryTransaction
    from clincore.domain.identity import Tenant
    from clincore.ports.pending import Pending


class MemoryTenantStore:
    """One unit of work's tenant."""

    def __init__(self, work: MemoryTransaction) -> None:
        self._work = work

    def add(self, tenant: Tenant) -> None:
        self._work.require_own(tenant.id)
        self._work.ask(lambda: self._work.set_tenant(tenant))

    def hold_plan(self) -> Pending[Tenant | None]:
        return self._work.ask(lambda: self._work.tables.tenant)  # one unit of work runs at a time

    def claim_bootstrap(self, at: datetime) -> Pending[bool]:
        return self._work.ask(lambda: self._work.claim_bootstrap(at))
