"""Checking an API key, under row-level security like everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

from clincore.domain.identity import Principal, Role

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from clincore.adapters.postgres.statement import Row

# Where another call is just keeping the last use, this one goes on without waiting for it.
CHECK_KEY: Final[LiteralString] = """
    WITH due AS (
        SELECT id FROM public.api_keys
        WHERE tenant_id = %(tenant_id)s AND key_hash = %(key_hash)s
          AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %(at)s)
          AND (NOT %(admin_only)s OR role = 'admin')
          AND (last_used_at IS NULL OR last_used_at < %(hour)s)
        FOR NO KEY UPDATE SKIP LOCKED
    ), used AS (
        UPDATE public.api_keys SET last_used_at = %(hour)s
        WHERE tenant_id = %(tenant_id)s AND id IN (SELECT id FROM due)
    )
    SELECT id, role FROM public.api_keys
    WHERE tenant_id = %(tenant_id)s AND key_hash = %(key_hash)s
      AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %(at)s)
"""


def read_principal(rows: Sequence[Row], tenant_id: UUID) -> Principal | None:
    """Return whose key it is, None where no valid key was found."""
    if not rows:
        return None
    key_id, role = rows[0]
    return Principal(tenant_id=tenant_id, key_id=key_id, role=Role(role))
