"""Checking an API key, under row-level security like everything else, and keeping its last use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

from attrs import frozen

from clincore.domain.errors import Forbidden, Unauthenticated
from clincore.domain.identity import Principal, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clincore.adapters.postgres.statement import Row
    from clincore.domain.call import Call

CHECK_KEY: Final[LiteralString] = """
    SELECT id, role, last_used_at IS NULL OR last_used_at < %(hour)s AS is_use_due
    FROM public.api_keys
    WHERE tenant_id = %(tenant_id)s AND key_hash = %(key_hash)s
      AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %(at)s)
"""
# Where another call is just keeping it, this one does not wait.
KEEP_LAST_USE: Final[LiteralString] = """
    UPDATE public.api_keys SET last_used_at = %(hour)s
    WHERE tenant_id = %(tenant_id)s AND id IN (
        SELECT id FROM public.api_keys
        WHERE tenant_id = %(tenant_id)s AND key_hash = %(key_hash)s
          AND (last_used_at IS NULL OR last_used_at < %(hour)s)
        FOR NO KEY UPDATE SKIP LOCKED
    )
"""


@frozen
class Admission:
    """A valid key's principal, and whether its last use is to be kept, which happens once an hour."""

    principal: Principal
    is_use_due: bool


def key_parameters(call: Call) -> dict[str, object]:
    """Return the parameters of the statements that look at a call's key."""
    return {
        "tenant_id": call.tenant_id,
        "key_hash": call.key_digest,
        "admin_only": call.admin_only,
        "at": call.at,
        "hour": call.at.replace(minute=0, second=0, microsecond=0),
    }


def admitted(rows: Sequence[Row], call: Call) -> Admission:
    """Return whose key was found; raises Unauthenticated where none was, and Forbidden for the wrong role.

    ``rows`` begin with the columns of CHECK_KEY.
    """
    if not rows:
        raise Unauthenticated
    key_id, role, is_use_due = rows[0][:3]
    principal = Principal(tenant_id=call.tenant_id, key_id=key_id, role=Role(role))
    if call.admin_only and principal.role is not Role.ADMIN:
        raise Forbidden
    return Admission(principal, is_use_due)
