"""Patients over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from clincore.entrypoints.http.answers import PatientPage, PatientRecord
from clincore.entrypoints.http.bodies import PatientBody, PatientChanges
from clincore.entrypoints.http.encoding import answer, answer_page
from clincore.entrypoints.http.examples import CURSOR, PATIENT, PATIENT_ID, page
from clincore.entrypoints.http.operation import Operation
from clincore.entrypoints.http.parameters import IDEMPOTENCY_HEADER, clinic_of, etag, expected_revision, path_uuid
from clincore.entrypoints.http.problems import NO_PATIENT
from clincore.entrypoints.http.queries import PatientsQuery, read_query
from clincore.entrypoints.http.reading import read_body

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
        idempotency_key=request.headers.get(IDEMPOTENCY_HEADER),
    )
    headers = {**etag(patient.revision), "Location": f"/patients/{patient.id}"}
    return answer(PatientRecord.of(patient), 201, headers)


async def list_patients(request: Request) -> Response:
    clinic = clinic_of(request)
    asked = read_query(request, PatientsQuery)
    found = await clinic.patients.list(asked.q, limit=asked.limit, cursor=asked.cursor)
    return answer_page(request, PatientPage.of(found))


async def view_patient(request: Request) -> Response:
    patient = await clinic_of(request).patients.get(path_uuid(request, "id", NO_PATIENT))
    return answer(PatientRecord.of(patient), headers=etag(patient.revision))


async def edit_patient(request: Request) -> Response:
    clinic = clinic_of(request)
    patient_id = path_uuid(request, "id", NO_PATIENT)
    revision = expected_revision(request)
    changes = await read_body(request, PatientChanges)
    given = {name: getattr(changes, name) for name in changes.__struct_fields__}
    patient = await clinic.patients.edit(
        patient_id,
        revision=revision,
        clear=frozenset(name for name, value in given.items() if value is None),
        **{name: value for name, value in given.items() if value is not UNSET and value is not None},
    )
    return answer(PatientRecord.of(patient), headers=etag(patient.revision))


_LINKS: Final[dict[str, dict[str, Any]]] = {
    "view_patient": {"id": "$response.body#/id"},
    "edit_patient": {"id": "$response.body#/id", "If-Match": "$response.header.ETag"},
    "list_cases": {"patient_id": "$response.body#/id"},
    "create_case": {"body": {"patient_id": "$response.body#/id", "input_payload": {"symptom_ids": [8, 18, 29]}}},
}
OPERATIONS: Final = (
    Operation(
        name="create_patient",
        method="POST",
        path="/patients",
        handler=create_patient,
        tag="Patients",
        summary="Enter a patient",
        body=PatientBody,
        is_repeatable=True,
        status=201,
        answer=PatientRecord,
        headers={"ETag": "Names the revision, for If-Match.", "Location": "Where the patient is."},
        sends={"body": {"full_name": "Ada Example", "birth_year": 1980, "phone": "030 1234567"}},
        example=PATIENT,
        links=_LINKS,
    ),
    Operation(
        name="list_patients",
        method="GET",
        path="/patients",
        handler=list_patients,
        tag="Patients",
        summary="List patients, or find one by a part of the name",
        description="Newest first.",
        query=PatientsQuery,
        answer=PatientPage,
        sends={"q": "exam", "limit": 50},
        example=page(PATIENT, following=CURSOR),
    ),
    Operation(
        name="view_patient",
        method="GET",
        path="/patients/{id}",
        handler=view_patient,
        tag="Patients",
        summary="See a patient",
        answer=PatientRecord,
        headers={"ETag": "Names the revision, for If-Match."},
        refusals=(NO_PATIENT,),
        sends={"id": PATIENT_ID},
        example=PATIENT,
        links={name: _LINKS[name] for name in ("edit_patient", "list_cases", "create_case")},
    ),
    Operation(
        name="edit_patient",
        method="PATCH",
        path="/patients/{id}",
        handler=edit_patient,
        tag="Patients",
        summary="Change a patient",
        description="What is left away stays as it is; null empties an optional field.",
        body=PatientChanges,
        is_edit=True,
        answer=PatientRecord,
        headers={"ETag": "Names the new revision."},
        refusals=(NO_PATIENT,),
        sends={"id": PATIENT_ID, "body": {"phone": None}},
        example={**PATIENT, "phone": None, "revision": 2},
    ),
)
