"""The access log on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

from clincore.adapters.postgres.pages import page_of, page_parameters
from clincore.domain.access import EVERYTHING, AccessEntry, AccessFilter, Action, RecordType
from clincore.domain.page import Page, PageRequest, Position

if TYPE_CHECKING:
    from uuid import UUID

    from clincore.adapters.postgres.statement import Row
    from clincore.adapters.postgres.transaction import PostgresTransaction
    from clincore.domain.call import Record
    from clincore.ports.pending import Pending

# Conditional on the key and on the record, so that it can travel together with both their checks. A key that was
# admitted before stays so for its unit of work: what it goes on to do must not be missing here.
_ENTER: Final[LiteralString] = """
    INSERT INTO public.access_logs (tenant_id, key_id, action, record_type, record_id, filter, request_id, at)
    SELECT tenant_id, id, %(action)s, %(record_type)s, %(record_id)s::uuid, %(filter)s::text, %(request_id)s, %(at)s
    FROM public.api_keys
    WHERE tenant_id = %(tenant_id)s AND key_hash = %(key_hash)s
      AND (%(admitted)s OR (
          revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %(at)s) AND (NOT %(admin_only)s OR role = 'admin')
      ))
      AND CASE
          WHEN %(record_id)s::uuid IS NULL THEN true
          WHEN %(record_type)s = 'case' THEN EXISTS (
              SELECT FROM public.cases WHERE tenant_id = %(tenant_id)s AND id = %(record_id)s::uuid)
          ELSE EXISTS (
              SELECT FROM public.patients WHERE tenant_id = %(tenant_id)s AND id = %(record_id)s::uuid)
      END
"""
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
        self._enter(action, record.type, record.id, None)

    def listed(self, record_type: RecordType, filter_text: str | None) -> None:
        self._enter(Action.LIST, record_type, None, filter_text)

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

    def _enter(self, action: Action, record_type: RecordType, record_id: UUID | None, filter_text: str | None) -> None:
        self._work.note(
            _ENTER,
            {
                "action": action.value,
                "record_type": record_type.value,
                "record_id": record_id,
                "filter": filter_text,
                "request_id": self._work.call.request_id,
            },
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
