"""The result that is signed: everything the ranking came from, and all of the ranking."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from clincore.domain.canonical_json import canonical_json, decimal_text
from clincore.domain.ranking.case import Bucket, CaseRubric, CaseType, Course, RankingCase

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from clincore.domain.canonical_json import JsonObject
    from clincore.domain.case import Case
    from clincore.domain.case_input import CaseInput
    from clincore.domain.ranking.ranking import Ranking
    from clincore.domain.repertory import Edition, RemedyStatistics, Rubric


def result_text(
    case: Case,
    entered: CaseInput,
    *,
    nonce: str,
    ranking_case: RankingCase,
    ranking: Ranking,
    parameters: JsonObject,
    edition: Edition,
) -> str:
    """Return the canonical text of a case's result.

    The nonce is random, so that a signature tells nothing about a small input that could be guessed.
    """
    return canonical_json(
        {
            **_identity(case.tenant_id, case.id, case.patient_id, entered),
            "nonce": nonce,
            "course": ranking.course.value,
            "case_type": ranking.case_type.value,
            "method": _method(ranking.method, parameters),
            "rubrics": [_rubric(rubric) for rubric in ranking_case.rubrics],
            "repertory": {
                "name": edition.name,
                "edition": edition.edition,
                "fingerprint": edition.fingerprint,
            },
            "ranking": [row.to_json() for row in ranking.rows],
        }
    )


def read_result(text: str) -> dict[str, Any]:
    """Return the value of a stored text, which must have been found intact."""
    value: dict[str, Any] = json.loads(text)
    return value


def agrees_with_row(result: Mapping[str, Any], case: Case, entered: CaseInput) -> bool:
    """Whether the row's columns say what the signed result says."""
    finalization = case.require_finalized()
    said = _identity(case.tenant_id, case.id, case.patient_id, entered)
    snapshot = json.dumps(list(finalization.ranking_snapshot), sort_keys=True, default=str)  # 1, 1.0 and true differ
    return all(result[name] == json.loads(canonical_json(value)) for name, value in said.items()) and (
        json.dumps(result["ranking"], sort_keys=True) == snapshot
    )


def stored_ranking_case(
    result: Mapping[str, Any], rubrics: Mapping[int, Rubric], statistics: RemedyStatistics
) -> RankingCase | None:
    """Put the stored weights, buckets and flags to a repertory's grades; None where it lacks a rubric."""
    if any(entry["symptom_id"] not in rubrics for entry in result["rubrics"]):
        return None
    return RankingCase(
        rubrics=tuple(
            CaseRubric(
                id=entry["symptom_id"],
                weight=Decimal(entry["weight"]),
                eliminate=entry["eliminate"],
                bucket=Bucket(entry["bucket"]),
                ailments_from=entry["ailments_from"],
                delusions=entry["delusions"],
                grades=rubrics[entry["symptom_id"]].grades,
            )
            for entry in result["rubrics"]
        ),
        course=Course(result["course"]),
        requested_type=CaseType(result["case_type"]),
        statistics=statistics,
        fingerprint=result["repertory"]["fingerprint"],
    )


def with_ranking(result: Mapping[str, Any], ranking: Ranking) -> str:
    """Return the canonical text of the same result with another ranking in its place."""
    return canonical_json({**result, "ranking": [row.to_json() for row in ranking.rows]})


def _identity(tenant_id: UUID, case_id: UUID, patient_id: UUID, entered: CaseInput) -> JsonObject:
    return {
        "tenant_id": str(tenant_id),
        "case_id": str(case_id),
        "patient_id": str(patient_id),
        "input": entered.to_canonical(),
    }


def _method(name: str, parameters: JsonObject) -> JsonObject:
    bare, _, version = name.rpartition("/")
    return {"name": bare, "version": version, "parameters": parameters}


def _rubric(rubric: CaseRubric) -> JsonObject:
    return {
        "symptom_id": rubric.id,
        "weight": decimal_text(rubric.weight),
        "eliminate": rubric.eliminate,
        "bucket": rubric.bucket.value,
        "ailments_from": rubric.ailments_from,
        "delusions": rubric.delusions,
    }
