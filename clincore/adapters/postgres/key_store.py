"""API keys on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

from clincore.adapters.postgres.pages import page_of, page_parameters
from clincore.domain.identity import ApiKeyRecord, Role
from clincore.domain.page import Page, PageRequest, Position

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from clincore.adapters.postgres.statement import Row
    from clincore.adapters.postgres.transaction import PostgresTransaction
    from clincore.ports.pending import Pending

_GET: Final[LiteralString] = """
    SELECT tenant_id, id, key_hash, label, role, created_at, expires_at, rotated_at, revoked_at, last_used_at
    FROM public.api_keys WHERE tenant_id = %(tenant_id)s AND id = %(id)s
"""
_ADD: Final[LiteralString] = """
    INSERT INTO public.api_keys (tenant_id, id, key_hash, label, role, created_at, expires_at, rotated_at, revoked_at,
                                 last_used_at)
    VALUES (%(tenant_id)s, %(id)s, %(key_hash)s, %(label)s, %(role)s, %(created_at)s, %(expires_at)s, %(rotated_at)s,
            %(revoked_at)s, %(last_used_at)s)
"""
_RETIRE: Final[LiteralString] = """
    UPDATE public.api_keys SET rotated_at = %(at)s, expires_at = %(expires_at)s
    WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND rotated_at IS NULL AND revoked_at IS NULL
"""
_REVOKE: Final[LiteralString] = """
    UPDATE public.api_keys SET revoked_at = %(at)s
    WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND revoked_at IS NULL
"""
# A row that another one has just changed is read again once that one has ended.
_HOLD_ADMINS: Final[LiteralString] = """
    SELECT tenant_id, id, key_hash, label, role, created_at, expires_at, rotated_at, revoked_at, last_used_at
    FROM public.api_keys
    WHERE tenant_id = %(tenant_id)s AND role = 'admin' AND revoked_at IS NULL
    ORDER BY id FOR NO KEY UPDATE
"""
_LIST: Final[LiteralString] = """
    SELECT tenant_id, id, key_hash, label, role, created_at, expires_at, rotated_at, revoked_at, last_used_at
    FROM public.api_keys
    WHERE tenant_id = %(tenant_id)s
      AND (%(after_at)s::timestamptz IS NULL OR (created_at, id) < (%(after_at)s, %(after_id)s::uuid))
    ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""


class PostgresKeyStore:
    """The API keys of one unit of work's tenant."""

    def __init__(self, work: PostgresTransaction) -> None:
        self._work = work

    def get(self, key_id: UUID) -> Pending[ApiKeyRecord | None]:
        return self._work.ask(_GET, {"id": key_id}, lambda rows: _key(rows[0]) if rows else None)

    def add(self, key: ApiKeyRecord) -> None:
        self._work.require_own(key.tenant_id)
        self._work.write(
            _ADD,
            {
                "id": key.id,
                "key_hash": key.key_hash,
                "label": key.label,
                "role": key.role.value,
                "created_at": key.created_at,
                "expires_at": key.expires_at,
                "rotated_at": key.rotated_at,
                "revoked_at": key.revoked_at,
                "last_used_at": key.last_used_at,
            },
        )

    def retire(self, key_id: UUID, *, at: datetime, expires_at: datetime) -> Pending[bool]:
        return self._work.write(_RETIRE, {"id": key_id, "at": at, "expires_at": expires_at})

    def revoke(self, key_id: UUID, *, at: datetime) -> Pending[bool]:
        return self._work.write(_REVOKE, {"id": key_id, "at": at})

    def hold_admins(self) -> Pending[tuple[ApiKeyRecord, ...]]:
        return self._work.ask(_HOLD_ADMINS, {}, lambda rows: tuple(_key(row) for row in rows))

    def list(self, page: PageRequest) -> Pending[Page[ApiKeyRecord]]:
        return self._work.ask(
            _LIST,
            page_parameters(page),
            lambda rows: page_of(rows, page, _key, lambda key: Position(key.created_at, key.id)),
        )


def _key(row: Row) -> ApiKeyRecord:
    tenant_id, key_id, key_hash, label, role, created_at, expires_at, rotated_at, revoked_at, last_used_at = row
    return ApiKeyRecord(
        tenant_id=tenant_id,
        id=key_id,
        key_hash=key_hash,
        label=label,
        role=Role(role),
        created_at=created_at,
        expires_at=expires_at,
        rotated_at=rotated_at,
        revoked_at=revoked_at,
        last_used_at=last_used_at,
    )
