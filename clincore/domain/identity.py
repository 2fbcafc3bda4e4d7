"""Tenants, and who acts for one of them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


class Role(StrEnum):
    ADMIN = "admin"
    USER = "user"


class KeyState(StrEnum):
    """Whether a key is let in, and why it is not."""

    VALID = "valid"
    EXPIRED = "expired"
    ROTATED = "rotated"
    REVOKED = "revoked"


class Plan(StrEnum):
    FREE = "free"
    PAID = "paid"
    SUBSCRIPTION = "subscription"

    @property
    def is_limited(self) -> bool:
        """Whether the plan allows only so many new cases a month."""
        return self is Plan.FREE


@frozen(kw_only=True)
class Tenant:
    """One clinic."""

    id: UUID
    name: str = field(repr=False)
    plan: Plan = Plan.FREE
    created_at: datetime


@frozen(kw_only=True)
class Principal:
    """Who makes a call: the key, its role and its tenant."""

    tenant_id: UUID
    key_id: UUID
    role: Role


@frozen(kw_only=True)
class ApiKeyRecord:
    """What is kept of an API key: never the key, only its SHA-256 (hex).

    ``rotated_at`` is set once a successor was made; a key without ``revoked_at`` is valid until ``expires_at``.
    """

    tenant_id: UUID
    id: UUID
    key_hash: str = field(repr=False)
    label: str = field(repr=False)
    role: Role
    created_at: datetime
    expires_at: datetime | None = None
    rotated_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_valid(self, at: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)

    def state(self, at: datetime) -> KeyState:
        """Return ``valid`` as long as the key is let in, in the grace after its rotation too."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        if self.is_valid(at):
            return KeyState.VALID
        return KeyState.EXPIRED if self.rotated_at is None else KeyState.ROTATED

    def principal(self) -> Principal:
        return Principal(tenant_id=self.tenant_id, key_id=self.id, role=self.role)
