"""What the holder of an admin key sees of the tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from clincore.domain.usage import Endpoint, UsageReport

if TYPE_CHECKING:
    from clincore.services.session import Session


@frozen
class Administration:
    """The session's tenant as its administrator sees it. Every method raises Unauthenticated and Forbidden."""

    _session: Session

    async def usage(self) -> UsageReport:
        """Return every call completed before this one."""
        async with self._session.begin(Endpoint.USAGE, admin_only=True) as work:
            found = work.usage.report()
            work.usage.count()
            await work.commit()
        return found.result()
