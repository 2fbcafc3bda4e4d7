"""Records as JSON: what is stored is text, so that nobody outside can change it, and what is read is a copy."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from attrs import fields, frozen

from clincore.domain.access import AccessEntry, Action, RecordType
from clincore.domain.case import Case, Finalization
from clincore.domain.idempotency import FirstAnswer
from clincore.domain.identity import ApiKeyRecord, Plan, Role, Tenant
from clincore.domain.patient import Patient, PatientDetails
from clincore.domain.signature import SignedResult
from clincore.domain.usage import Endpoint


@frozen(kw_only=True)
class CountedCall:
    """One answered call."""

    key_id: UUID
    endpoint: Endpoint
    at: datetime


_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        *(Tenant, ApiKeyRecord, Patient, PatientDetails, Case, Finalization, SignedResult),
        *(AccessEntry, CountedCall, FirstAnswer),
    )
}
_PLAIN: dict[str, Any] = {"UUID": UUID, "datetime": datetime.fromisoformat, "Decimal": Decimal}
_ENUMS = {"plan": Plan, "role": Role, "action": Action, "record_type": RecordType, "endpoint": Endpoint}


def to_text(record: object) -> str:
    return json.dumps(record, default=_written, separators=(",", ":"))


def from_text(text: str) -> Any:
    return json.loads(text, object_hook=_read)


def _written(value: Any) -> dict[str, object]:
    """A value that JSON does not have, under the name of its type."""
    kind = type(value).__name__
    if kind in _KINDS:
        return {"$": kind, **{each.name: getattr(value, each.name) for each in fields(type(value))}}
    return {"$": kind, "value": value.isoformat() if isinstance(value, datetime) else str(value)}


def _read(value: dict[str, Any]) -> object:
    kind = value.pop("$", None)
    if kind is None:
        return value
    if kind in _PLAIN:
        return _PLAIN[kind](value["value"])
    for name in value.keys() & _ENUMS.keys():
        value[name] = value[name] and _ENUMS[name](value[name])
    return _KINDS[kind](**value)
