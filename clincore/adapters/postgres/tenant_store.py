"""The tenant on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

from clincore.domain.identity import Plan, Tenant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from clincore.adapters.postgres.statement import Row
    from clincore.adapters.postgres.transaction import PostgresTransaction
    from clincore.ports.pending import Pending

_ADD: Final[LiteralString] = """
    INSERT INTO public.tenants (id, name, created_at, plan)
    VALUES (%(tenant_id)s, %(name)s, %(created_at)s, %(plan)s)
"""
_ADD_TO_DIRECTORY: Final[LiteralString] = "INSERT INTO clincore.tenant_directory (id) VALUES (%(tenant_id)s)"
_GET: Final[LiteralString] = "SELECT id, name, plan, created_at FROM public.tenants WHERE id = %(tenant_id)s"
_SET_PLAN: Final[LiteralString] = "UPDATE public.tenants SET plan = %(plan)s WHERE id = %(tenant_id)s"
# An advisory lock, because the service has no right to lock rows of tenants; it is taken before what follows in the
# transaction takes its snapshot, so that a count sees what those before it committed.
_HOLD_PLAN: Final[LiteralString] = """
    SELECT id, name, plan, created_at,
           CASE plan WHEN 'free' THEN pg_advisory_xact_lock(hashtextextended('clincore plan ' || id, 0))::text END
    FROM public.tenants WHERE id = %(tenant_id)s
"""
_CLAIM_BOOTSTRAP: Final[LiteralString] = """
    INSERT INTO clincore.bootstrap (used_at) VALUES (%(at)s) ON CONFLICT DO NOTHING
"""


class PostgresTenantStore:
    """One unit of work's tenant."""

    def __init__(self, work: PostgresTransaction) -> None:
        self._work = work

    def add(self, tenant: Tenant) -> None:
        self._work.require_own(tenant.id)
        named = {"name": tenant.name, "created_at": tenant.created_at, "plan": tenant.plan.value}
        self._work.write(_ADD, named)
        self._work.write(_ADD_TO_DIRECTORY, {})

    def get(self) -> Pending[Tenant | None]:
        return self._work.ask(_GET, {}, _maybe_tenant)

    def set_plan(self, plan: Plan) -> Pending[bool]:
        return self._work.write(_SET_PLAN, {"plan": plan.value})

    def hold_plan(self) -> Pending[Tenant | None]:
        return self._work.ask(_HOLD_PLAN, {}, _maybe_tenant)

    def claim_bootstrap(self, at: datetime) -> Pending[bool]:
        return self._work.write(_CLAIM_BOOTSTRAP, {"at": at})


def _maybe_tenant(rows: Sequence[Row]) -> Tenant | None:
    if not rows:
        return None
    tenant_id, name, plan, created_at, *_ = rows[0]
    return Tenant(id=tenant_id, name=name, plan=Plan(plan), created_at=created_at)
