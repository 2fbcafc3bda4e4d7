"""API keys, and what an administrator sees, as the reference model answers for them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from clincore.testing.model.reference.refusals import LAST_ADMIN, ROTATED, no_key
from clincore.testing.model.reference.state import is_let_in, new_key, newest_first, with_state

if TYPE_CHECKING:
    from clincore.testing.model.calls import Answer, Json
    from clincore.testing.model.reference.state import Visit


def rotate_key(visit: Visit) -> Answer:
    old, tenant = visit.key, visit.tenant
    if old["rotated_at"] is not None:
        return ROTATED
    key_id, secret = visit.learned("key_id"), visit.learned("new_key")
    successor = new_key(key_id, label=old["label"], role=old["role"], at=visit.at, expires_at=old["expires_at"])
    ends = visit.at + timedelta(seconds=visit.call.body.get("grace_seconds", 0))
    old.update(rotated_at=visit.at, expires_at=min(ends, old["expires_at"] or ends))
    tenant.keys[key_id] = successor
    visit.world.secrets[secret] = (tenant.id, key_id)
    return {"new_key": secret, "key_id": key_id, "tenant_id": tenant.id}


def create_key(visit: Visit) -> Answer:
    body = visit.call.body
    key_id, secret = visit.learned("key_id"), visit.learned("api_key")
    label, role, ends = body["label"].strip(), body.get("role", "user"), body.get("expires_at")
    visit.tenant.keys[key_id] = new_key(key_id, label=label, role=role, at=visit.at, expires_at=ends)
    visit.world.secrets[secret] = (visit.tenant.id, key_id)
    made = {"api_key": secret, "key_id": key_id, "tenant_id": visit.tenant.id}
    return {**made, "label": label, "role": role, "created_at": visit.at, "expires_at": ends}


def list_keys(visit: Visit) -> Answer:
    keys = newest_first(visit.tenant.keys, "key_id")
    return visit.page([with_state(key, visit.at) for key in keys])


def revoke_key(visit: Visit) -> Answer:
    key = visit.tenant.keys.get(visit.asked)
    if key is None or key["revoked_at"] is not None:
        return no_key(visit.asked)
    admins = [one for one in visit.tenant.keys.values() if one["role"] == "admin" and is_let_in(one, visit.at)]
    if key in admins and all(one is key or one["rotated_at"] is not None for one in admins):
        return LAST_ADMIN
    key["revoked_at"] = visit.at
    return {"revoked": visit.asked}


def usage(visit: Visit) -> Answer:
    events = visit.tenant.usage
    since = visit.at.replace(second=0, microsecond=0) - timedelta(days=1)
    this_month = visit.at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    first = (this_month - timedelta(days=1)).replace(day=1)
    return {
        "total_calls": len(events),
        "calls_by_endpoint": dict(Counter(endpoint for _, endpoint, _ in events)),
        "calls_by_key": dict(Counter(key_id for key_id, _, _ in events)),
        "calls_by_day": dict(Counter(at.date().isoformat() for _, _, at in events if at >= first)),
        "last_24h_count": sum(at >= since for _, _, at in events),
    }


def list_access(visit: Visit) -> Answer:
    query = visit.call.query
    named = {name: query[name] for name in ("key_id", "action", "record_type", "record_id") if name in query}

    def is_wanted(line: Json) -> bool:
        return (
            all(line[name] == value for name, value in named.items())
            and ("since" not in query or query["since"] <= line["at"])
            and ("until" not in query or line["at"] < query["until"])
        )

    lines = sorted(visit.tenant.log, key=lambda line: (line["at"], line["id"]), reverse=True)
    return visit.page(list(filter(is_wanted, lines)))
