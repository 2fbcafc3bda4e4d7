"""The access log: who did what to which patient's record, when."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from datetime import datetime
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
