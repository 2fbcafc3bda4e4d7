"""What the reference model knows of each tenant."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

if TYPE_CHECKING:
    from clincore.testing.model.calls import Answer, Call, Json
    from clincore.testing.model.engine import Engine


@frozen
class Hour:
    """The hour that a moment belongs to, where the moment itself is known no better than the target's clock allows."""

    at: datetime


@define
class Tenant:
    """One tenant's records, by id; each is what a list of them would show, and a name with _ what it would not.

    ``usage`` holds (key id, endpoint, moment); ``once`` what a call with an Idempotency-Key was given and answered.
    """

    id: str
    number: int
    plan: str
    patients: dict[str, Json] = field(factory=dict)
    cases: dict[str, Json] = field(factory=dict)
    keys: dict[str, Json] = field(factory=dict)
    log: list[Json] = field(factory=list)
    usage: list[tuple[str, str, datetime]] = field(factory=list)
    once: dict[tuple[str, str], Json] = field(factory=dict)


@define
class World:
    """All tenants; ``secrets`` leads from the text of an API key to its tenant and id, ``cursors`` to where they go."""

    engine: Engine
    free_tier_limit: int
    bootstrapped: bool
    tenants: dict[str, Tenant] = field(factory=dict)
    secrets: dict[str, tuple[str, str]] = field(factory=dict)
    cursors: dict[str, int] = field(factory=dict)


@frozen(kw_only=True)
class Visit:
    """One call that was let in; ``seen`` is what the target answered: ids and secrets are learned from it alone."""

    world: World
    tenant: Tenant
    key: Json
    call: Call
    at: datetime
    seen: Answer

    @property
    def asked(self) -> str:
        assert self.call.id is not None
        return self.call.id

    def learned(self, name: str) -> str:
        """Return an id or a secret that the target has made."""
        assert isinstance(self.seen, dict), f"{self.call.endpoint} should have been answered, not {self.seen}"
        made = self.seen[name]
        assert isinstance(made, str)
        return made

    def log(self, action: str, record_type: str, record_id: str | None, asked: str | None = None) -> None:
        line = {
            "id": None,
            "key_id": self.key["key_id"],
            "action": action,
            "record_type": record_type,
            "record_id": record_id,
            "filter": asked,
            "request_id": self.call.request_id,
            "at": self.at,
        }
        self.tenant.log.append(line)

    def page(self, items: list[Json]) -> Json:
        """Return the page of a whole list that the call's limit and cursor name."""
        query = self.call.query
        start = self.world.cursors[query["cursor"]] if "cursor" in query else 0
        end = start + query.get("limit", 50)
        following = None
        if end < len(items):
            following = self.learned("next")
            self.world.cursors[following] = end
        return {"items": [shown(item) for item in items[start:end]], "next": following}


def shown(record: Json) -> Json:
    """Return what is shown of a record."""
    return {name: value for name, value in record.items() if not name.startswith("_")}


def newest_first(records: dict[str, Json], id_name: str = "id") -> list[Json]:
    return sorted(records.values(), key=lambda record: (record["created_at"], record[id_name]), reverse=True)


def is_let_in(key: Json, at: datetime) -> bool:
    return key["revoked_at"] is None and (key["expires_at"] is None or at < key["expires_at"])


def with_state(key: Json, at: datetime) -> Json:
    """Return a key as a list shows it."""
    if key["revoked_at"] is not None:
        state = "revoked"
    elif is_let_in(key, at):
        state = "valid"
    else:
        state = "expired" if key["rotated_at"] is None else "rotated"
    return shown({**key, "state": state})


def new_key(key_id: str, *, label: str, role: str, at: datetime, expires_at: datetime | None) -> Json:
    dates: dict[str, Any] = {"rotated_at": None, "revoked_at": None, "last_used_at": None}
    return {"key_id": key_id, "label": label, "role": role, "created_at": at, "expires_at": expires_at, **dates}
