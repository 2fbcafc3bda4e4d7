"""Tenants, their API keys, and who calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from clincore.domain.api_key import SECRET_BYTES, ApiKey, make_api_key
from clincore.domain.identity import ApiKeyRecord, KeyState, Plan, Principal, Role, Tenant
from clincore.testing.strategies.basics import digests, moments, names


def tenant_ids() -> st.SearchStrategy[UUID]:
    """Any UUID: a tenant's id is not bound to a version."""
    return st.uuids()


def api_key_secrets() -> st.SearchStrategy[bytes]:
    """The 32 random bytes of an API key."""
    return st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)


def api_keys(tenants: st.SearchStrategy[UUID] | None = None) -> st.SearchStrategy[ApiKey]:
    return st.builds(make_api_key, tenant_ids() if tenants is None else tenants, api_key_secrets())


@st.composite
def invalid_api_keys(draw: st.DrawFn) -> str:
    """Texts that look like a key and are none: a digit changed, left out or added, or a number past its width."""
    text = draw(api_keys()).text
    at = draw(st.integers(0, len(text) - 1))
    other = draw(st.sampled_from("0aZ_- é"))
    cut, changed, longer = text[:at] + text[at + 1 :], text[:at] + other + text[at + 1 :], text[:at] + other + text[at:]
    return draw(st.sampled_from([each for each in (cut, changed, longer, "", text.swapcase()) if each != text]))


def tenants() -> st.SearchStrategy[Tenant]:
    return st.builds(Tenant, id=tenant_ids(), name=names(), plan=st.sampled_from(Plan), created_at=moments())


def principals() -> st.SearchStrategy[Principal]:
    return st.builds(Principal, tenant_id=tenant_ids(), key_id=st.uuids(), role=st.sampled_from(Role))


@st.composite
def api_key_records(
    draw: st.DrawFn, *, state: st.SearchStrategy[KeyState] | None = None, at: datetime | None = None
) -> ApiKeyRecord:
    """Keys in any state, as it is ``at`` a moment (an hour after they were made, unless told otherwise)."""
    wanted = draw(st.sampled_from(KeyState) if state is None else state)
    created = at - timedelta(hours=1) if at else draw(moments())
    now = created + timedelta(hours=1)
    ended, going = now - timedelta(minutes=1), now + timedelta(minutes=1)
    fields: dict[str, Any] = {
        KeyState.VALID: draw(st.sampled_from([{}, {"expires_at": going}, {"rotated_at": ended, "expires_at": going}])),
        KeyState.EXPIRED: {"expires_at": draw(st.sampled_from([ended, now]))},
        KeyState.ROTATED: {"rotated_at": ended, "expires_at": draw(st.sampled_from([ended, now]))},
        KeyState.REVOKED: {"revoked_at": ended, **draw(st.sampled_from([{}, {"expires_at": going}]))},
    }[wanted]
    return ApiKeyRecord(
        tenant_id=draw(tenant_ids()),
        id=draw(st.uuids()),
        key_hash=draw(digests()),
        label=draw(names()),
        role=draw(st.sampled_from(Role)),
        created_at=created,
        last_used_at=draw(st.none() | st.just(created.replace(minute=0, second=0, microsecond=0))),
        **fields,
    )
