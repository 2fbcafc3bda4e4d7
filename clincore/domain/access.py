"""The access log: who did what to which patient's record, when."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from clincore.domain.call import require_one_of, require_uuid
from clincore.domain.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from uuid import UUID


class Action(StrEnum):
    VIEW = "VIEW"
    LIST = "LIST"
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    RANK = "RANK"
    FINALIZE = "FINALIZE"
    VERIFY = "VERIFY"


class RecordType(StrEnum):
    PATIENT = "patient"
    CASE = "case"


@frozen(kw_only=True)
class AccessEntry:
    """One line of the log; a LIST names no record but keeps the filter it asked with."""

    tenant_id: UUID
    id: UUID
    key_id: UUID | None
    action: Action
    record_type: RecordType
    record_id: UUID | None
    filter: str | None = field(repr=False)
    request_id: str
    at: datetime


@frozen(kw_only=True)
class AccessFilter:
    """Which lines of the log are asked for; None asks for any. ``since`` is the first moment, ``until`` none any more.

    Raises InvalidInput for a field of another type, and for moments without a time zone.
    """

    key_id: UUID | None = None
    action: Action | None = None
    record_type: RecordType | None = None
    record_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __attrs_post_init__(self) -> None:
        for name, record in (("key_id", self.key_id), ("record_id", self.record_id)):
            if record is not None:
                require_uuid(record, name)
        if self.action is not None:
            require_one_of(Action, self.action, "action")
        if self.record_type is not None:
            require_one_of(RecordType, self.record_type, "record_type")
        for name, moment in (("since", self.since), ("until", self.until)):
            if moment is not None and (not isinstance(moment, datetime) or moment.utcoffset() is None):
                raise InvalidInput([Problem(name, "must be a time with its time zone")])

    def admits(self, entry: AccessEntry) -> bool:
        return (
            self.key_id in (None, entry.key_id)
            and self.action in (None, entry.action)
            and self.record_type in (None, entry.record_type)
            and self.record_id in (None, entry.record_id)
            and (self.since is None or self.since <= entry.at)
            and (self.until is None or entry.at < self.until)
        )


EVERYTHING: Final = AccessFilter()
