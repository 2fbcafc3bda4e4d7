"""The tenant in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

if TYPE_CHECKING:
    from datetime import datetime

    from clincore.adapters.memory.transaction import MemoryTransaction
    from clincore.domain.identity import Plan, Tenant
    from clincore.ports.pending import Pending


class MemoryTenantStore:
    """One unit of work's tenant."""

    def __init__(self, work: MemoryTransaction) -> None:
        self._work = work

    def add(self, tenant: Tenant) -> None:
        self._work.require_own(tenant.id)
        self._work.ask(lambda: self._work.enter_tenant(tenant))

    def get(self) -> Pending[Tenant | None]:
        return self._work.ask(lambda: self._work.tables.tenant)

    def set_plan(self, plan: Plan) -> Pending[bool]:
        def step() -> bool:
            stored = self._work.tables.tenant
            if stored is None:
                return False
            self._work.put_tenant(evolve(stored, plan=plan))
            return True

        return self._work.ask(step)

    def hold_plan(self) -> Pending[Tenant | None]:
        return self.get()  # one unit of work runs at a time

    def claim_bootstrap(self, at: datetime) -> Pending[bool]:
        return self._work.ask(lambda: self._work.claim_bootstrap(at))
