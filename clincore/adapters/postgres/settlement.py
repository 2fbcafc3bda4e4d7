"""The one statement that checks a call's key, reads its record, logs the access and counts the call.

One statement sees one snapshot: a key that ends meanwhile is valid for the read, the log and the usage alike, or for
none of them, and so is a record that is entered meanwhile. What is written here comes from the row of the valid key, so
that a refused call writes nothing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, LiteralString

from attrs import frozen

from clincore.adapters.postgres.authentication import CHECK_KEY
from clincore.domain.access import RecordType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clincore.adapters.postgres.statement import Note, Statement

_CHECKED: Final[LiteralString] = "WITH checked AS (" + CHECK_KEY + "), caller AS (SELECT id FROM checked"
_OF_THE_ROLE: Final[LiteralString] = " WHERE NOT %(admin_only)s::boolean OR role = 'admin')"
# A key that was admitted before stays so for its unit of work: what it goes on to do must not be missing here.
_ADMITTED: Final[LiteralString] = "WITH caller AS (SELECT %(key_id)s::uuid AS id)"
_ENTERED: Final[LiteralString] = """, entered AS (
    INSERT INTO public.access_logs (tenant_id, key_id, action, record_type, record_id, filter, request_id, at)
    SELECT %(tenant_id)s::uuid, id, %(action)s::text, %(record_type)s::text, %(record_id)s::uuid, %(filter)s::text,
           %(request_id)s::text, %(at)s::timestamptz
    FROM caller"""
_ENTERED_ABOUT: Final[dict[RecordType, LiteralString]] = {
    RecordType.CASE: """
    WHERE EXISTS (SELECT FROM public.cases WHERE tenant_id = %(tenant_id)s::uuid AND id = %(record_id)s::uuid)""",
    RecordType.PATIENT: """
    WHERE EXISTS (SELECT FROM public.patients WHERE tenant_id = %(tenant_id)s::uuid AND id = %(record_id)s::uuid)""",
}
_COUNTED: Final[LiteralString] = """, counted AS (
    INSERT INTO public.usage_events (tenant_id, key_id, endpoint, occurred_at)
    SELECT %(tenant_id)s::uuid, id, %(endpoint)s::text, %(at)s::timestamptz
    FROM caller"""
_COUNTED_ABOUT: Final[dict[RecordType, LiteralString]] = {
    RecordType.CASE: """
    WHERE EXISTS (SELECT FROM public.cases WHERE tenant_id = %(tenant_id)s::uuid AND id = %(counted_id)s::uuid)""",
    RecordType.PATIENT: """
    WHERE EXISTS (SELECT FROM public.patients WHERE tenant_id = %(tenant_id)s::uuid AND id = %(counted_id)s::uuid)""",
}
_FOUND: Final[LiteralString] = ", found AS (SELECT true AS is_found, record.* FROM ("
_WITH_KEY: Final[LiteralString] = " SELECT checked.* FROM checked"
_WITH_RECORD: Final[LiteralString] = " SELECT checked.*, found.* FROM checked LEFT JOIN found ON true"
_ALONE: Final[LiteralString] = " SELECT FROM caller"


@frozen
class Settlement:
    """At most one row of log and one of usage, with the read that goes with them where there is one."""

    entry: Note | None
    usage: Note | None
    read: Statement | None = None

    @classmethod
    def of(cls, notes: Sequence[Note]) -> list[Settlement]:
        """Return as few as write the notes."""
        entries = [note for note in notes if not note.counts]
        counts = [note for note in notes if note.counts]
        return [
            cls(entries[index] if index < len(entries) else None, counts[index] if index < len(counts) else None)
            for index in range(max(len(entries), len(counts)))
        ]

    def with_read(self, read: Statement) -> Settlement:
        return Settlement(self.entry, self.usage, read)

    @property
    def is_about_record(self) -> bool:
        return any(note is not None and note.about is not None for note in (self.entry, self.usage))

    def sql(self, *, checks_key: bool) -> LiteralString:
        return _composed(
            checks_key,
            None if self.read is None else self.read.sql,
            self.entry is not None,
            self.entry.about.type if self.entry and self.entry.about else None,
            self.usage is not None,
            self.usage.about.type if self.usage and self.usage.about else None,
        )

    def parameters(self) -> Mapping[str, object]:
        """Return those of the read and of the rows; those of the call are the transaction's to add."""
        found: dict[str, object] = {}
        for part in (self.read, self.entry, self.usage):
            if part is not None:
                found |= part.parameters
        return found


@lru_cache(maxsize=128)
def _composed(  # noqa: PLR0917 - the key of a cache
    checks_key: bool,
    read: LiteralString | None,
    enters: bool,
    entered: RecordType | None,
    counts: bool,
    counted: RecordType | None,
) -> LiteralString:
    sql = _CHECKED + _OF_THE_ROLE if checks_key else _ADMITTED
    if read is not None:
        sql += _FOUND + read + ") AS record)"
    if enters:
        sql += _ENTERED + (_ENTERED_ABOUT[entered] if entered else "") + ")"
    if counts:
        sql += _COUNTED + (_COUNTED_ABOUT[counted] if counted else "") + ")"
    if not checks_key:
        return sql + _ALONE
    return sql + (_WITH_KEY if read is None else _WITH_RECORD)
