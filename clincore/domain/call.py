"""One authenticated call: whose key, which endpoint, when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.access import RecordType
    from clincore.domain.usage import Endpoint


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
    """Names one record of the tenant."""

    type: RecordType
    id: UUID
