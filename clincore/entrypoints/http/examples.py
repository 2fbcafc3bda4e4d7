"""What the examples have in common: one clinic, one patient, one case, on the starter repertory."""

from __future__ import annotations

from typing import Any, Final

TENANT_ID: Final = "0197a1c4-52f0-7c3e-9d2b-3f6a8e1b4c70"
KEY_ID: Final = "6b1f6f3e-0c55-4c1c-8a1e-0d6f5e2a9b11"
OTHER_KEY_ID: Final = "b7f0f3f4-2f43-4f0e-8d5c-7d1c0a3b9e52"
PATIENT_ID: Final = "3f2b8c1d-7a64-4e0b-9c7d-5e1f2a3b4c5d"
CASE_ID: Final = "9d8c7b6a-5f4e-4d3c-8b2a-1f0e9d8c7b6a"
LINE_ID: Final = "c0ffee00-1d2e-4f3a-8b4c-5d6e7f809102"
API_KEY: Final = f"clc_{'0' * 22}_{'0' * 49}"
FINGERPRINT: Final = "3b1f9d2c6a7e4850b1c2d3e4f5061728394a5b6c7d8e9f00112233445566778899"[:64]
SIGNATURE: Final = "a4f1c0de2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6"
AT: Final = "2026-03-14T09:26:53.589793Z"
LATER: Final = "2026-03-14T09:41:07.120000Z"
CURSOR: Final = "WyIyMDI2LTAzLTE0VDA5OjI2OjUzKzAwOjAwIiwgIjNmMmI4YzFkIl0"

PATIENT: Final[dict[str, Any]] = {
    "id": PATIENT_ID,
    "full_name": "Ada Example",
    "birth_year": 1980,
    "phone": "030 1234567",
    "revision": 1,
    "created_at": AT,
    "updated_at": AT,
}
INPUT: Final[dict[str, Any]] = {
    "rubrics": [{"symptom_id": 8, "weight": 2}, {"symptom_id": 18}, {"symptom_id": 29}],
    "course": "chronic",
    "top_n": 2,
    "notes": "Worse at night.",
}
ROWS: Final[list[dict[str, Any]]] = [
    {
        "rank": 1,
        "remedy": "ars",
        "name": "Arsenicum album",
        "score": "1.893412",
        "raw_score": "6.000000",
        "coverage": "1.000000",
        "rubrics_hit": 3,
        "mind_strong_hits": 1,
        "tied": False,
    },
    {
        "rank": 2,
        "remedy": "puls",
        "name": "Pulsatilla pratensis",
        "score": "1.204519",
        "raw_score": "4.500000",
        "coverage": "0.666667",
        "rubrics_hit": 2,
        "mind_strong_hits": 0,
        "tied": False,
    },
]
RANKING: Final[dict[str, Any]] = {
    "ranking": ROWS,
    "method": "mcare/6.1",
    "case_type": "mixed",
    "course": "chronic",
    "repertory": FINGERPRINT,
    "remedies_evaluated": 57,
}
CASE: Final[dict[str, Any]] = {
    "id": CASE_ID,
    "patient_id": PATIENT_ID,
    "status": "draft",
    "input_payload": INPUT,
    "ranking_snapshot": None,
    "result_signature": None,
    "revision": 1,
    "created_at": AT,
    "updated_at": AT,
    "finalized_at": None,
    "replay_verdict": None,
    "replay_verified_at": None,
}
IN_TREE: Final[dict[str, Any]] = {"id": 8, "text": "ANXIETY", "remedies": 41, "children": 6}


def page(*items: dict[str, Any], following: str | None = None) -> dict[str, Any]:
    """A list's page."""
    return {"items": list(items), "next": following}
