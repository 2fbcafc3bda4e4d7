"""Looking up what a repeated call made the first time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clincore.domain.errors import IdempotencyKeyReused, StillRunning
from clincore.domain.idempotency import FirstAnswer, Repeatable

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from clincore.ports.database import UnitOfWork


async def first_answer(work: UnitOfWork, repeatable: Repeatable | None) -> FirstAnswer | None:
    """Flush, and return what the first call with the key made; None where this is the first.

    Raises StillRunning while the first has not ended, and IdempotencyKeyReused for another payload.
    """
    if repeatable is None:
        await work.flush()
        return None
    held = work.idempotency.hold(repeatable.key)
    found = work.idempotency.find(repeatable.key)
    await work.flush()
    if not held.result():
        raise StillRunning
    first = found.result()
    if first is not None and first.payload_digest != repeatable.payload_digest:
        raise IdempotencyKeyReused
    return first


def keep_answer(work: UnitOfWork, repeatable: Repeatable | None, record_id: UUID, at: datetime) -> None:
    """Queue what the call has made, for those who repeat it."""
    if repeatable is not None:
        answer = FirstAnswer(record_id=record_id, payload_digest=repeatable.payload_digest, at=at)
        work.idempotency.keep(repeatable.key, answer)
