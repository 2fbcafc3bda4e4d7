"""Repeating a call that makes a record, without making it twice.

After the IETF draft "The Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header).
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from clincore.domain.canonical_json import canonical_json
from clincore.domain.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.canonical_json import JsonValue

KEPT_FOR: Final = timedelta(hours=24)
_LONGEST: Final = 255


@frozen(kw_only=True)
class Repeatable:
    """The caller's key for one call, and the digest of what it was called with."""

    key: str = field(repr=False)
    payload_digest: str

    @classmethod
    def parse(cls, key: str, payload: JsonValue) -> Repeatable:
        """Raises InvalidInput for a key that is not 1 to 255 printable ASCII characters."""
        if not 1 <= len(key) <= _LONGEST or not key.isascii() or not key.isprintable():
            message = f"must be 1 to {_LONGEST} printable ASCII characters"
            raise InvalidInput([Problem("Idempotency-Key", message)])
        return cls(key=key, payload_digest=sha256(canonical_json(payload).encode()).hexdigest())


@frozen(kw_only=True)
class FirstAnswer:
    """What the first call with a key made, when, and the digest of what it was called with."""

    record_id: UUID
    payload_digest: str
    at: datetime
