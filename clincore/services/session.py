"""The holder of one API key, making calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from clincore.domain.call import Call

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from clincore.domain.api_key import ApiKey
    from clincore.domain.usage import Endpoint
    from clincore.ports.database import UnitOfWork
    from clincore.services.resources import Resources


@frozen
class Session:
    """One key and the resources its holder works with; ``request_id`` goes into the access log."""

    resources: Resources = field(repr=False)
    key: ApiKey
    request_id: str

    def now(self) -> datetime:
        return self.resources.clock.now()

    def begin(
        self, endpoint: Endpoint, *, at: datetime | None = None, admin_only: bool = False
    ) -> AbstractAsyncContextManager[UnitOfWork]:
        """Open the unit of work of one call."""
        call = Call(
            tenant_id=self.key.tenant_id,
            key_digest=self.key.digest,
            endpoint=endpoint,
            admin_only=admin_only,
            request_id=self.request_id,
            at=at or self.now(),
        )
        return self.resources.database.unit_of_work(call)
