"""The access log on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

from clincore.adapters.postgres.pages import page_of, page_parameters
from clincore.domain.access import EVERYTHING, AccessEntry, AccessFilter, Action, RecordType
from clincore.domain.page import Page, PageRequest, Position

if TYPE_CHECKING:
    from clincore.adapters.postgres.statement import Row
    from clincore.adapters.postgres.transaction import PostgresTransaction
    from clincore.domain.call import Record
    from clincore.ports.pending import Pending

_LIST: Final[LiteralString] = """
    SELECT tenant_id, id, key_id, action, record_type, record_id, filter, request_id, at
    FROM public.access_logs
    WHERE tenant_id = %(tenant_id)s
      AND (%(record_id)s::uuid IS NULL OR record_id = %(record_id)s)
      AND (%(key_id)s::uuid IS NULL OR key_id = %(key_id)s)
      AND (%(record_type)s::text IS NULL OR record_type = %(record_type)s)
      AND (%(action)s::text IS NULL OR action = %(action)s)
      AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
      AND (%(after_at)s::timestamptz IS NULL OR (at, id) < (%(after_at)s, %(after_id)s::uuid))
    ORDER BY at DESC, id DESC LIMIT %(limit)s
"""


class PostgresAccessLog:
    """The access log of one unit of work's tenant."""

    def __init__(self, work: PostgresTransaction) -> None:
        self._work = work

    def touched(self, action: Action, record: Record) -> None:
        self._work.note_access(
            {
                "action": action.value,
                "record_type": record.type.value,
                "record_id": record.id,
                "filter": None,
            },
            record,
        )

    def listed(self, record_type: RecordType, filter_text: str | None) -> None:
        listed = {
            "action": Action.LIST.value,
            "record_type": record_type.value,
            "record_id": None,
            "filter": filter_text,
        }
        self._work.note_access(listed, None)

    def list(self, page: PageRequest, wanted: AccessFilter = EVERYTHING) -> Pending[Page[AccessEntry]]:
        return self._work.ask(
            _LIST,
            {
                "record_id": wanted.record_id,
                "key_id": wanted.key_id,
                "record_type": wanted.record_type.value if wanted.record_type else None,
                "action": wanted.action.value if wanted.action else None,
                "since": wanted.since,
                "until": wanted.until,
                **page_parameters(page),
            },
            lambda rows: page_of(rows, page, _entry, lambda row: Position(row.at, row.id)),
        )


def _entry(row: Row) -> AccessEntry:
    tenant_id, entry_id, key_id, action, record_type, record_id, filter_text, request_id, at = row
    return AccessEntry(
        tenant_id=tenant_id,
        id=entry_id,
        key_id=key_id,
        action=Action(action),
        record_type=RecordType(record_type),
        record_id=record_id,
        filter=filter_text,
        request_id=request_id,
        at=at,
    )
