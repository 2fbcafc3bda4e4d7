"""The holder of one API key, making calls."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from clincore.domain.call import Call
from clincore.domain.errors import Forbidden

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from types import TracebackType
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

    def begin(self, endpoint: Endpoint, *, at: datetime | None = None, admin_only: bool = False) -> _Begun:
        """Open the unit of work of one call, and note whose key it turned out to be."""
        call = Call(
            tenant_id=self.key.tenant_id,
            key_digest=self.key.digest,
            endpoint=endpoint,
            admin_only=admin_only,
            request_id=self.request_id,
            at=at or self.now(),
        )
        return _Begun(self.resources.database.unit_of_work(call), call, self.caller)


class _Begun:
    """The unit of work of one call, open for a block; a generator would cost every call twice as much."""

    __slots__ = ("_call", "_caller", "_opening", "_work")

    def __init__(self, opening: AbstractAsyncContextManager[UnitOfWork], call: Call, caller: Caller) -> None:
        self._opening = opening
        self._call = call
        self._caller = caller

    async def __aenter__(self) -> UnitOfWork:
        self._work = await self._opening.__aenter__()
        return self._work

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> bool | None:
        if isinstance(error, Forbidden):
            self._caller.tenant_id = self._call.tenant_id
        with suppress(RuntimeError):  # not known before the first flush
            self._caller.tenant_id, self._caller.key_id = self._work.principal.tenant_id, self._work.principal.key_id
        return await self._opening.__aexit__(kind, error, where)
