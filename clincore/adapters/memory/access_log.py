"""The access log in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from clincore.adapters.memory.pages import page_of
from clincore.domain.access import EVERYTHING, AccessEntry, AccessFilter, Action, RecordType
from clincore.domain.page import Page, PageRequest, Position

if TYPE_CHECKING:
    from uuid import UUID

    from clincore.adapters.memory.transaction import MemoryTransaction
    from clincore.domain.call import Record
    from clincore.ports.pending import Pending


class MemoryAccessLog:
    """The access log of one unit of work's tenant."""

    def __init__(self, work: MemoryTransaction) -> None:
        self._work = work
        self._rows = work.tables.access_log

    def touched(self, action: Action, record: Record) -> None:
        def step() -> None:
            if self._work.exists(record):
                self._enter(action, record.type, record.id, None)

        self._work.ask(step)

    def listed(self, record_type: RecordType, filter_text: str | None) -> None:
        self._work.ask(lambda: self._enter(Action.LIST, record_type, None, filter_text))

    def list(self, page: PageRequest, wanted: AccessFilter = EVERYTHING) -> Pending[Page[AccessEntry]]:
        def step() -> Page[AccessEntry]:
            return page_of(filter(wanted.admits, self._rows.values()), page, lambda row: Position(row.at, row.id))

        return self._work.ask(step)

    def _enter(self, action: Action, record_type: RecordType, record_id: UUID | None, filter_text: str | None) -> None:
        entry = AccessEntry(
            tenant_id=self._work.tenant_id,
            id=uuid4(),
            key_id=self._work.principal.key_id,
            action=action,
            record_type=record_type,
            record_id=record_id,
            filter=filter_text,
            request_id=self._work.call.request_id,
            at=self._work.call.at,
        )
        self._work.put(self._rows, entry.id, entry)
