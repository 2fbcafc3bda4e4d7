"""What the model is run against: something that answers calls, and its operator."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from clincore.domain.identity import Plan, Role
    from clincore.testing.model.calls import Answer, Call, Json
    from clincore.testing.model.engine import Engine


class Tampering(StrEnum):
    """What somebody does to a finalized case who can write to the database past everything that guards it."""

    TEXT = "text"
    """A blank is put behind the stored text of the result."""
    SIGNATURE = "signature"
    """The signature is turned round."""
    INPUT = "input"
    """The row's ``input_payload`` becomes ``{"symptom_ids": [1]}``."""
    SNAPSHOT = "snapshot"
    """The row's ``ranking_snapshot`` becomes an empty list."""


Tamper: TypeAlias = "Callable[[str, str, Tampering], None]"
"""Does so to a tenant's case, named by their ids."""


@frozen(kw_only=True)
class Contents:
    """Everything that is kept of a tenant, found without leaving a trace; lists are in the order of the contract."""

    plan: str
    patients: list[Json]
    cases: list[Json]
    keys: list[Json]
    access_log: list[Json]


class Operator(Protocol):
    """Who looks after the deployment's tenants."""

    def create_tenant(self, name: str, plan: Plan) -> Json:
        """Set up a tenant; return ``tenant_id``, ``key_id`` and ``api_key`` of its first admin key."""
        ...

    def set_plan(self, tenant_id: str, plan: Plan) -> None: ...

    def create_key(self, tenant_id: str, label: str, role: Role, expires_at: datetime | None) -> Answer:
        """Make a key; return ``tenant_id``, ``key_id`` and ``api_key``."""
        ...

    def revoke_key(self, tenant_id: str, key_id: str) -> Answer:
        """End a key; return how many valid admin keys are left, as ``admins``."""
        ...

    def contents(self, tenant_id: str) -> Contents: ...


class Target(Protocol):
    """One deployment under test; examples follow each other on it, each with tenants of its own."""

    @property
    def operator(self) -> Operator: ...

    @property
    def engine(self) -> Engine:
        """The repertory that the target has loaded, and its methods, asked directly."""
        ...

    @property
    def free_tier_limit(self) -> int: ...

    @property
    def bootstrap_token(self) -> str: ...

    @property
    def tamper(self) -> Tamper | None:
        """The capability to write past everything that guards the database; None where the target has it not."""
        ...

    @property
    def moves_time(self) -> bool:
        """The capability to let time go by, and to answer at a moment that is known to the microsecond."""
        ...

    def begin(self) -> None:
        """Begin an example: the clock stands where it stood at the beginning of the one before."""
        ...

    def now(self) -> datetime: ...

    def let_pass(self, duration: timedelta) -> None:
        """Let time go by; only asked of a target that ``moves_time``."""
        ...

    def bootstrap(self, name: str, token: str | None) -> Answer:
        """Set up the first tenant; return ``tenant_id``, ``key_id`` and ``api_key``."""
        ...

    def answer(self, call: Call) -> Answer:
        """Make a call; raises nothing where it is refused."""
        ...
