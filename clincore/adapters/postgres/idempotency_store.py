"""Idempotency keys on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

from clincore.domain.idempotency import KEPT_FOR, FirstAnswer

if TYPE_CHECKING:
    from clincore.adapters.postgres.transaction import PostgresTransaction
    from clincore.ports.pending import Pending

_HOLD: Final[LiteralString] = """
    SELECT pg_try_advisory_xact_lock(hashtextextended(
        concat_ws(' ', 'clincore idempotency', %(tenant_id)s::text, %(endpoint)s::text, %(key)s::text), 0))
"""
_FIND: Final[LiteralString] = """
    SELECT record_id, payload_digest, at FROM clincore.idempotency_keys
    WHERE tenant_id = %(tenant_id)s AND endpoint = %(endpoint)s AND key = %(key)s AND at > %(kept_since)s
"""
_FORGET: Final[LiteralString] = """
    DELETE FROM clincore.idempotency_keys WHERE tenant_id = %(tenant_id)s AND at <= %(kept_since)s
"""
_KEEP: Final[LiteralString] = """
    INSERT INTO clincore.idempotency_keys (tenant_id, endpoint, key, payload_digest, record_id, at)
    VALUES (%(tenant_id)s, %(endpoint)s, %(key)s, %(payload_digest)s, %(record_id)s, %(at)s)
"""


class PostgresIdempotencyStore:
    """The keys sent to one unit of work's endpoint by its tenant."""

    def __init__(self, work: PostgresTransaction) -> None:
        self._work = work
        self._scope = {"endpoint": work.call.endpoint.value, "kept_since": work.call.at - KEPT_FOR}

    def hold(self, key: str) -> Pending[bool]:
        return self._work.ask(_HOLD, {**self._scope, "key": key}, lambda rows: bool(rows[0][0]))

    def find(self, key: str) -> Pending[FirstAnswer | None]:
        return self._work.ask(
            _FIND,
            {**self._scope, "key": key},
            lambda rows: FirstAnswer(record_id=rows[0][0], payload_digest=rows[0][1], at=rows[0][2]) if rows else None,
        )

    def keep(self, key: str, answer: FirstAnswer) -> None:
        self._work.write(_FORGET, self._scope)
        made = {"payload_digest": answer.payload_digest, "record_id": answer.record_id, "at": answer.at}
        self._work.write(_KEEP, {**self._scope, **made, "key": key})
