"""The holder of one API key, making calls."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from clincore.domain.call import Call
from clincore.domain.errors import Forbidden

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.api_key import ApiKey
    from clincore.domain.usage import Endpoint
    from clincore.ports.database import UnitOfWork
    from clincore.services.resources import Resources


@define
class Caller:
    """Whose key it is, as the database has it: nobody's until it was found valid."""

    tenant_id: UUID | None = None
    key_id: UUID | None = None
    """None also where the key is valid and its role was not enough."""


@frozen
class Session:
    """One key and the resources its holder works with; ``request_id`` goes into the access log."""

    resources: Resources = field(repr=False)
    key: ApiKey
    request_id: str
    caller: Caller = field(factory=Caller, eq=False)

    def now(self) -> datetime:
        return self.resources.clock.now()

    @asynccontextmanager
    async def begin(
        self, endpoint: Endpoint, *, at: datetime | None = None, admin_only: bool = False
    ) -> AsyncIterator[UnitOfWork]:
        """Open the unit of work of one call, and note whose key it turned out to be."""
        call = Call(
            tenant_id=self.key.tenant_id,
            key_digest=self.key.digest,
            endpoint=endpoint,
            admin_only=admin_only,
            request_id=self.request_id,
            at=at or self.now(),
        )
        async with self.resources.database.unit_of_work(call) as work:
            try:
                yield work
            except Forbidden:
                self.caller.tenant_id = call.tenant_id
                raise
            finally:
                with suppress(RuntimeError):  # not known before the first flush
                    self.caller.tenant_id, self.caller.key_id = work.principal.tenant_id, work.principal.key_id
