"""What the in-memory database holds of one tenant."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from attrs import define, field

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from clincore.domain.access import AccessEntry
    from clincore.domain.case import Case
    from clincore.domain.idempotency import FirstAnswer
    from clincore.domain.identity import ApiKeyRecord, Tenant
    from clincore.domain.patient import Patient
    from clincore.domain.usage import Endpoint


@define
class TenantTables:
    """One tenant's records; tenants share nothing but the process."""

    tenant: Tenant | None = None
    patients: dict[UUID, Patient] = field(factory=dict, repr=False)
    cases: dict[UUID, Case] = field(factory=dict, repr=False)
    keys: dict[UUID, ApiKeyRecord] = field(factory=dict, repr=False)
    access_log: dict[UUID, AccessEntry] = field(factory=dict, repr=False)
    idempotency_keys: dict[tuple[str, str], FirstAnswer] = field(factory=dict, repr=False)
    usage_totals: Counter[tuple[UUID, Endpoint]] = field(factory=Counter, repr=False)
    usage_days: Counter[date] = field(factory=Counter, repr=False)
    usage_minutes: Counter[datetime] = field(factory=Counter, repr=False)


@define
class Tables:
    """All tenants' records, and when the deployment was bootstrapped."""

    tenants: dict[UUID, TenantTables] = field(factory=dict, repr=False)
    bootstrapped_at: datetime | None = None
