"""The result that is signed: everything the ranking came from, and all of the ranking."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from clincore.domain.canonical_json import canonical_array, canonical_json, canonical_object, decimal_text
from clincore.domain.ranking.case import Bucket, CaseRubric, RankingCase

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from clincore.domain.canonical_json import JsonObject
    from clincore.domain.case import Case
    from clincore.domain.case_input import CaseInput
    from clincore.domain.ranking.ranking import Ranking
    from clincore.domain.repertory import RemedyStatistics, Rubric


def result_text(
    case: Case,
    entered: CaseInput,
    *,
    nonce: str,
    ranking_case: RankingCase,
    ranking: Ranking,
    parameters: JsonObject,
    repertory: JsonObject,
) -> str:
    """Return the canonical text of a case's result; ``repertory`` is the edition's identity.

    The nonce is random, so that a signature tells nothing about a small input that could be guessed.
    """
    members: JsonObject = {
        **_identity(case.tenant_id, case.id, case.patient_id, entered),
        "nonce": nonce,
        "course": ranking.course.value,
        "case_type": ranking.case_type.value,
        "method": _method(ranking.method, parameters),
        "rubrics": [_rubric(rubric) for rubric in ranking_case.rubrics],
        "repertory": repertory,
    }
    texts = {name: canonical_json(value) for name, value in members.items()}
    return canonical_object({**texts, "ranking": canonical_array([row.to_canonical() for row in ranking.rows])})


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
    result: Mapping[str, Any], entered: CaseInput, rubrics: Mapping[int, Rubric], statistics: RemedyStatistics
) -> RankingCase | None:
    """Put the input, with the stored buckets and flags, to a repertory's grades; None where either lacks a rubric."""
    stored = {entry["symptom_id"]: entry for entry in result["rubrics"]}
    if any(choice.symptom_id not in stored or choice.symptom_id not in rubrics for choice in entered.rubrics):
        return None
    return RankingCase(
        rubrics=tuple(
            CaseRubric(
                id=choice.symptom_id,
                weight=choice.weight,
                eliminate=choice.eliminate,
                bucket=Bucket(stored[choice.symptom_id]["bucket"]),
                ailments_from=stored[choice.symptom_id]["ailments_from"] is True,
                delusions=stored[choice.symptom_id]["delusions"] is True,
                grades=rubrics[choice.symptom_id].grades,
            )
            for choice in entered.rubrics
        ),
        course=entered.course,
        requested_type=entered.case_type,
        statistics=statistics,
        fingerprint=result["repertory"]["fingerprint"],
    )


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
