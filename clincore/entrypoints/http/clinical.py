"""Patients, cases and rankings over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import UNSET
from starlette.routing import Route

from clincore.domain.case import CaseStatus
from clincore.domain.errors import CaseNotFound, InvalidInput, PatientNotFound, Problem
from clincore.entrypoints.http.answers import (
    case_json,
    page_json,
    patient_json,
    replay_json,
)
from clincore.entrypoints.http.bodies import (
    CaseBody,
    CaseChanges,
    InputBody,
    PatientBody,
    PatientChanges,
    read_body,
)
from clincore.entrypoints.http.encoding import answer
from clincore.entrypoints.http.parameters import clinic_of, etag, expected_revision, flag, page_of, path_id, query

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


async def create_patient(request: Request) -> Response:
    clinic = clinic_of(request)
    body = await read_body(request, PatientBody)
    patient = await clinic.patients.create(
        full_name=body.full_name,
        birth_year=body.birth_year,
        phone=body.phone,
        idempotency_key=request.headers.get("idempotency-key"),
    )
    return answer(patient_json(patient), 201, {**etag(patient.revision), "Location": f"/patients/{patient.id}"})


async def list_patients(request: Request) -> Response:
    clinic = clinic_of(request)
    asked = query(request, "q", "limit", "cursor")
    limit, cursor = page_of(asked)
    page = await clinic.patients.list(asked.get("q"), limit=limit, cursor=cursor)
    body, headers = page_json(request, page, patient_json)
    return answer(body, headers=headers)


async def view_patient(request: Request) -> Response:
    patient = await clinic_of(request).patients.get(path_id(request, _NoPatient))
    return answer(patient_json(patient), headers=etag(patient.revision))


async def edit_patient(request: Request) -> Response:
    clinic = clinic_of(request)
    patient_id = path_id(request, _NoPatient)
    revision = expected_revision(request)
    changes = await read_body(request, PatientChanges)
    given = {name: getattr(changes, name) for name in ("full_name", "birth_year", "phone")}
    patient = await clinic.patients.edit(
        patient_id,
        revision=revision,
        clear=frozenset(name for name, value in given.items() if value is None),
        **{name: value for name, value in given.items() if value is not UNSET and value is not None},
    )
    return answer(patient_json(patient), headers=etag(patient.revision))


async def create_case(request: Request) -> Response:
    clinic = clinic_of(request)
    body = await read_body(request, CaseBody)
    case = await clinic.cases.create(
        body.patient_id,
        body.input_payload.payload("input_payload"),
        idempotency_key=request.headers.get("idempotency-key"),
    )
    headers = {**etag(case.revision), "Location": f"/cases/{case.id}"}
    return answer({"case_id": case.id, "status": case.status}, 201, headers)


async def list_cases(request: Request) -> Response:
    clinic = clinic_of(request)
    asked = query(request, "patient_id", "status", "limit", "cursor")
    limit, cursor = page_of(asked)
    page = await clinic.cases.list(
        patient_id=_patient_filter(asked.get("patient_id")),
        status=_status_filter(asked.get("status")),
        limit=limit,
        cursor=cursor,
    )
    body, headers = page_json(request, page, case_json)
    return answer(body, headers=headers)


async def view_case(request: Request) -> Response:
    case = await clinic_of(request).cases.get(path_id(request, _NoCase))
    return answer(case_json(case), headers=etag(case.revision))


async def edit_case(request: Request) -> Response:
    clinic = clinic_of(request)
    case_id = path_id(request, _NoCase)
    revision = expected_revision(request)
    body = await read_body(request, CaseChanges)
    case = await clinic.cases.edit(case_id, body.input_payload.payload("input_payload"), revision=revision)
    return answer(case_json(case), headers=etag(case.revision))


async def rank_case(request: Request) -> Response:
    clinic = clinic_of(request)
    asked = query(request, "grid", "stability")
    grid, stability = flag(asked, "grid"), flag(asked, "stability")
    found = await clinic.cases.rank(path_id(request, _NoCase), stability=stability)
    return answer(found.to_json(grid=grid))


async def finalize_case(request: Request) -> Response:
    done = await clinic_of(request).cases.finalize(path_id(request, _NoCase))
    return answer(
        {
            "case_id": done.case.id,
            "status": done.case.status,
            "signature": done.signature,
            **done.repertorization.to_json(),
        },
        headers=etag(done.case.revision),
    )


async def verify_case(request: Request) -> Response:
    replay = await clinic_of(request).cases.verify_replay(path_id(request, _NoCase))
    return answer(replay_json(replay))


async def rank_rubrics(request: Request) -> Response:
    clinic = clinic_of(request)
    asked = query(request, "grid", "stability")
    grid, stability = flag(asked, "grid"), flag(asked, "stability")
    body = await read_body(request, InputBody)
    found = await clinic.rankings.rank(body.payload(""), stability=stability)
    return answer(found.to_json(grid=grid))


class _NoPatient(PatientNotFound):
    def __init__(self) -> None:
        Exception.__init__(self, "There is no such patient: an id is a UUID.")


class _NoCase(CaseNotFound):
    def __init__(self) -> None:
        Exception.__init__(self, "There is no such case: an id is a UUID.")


def _patient_filter(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text is not None else None
    except ValueError:
        raise InvalidInput([Problem("patient_id", "must be a UUID")]) from None


def _status_filter(text: str | None) -> CaseStatus | None:
    try:
        return CaseStatus(text) if text is not None else None
    except ValueError:
        raise InvalidInput([Problem("status", f"must be one of {', '.join(CaseStatus)}")]) from None


ROUTES = [
    Route("/patients", create_patient, methods=["POST"]),
    Route("/patients", list_patients, methods=["GET"]),
    Route("/patients/{id}", view_patient, methods=["GET"]),
    Route("/patients/{id}", edit_patient, methods=["PATCH"]),
    Route("/cases", create_case, methods=["POST"]),
    Route("/cases", list_cases, methods=["GET"]),
    Route("/cases/{id}", view_case, methods=["GET"]),
    Route("/cases/{id}", edit_case, methods=["PATCH"]),
    Route("/cases/{id}/ranking", rank_case, methods=["GET"]),
    Route("/cases/{id}/finalize", finalize_case, methods=["POST"]),
    Route("/cases/{id}/verify-replay", verify_case, methods=["POST"]),
    Route("/repertory/rankings", rank_rubrics, methods=["POST"]),
]
