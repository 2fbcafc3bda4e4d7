"""What the holder of an admin key sees of the tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from clincore.domain.access import AccessFilter
from clincore.domain.limits import PAGE_SIZE
from clincore.domain.page import Page, PageRequest
from clincore.domain.usage import Endpoint, UsageReport
from clincore.services.administered_keys import AdministeredKeys

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.access import AccessEntry, Action, RecordType
    from clincore.services.session import Session


@frozen
class Administration:
    """The session's tenant as its administrator sees it. Every method raises Unauthenticated and Forbidden."""

    _session: Session

    @property
    def keys(self) -> AdministeredKeys:
        """The tenant's API keys."""
        return AdministeredKeys(self._session)

    async def usage(self) -> UsageReport:
        """Return every call completed before this one."""
        async with self._session.begin(Endpoint.USAGE, admin_only=True) as work:
            found = work.usage.report()
            work.usage.count()
            await work.commit()
        return found.result()

    async def access_log(
        self,
        *,
        key_id: UUID | None = None,
        action: Action | None = None,
        record_type: RecordType | None = None,
        record_id: UUID | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = PAGE_SIZE,
        cursor: str | None = None,
    ) -> Page[AccessEntry]:
        """Return a page of who did what to which record, newest first; ``since`` is the first moment, ``until`` none.

        Raises InvalidInput for a filter or the limit, and InvalidCursor.
        """
        page = PageRequest.parse(limit, cursor)
        wanted = AccessFilter(
            key_id=key_id, action=action, record_type=record_type, record_id=record_id, since=since, until=until
        )
        async with self._session.begin(Endpoint.LIST_ACCESS, admin_only=True) as work:
            found = work.access_log.list(page, wanted)
            work.usage.count()
            await work.commit()
        return found.result()
