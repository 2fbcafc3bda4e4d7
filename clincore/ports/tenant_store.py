"""The port to the tenant itself, and to the one bootstrap of a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from clincore.domain.identity import Plan, Tenant
    from clincore.ports.pending import Pending


class TenantStore(Protocol):
    """The unit of work's own tenant."""

    def add(self, tenant: Tenant) -> None:
        """Enter the tenant that the unit of work is bound to."""
        ...

    def get(self) -> Pending[Tenant | None]:
        """Ask for the tenant; None where there is none."""
        ...

    def set_plan(self, plan: Plan) -> Pending[bool]:
        """Put the tenant on a plan; False, and nothing written, where there is no tenant.

        The flush raises RightsMissing where the database lets only its owner do it and was opened as another role.
        """
        ...

    def hold_plan(self) -> Pending[Tenant | None]:
        """Ask for the tenant; on a plan with a limit, others who ask wait until this unit of work ends."""
        ...

    def claim_bootstrap(self, at: datetime) -> Pending[bool]:
        """Take the deployment's one bootstrap; False where it was taken. Of several at once one gets True."""
        ...
