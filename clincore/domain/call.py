"""One authenticated call: whose key, which endpoint, when."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from uuid import UUID

from attrs import field, frozen

from clincore.domain.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from datetime import datetime
    from enum import StrEnum

    from clincore.domain.access import RecordType
    from clincore.domain.usage import Endpoint


_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def is_request_id(text: str) -> bool:
    """Whether a text may name a request in logs: 1 to 64 letters, digits, and ``.``, ``_``, ``:`` or ``-``."""
    return _REQUEST_ID.fullmatch(text) is not None


@frozen(kw_only=True)
class Call:
    """What a unit of work is opened with; ``admin_only`` calls are refused to keys of another role."""

    tenant_id: UUID
    key_digest: str = field(repr=False)
    endpoint: Endpoint
    admin_only: bool = False
    request_id: str
    at: datetime


@frozen
class Record:
    """Names one record of the tenant; raises InvalidInput for an id that is not a UUID."""

    type: RecordType
    id: UUID

    def __attrs_post_init__(self) -> None:
        require_uuid(self.id, f"{self.type}_id")


def require_uuid(value: object, path: str) -> None:
    """Raise InvalidInput, without the value in it, for what is not a UUID."""
    if not isinstance(value, UUID):
        raise InvalidInput([Problem(path, f"must be a UUID, not {type(value).__name__}")])


def require_one_of(kind: type[StrEnum], value: object, path: str) -> None:
    """Raise InvalidInput, without the value in it, for what is not one of a kind."""
    if not isinstance(value, kind):
        raise InvalidInput([Problem(path, f"must be one of {', '.join(kind)}")])
