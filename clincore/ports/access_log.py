"""The port to a tenant's access log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from clincore.domain.access import EVERYTHING

if TYPE_CHECKING:
    from clincore.domain.access import AccessEntry, AccessFilter, Action, RecordType
    from clincore.domain.call import Record
    from clincore.domain.page import Page, PageRequest
    from clincore.ports.pending import Pending


class AccessLog(Protocol):
    """The append-only log of the unit of work's tenant."""

    def touched(self, action: Action, record: Record) -> None:
        """Log what the unit of work's key did to a record; nothing is logged where there is no such record."""
        ...

    def listed(self, record_type: RecordType, filter_text: str | None) -> None:
        """Log that the unit of work's key listed records, and by which filter."""
        ...

    def list(self, page: PageRequest, wanted: AccessFilter = EVERYTHING) -> Pending[Page[AccessEntry]]:
        """Ask for the lines of the log that the filter admits, newest first, then by id downwards."""
        ...
