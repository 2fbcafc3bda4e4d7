"""Cases over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from clincore.entrypoints.http.answers import (
    CasePage,
    CaseRecord,
    EnteredCase,
    FinalizedAnswer,
    RankingAnswer,
    ReplayAnswer,
)
from clincore.entrypoints.http.bodies import CaseBody, CaseChanges
from clincore.entrypoints.http.encoding import answer, answer_page
from clincore.entrypoints.http.examples import (
    CASE,
    CASE_ID,
    CURSOR,
    INPUT,
    LATER,
    PATIENT_ID,
    RANKING,
    SIGNATURE,
    page,
)
from clincore.entrypoints.http.operation import Operation
from clincore.entrypoints.http.parameters import IDEMPOTENCY_HEADER, clinic_of, etag, expected_revision, path_uuid
from clincore.entrypoints.http.problems import (
    FINALIZED,
    INVALID,
    NO_CASE,
    NO_PATIENT,
    NOT_FINALIZED,
    PLAN_LIMIT,
    REPERTORY,
    UNKNOWN_METHOD,
)
from clincore.entrypoints.http.queries import CasesQuery, RankingQuery, read_query
from clincore.entrypoints.http.reading import read_body

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


async def create_case(request: Request) -> Response:
    clinic = clinic_of(request)
    body = await read_body(request, CaseBody)
    case = await clinic.cases.create(
        body.patient_id,
        body.input_payload.payload("input_payload"),
        idempotency_key=request.headers.get(IDEMPOTENCY_HEADER),
    )
    headers = {**etag(case.revision), "Location": f"/cases/{case.id}"}
    return answer(EnteredCase(case_id=case.id), 201, headers)


async def list_cases(request: Request) -> Response:
    clinic = clinic_of(request)
    asked = read_query(request, CasesQuery)
    found = await clinic.cases.list(
        patient_id=asked.patient_id, status=asked.status, limit=asked.limit, cursor=asked.cursor
    )
    return answer_page(request, CasePage.of(found))


async def view_case(request: Request) -> Response:
    case = await clinic_of(request).cases.get(path_uuid(request, "id", NO_CASE))
    return answer(CaseRecord.of(case), headers=etag(case.revision))


async def edit_case(request: Request) -> Response:
    clinic = clinic_of(request)
    case_id = path_uuid(request, "id", NO_CASE)
    revision = expected_revision(request)
    body = await read_body(request, CaseChanges)
    case = await clinic.cases.edit(case_id, body.input_payload.payload("input_payload"), revision=revision)
    return answer(CaseRecord.of(case), headers=etag(case.revision))


async def rank_case(request: Request) -> Response:
    clinic = clinic_of(request)
    asked = read_query(request, RankingQuery)
    found = await clinic.cases.rank(path_uuid(request, "id", NO_CASE), stability=asked.stability)
    return answer(RankingAnswer.of(found, grid=asked.grid))


async def finalize_case(request: Request) -> Response:
    done = await clinic_of(request).cases.finalize(path_uuid(request, "id", NO_CASE))
    return answer(FinalizedAnswer.of_finalized(done), headers=etag(done.case.revision))


async def verify_case(request: Request) -> Response:
    replay = await clinic_of(request).cases.verify_replay(path_uuid(request, "id", NO_CASE))
    return answer(ReplayAnswer.of(replay))


_RANKS: Final = (INVALID, UNKNOWN_METHOD, REPERTORY)
"""Of a stored input: the loaded repertory may lack a rubric by now."""
_OF_CASE: Final = {"id": "$response.body#/case_id"}
OPERATIONS: Final = (
    Operation(
        name="create_case",
        method="POST",
        path="/cases",
        handler=create_case,
        tag="Cases",
        summary="Enter a draft for a patient",
        description="The free plan has only so many in a month (UTC). Unknown and repeated rubrics are refused.",
        body=CaseBody,
        is_repeatable=True,
        status=201,
        answer=EnteredCase,
        headers={"ETag": "Names the revision, for If-Match.", "Location": "Where the case is."},
        refusals=(PLAN_LIMIT, NO_PATIENT, REPERTORY),
        sends={"body": {"patient_id": PATIENT_ID, "input_payload": INPUT}},
        example={"case_id": CASE_ID, "status": "draft"},
        links={
            "view_case": _OF_CASE,
            "edit_case": {**_OF_CASE, "If-Match": "$response.header.ETag"},
            "rank_case": _OF_CASE,
            "finalize_case": _OF_CASE,
        },
    ),
    Operation(
        name="list_cases",
        method="GET",
        path="/cases",
        handler=list_cases,
        tag="Cases",
        summary="List cases",
        description="Newest first.",
        query=CasesQuery,
        answer=CasePage,
        sends={"patient_id": PATIENT_ID, "status": "draft"},
        example=page(CASE, following=CURSOR),
    ),
    Operation(
        name="view_case",
        method="GET",
        path="/cases/{id}",
        handler=view_case,
        tag="Cases",
        summary="See a case",
        answer=CaseRecord,
        headers={"ETag": "Names the revision, for If-Match."},
        refusals=(NO_CASE,),
        sends={"id": CASE_ID},
        example=CASE,
        links={
            "edit_case": {"id": "$response.body#/id", "If-Match": "$response.header.ETag"},
            "view_patient": {"id": "$response.body#/patient_id"},
        },
    ),
    Operation(
        name="edit_case",
        method="PATCH",
        path="/cases/{id}",
        handler=edit_case,
        tag="Cases",
        summary="Put another input in the place of a draft's",
        body=CaseChanges,
        is_edit=True,
        answer=CaseRecord,
        headers={"ETag": "Names the new revision."},
        refusals=(NO_CASE, FINALIZED, REPERTORY),
        sends={"id": CASE_ID, "body": {"input_payload": {"symptom_ids": [8, 18]}}},
        example={**CASE, "input_payload": {"symptom_ids": [8, 18]}, "revision": 2},
    ),
    Operation(
        name="rank_case",
        method="GET",
        path="/cases/{id}/ranking",
        handler=rank_case,
        tag="Cases",
        summary="See the ranking that a draft would get now",
        query=RankingQuery,
        answer=RankingAnswer,
        refusals=(NO_CASE, FINALIZED, *_RANKS),
        sends={"id": CASE_ID, "grid": True},
        example={
            **RANKING,
            "ranking": RANKING["ranking"][:1],
            "grid": [
                {
                    "remedy": "ars",
                    "score": "1.893412",
                    "cells": [{"symptom_id": 8, "grade": 3, "contribution": "1.893412"}],
                }
            ],
        },
    ),
    Operation(
        name="finalize_case",
        method="POST",
        path="/cases/{id}/finalize",
        handler=finalize_case,
        tag="Cases",
        summary="Rank, sign and close a draft for good",
        description="Of several at once one wins; the others are answered 409.",
        answer=FinalizedAnswer,
        headers={"ETag": "Names the last revision."},
        refusals=(NO_CASE, FINALIZED, *_RANKS),
        sends={"id": CASE_ID},
        example={**RANKING, "case_id": CASE_ID, "status": "finalized", "signature": SIGNATURE},
        links={"verify_case": _OF_CASE, "view_case": _OF_CASE},
    ),
    Operation(
        name="verify_case",
        method="POST",
        path="/cases/{id}/verify-replay",
        handler=verify_case,
        tag="Cases",
        summary="Check that a finalized case still gives the same result",
        description=(
            "The verdict is `verified`; `signature_mismatch` (the stored text does not hash to the signature); "
            "`row_differs` (the row says otherwise than the text); `ranking_differs` (ranking the input again gives "
            "something else); or `repertory_differs` (the loaded repertory is another one: no false alarm)."
        ),
        answer=ReplayAnswer,
        refusals=(NO_CASE, NOT_FINALIZED, UNKNOWN_METHOD, REPERTORY),
        sends={"id": CASE_ID},
        example={
            "ok": True,
            "case_id": CASE_ID,
            "expected": SIGNATURE,
            "computed": SIGNATURE,
            "verified_at": LATER,
            "verdict": "verified",
        },
    ),
)
