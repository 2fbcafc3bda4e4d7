"""One call to each address, as it would be made by somebody who has the ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from clincore.domain.usage import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from clincore.testing.model.calls import Json

    Asked: TypeAlias = Callable[[str, str, str], dict[str, Any]]

_INPUT: Final[Json] = {"input_payload": {"symptom_ids": [3, 7], "method": "coverage/1"}}
_PATIENT: Final[Json] = {"full_name": "Somebody"}

ASKED: Final[dict[Endpoint, Asked]] = {
    Endpoint.HEALTH: lambda *_: {},
    Endpoint.ROTATE_KEY: lambda *_: {"body": {"grace_seconds": 60}},
    Endpoint.CREATE_KEY: lambda *_: {"body": {"label": "Somebody's", "role": "admin"}},
    Endpoint.LIST_KEYS: lambda *_: {"query": {"limit": 5}},
    Endpoint.REVOKE_KEY: lambda _patient, _case, key: {"id": key},
    Endpoint.USAGE: lambda *_: {},
    Endpoint.LIST_ACCESS: lambda _patient, case, key: {"query": {"record_id": case, "key_id": key}},
    Endpoint.CREATE_PATIENT: lambda *_: {"body": _PATIENT},
    Endpoint.LIST_PATIENTS: lambda *_: {"query": {"q": "a"}},
    Endpoint.VIEW_PATIENT: lambda patient, *_: {"id": patient},
    Endpoint.EDIT_PATIENT: lambda patient, *_: {"id": patient, "body": _PATIENT},
    Endpoint.CREATE_CASE: lambda patient, *_: {"body": {"patient_id": patient, **_INPUT}},
    Endpoint.LIST_CASES: lambda patient, *_: {"query": {"patient_id": patient}},
    Endpoint.VIEW_CASE: lambda _patient, case, _key: {"id": case},
    Endpoint.EDIT_CASE: lambda _patient, case, _key: {"id": case, "body": _INPUT},
    Endpoint.RANK_CASE: lambda _patient, case, _key: {"id": case},
    Endpoint.FINALIZE_CASE: lambda _patient, case, _key: {"id": case},
    Endpoint.VERIFY_CASE: lambda _patient, case, _key: {"id": case},
    Endpoint.VIEW_REPERTORY: lambda *_: {},
    Endpoint.SEARCH_RUBRICS: lambda *_: {"query": {"q": "anxiety"}},
    Endpoint.VIEW_RUBRIC: lambda *_: {"id": "3"},
    Endpoint.LIST_REMEDIES: lambda *_: {"query": {"limit": 5}},
    Endpoint.RANK_RUBRICS: lambda *_: {"body": _INPUT["input_payload"]},
}
NAMING_RECORDS: Final = (
    Endpoint.REVOKE_KEY,
    Endpoint.LIST_ACCESS,
    Endpoint.VIEW_PATIENT,
    Endpoint.EDIT_PATIENT,
    Endpoint.CREATE_CASE,
    Endpoint.LIST_CASES,
    Endpoint.VIEW_CASE,
    Endpoint.EDIT_CASE,
    Endpoint.RANK_CASE,
    Endpoint.FINALIZE_CASE,
    Endpoint.VERIFY_CASE,
)
"""The calls that name a patient, a case or a key."""
