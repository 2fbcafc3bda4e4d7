"""Patients on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

from clincore.adapters.postgres.pages import page_of, page_parameters, pattern_for
from clincore.domain.page import Page, PageRequest, Position
from clincore.domain.patient import Patient, PatientDetails

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from clincore.adapters.postgres.statement import Row
    from clincore.adapters.postgres.transaction import PostgresTransaction
    from clincore.ports.pending import Pending

_GET: Final[LiteralString] = """
    SELECT tenant_id, id, full_name, birth_year, phone, revision, created_at, updated_at
    FROM public.patients WHERE tenant_id = %(tenant_id)s AND id = %(id)s
"""
_ADD: Final[LiteralString] = """
    INSERT INTO public.patients (tenant_id, id, full_name, birth_year, phone, revision, created_at, updated_at)
    VALUES (%(tenant_id)s, %(id)s, %(full_name)s, %(birth_year)s, %(phone)s, %(revision)s, %(created_at)s,
            %(updated_at)s)
"""
_REPLACE: Final[LiteralString] = """
    UPDATE public.patients
    SET full_name = %(full_name)s, birth_year = %(birth_year)s, phone = %(phone)s, revision = %(revision)s,
        updated_at = %(updated_at)s
    WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND revision = %(revision)s - 1
"""
_LIST: Final[LiteralString] = """
    SELECT tenant_id, id, full_name, birth_year, phone, revision, created_at, updated_at
    FROM public.patients
    WHERE tenant_id = %(tenant_id)s
      AND (%(pattern)s::text IS NULL OR full_name ILIKE %(pattern)s)
      AND (%(after_at)s::timestamptz IS NULL OR (created_at, id) < (%(after_at)s, %(after_id)s::uuid))
    ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""


class PostgresPatientStore:
    """The patients of one unit of work's tenant."""

    def __init__(self, work: PostgresTransaction) -> None:
        self._work = work

    def get(self, patient_id: UUID) -> Pending[Patient | None]:
        return self._work.ask(_GET, {"id": patient_id}, _maybe_patient, reads_record=True)

    def add(self, patient: Patient) -> None:
        self._work.require_own(patient.tenant_id)
        self._work.write(_ADD, {**_parameters(patient), "created_at": patient.created_at})

    def replace(self, patient: Patient) -> Pending[bool]:
        self._work.require_own(patient.tenant_id)
        return self._work.write(_REPLACE, _parameters(patient))

    def list(self, name: str | None, page: PageRequest) -> Pending[Page[Patient]]:
        return self._work.ask(
            _LIST,
            {"pattern": pattern_for(name) if name else None, **page_parameters(page)},
            lambda rows: page_of(rows, page, _patient, lambda row: Position(row.created_at, row.id)),
        )


def _parameters(patient: Patient) -> dict[str, object]:
    return {
        "id": patient.id,
        "full_name": patient.details.full_name,
        "birth_year": patient.details.birth_year,
        "phone": patient.details.phone,
        "revision": patient.revision,
        "updated_at": patient.updated_at,
    }


def _maybe_patient(rows: Sequence[Row]) -> Patient | None:
    return _patient(rows[0]) if rows else None


def _patient(row: Row) -> Patient:
    tenant_id, patient_id, full_name, birth_year, phone, revision, created_at, updated_at = row
    return Patient(
        tenant_id=tenant_id,
        id=patient_id,
        details=PatientDetails(full_name=full_name, birth_year=birth_year, phone=phone),
        revision=revision,
        created_at=created_at,
        updated_at=updated_at,
    )
