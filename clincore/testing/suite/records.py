"""Records of a tenant, for laws: all made at one moment unless told otherwise."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from attrs import evolve

from clincore.domain.case import Case
from clincore.domain.case_input import CaseInput
from clincore.domain.page import PageRequest
from clincore.domain.patient import Patient, PatientDetails
from clincore.domain.signature import SignedResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clincore.testing.suite.members import Member

NOW: Final = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
ALL: Final = PageRequest(limit=200)


def new_id() -> UUID:
    """Return an id that is the same when Hypothesis runs an example again, so that order by id is too."""
    return UUID(int=random.getrandbits(128), version=4)


def digest_of(*numbers: UUID) -> str:
    """Return 64 hex digits that no other ids give."""
    return sha256(b"".join(number.bytes for number in numbers)).hexdigest()


def new_patient(member: Member, name: str = "Anna Example", *, at: datetime = NOW, id: UUID | None = None) -> Patient:
    details = PatientDetails(full_name=name, birth_year=1969, phone="+49 30 1234")
    return Patient.enter(details, tenant_id=member.tenant_id, patient_id=id or new_id(), at=at)


def renamed(patient: Patient, name: str) -> Patient:
    """The patient's next revision under another name."""
    return patient.edit(evolve(patient.details, full_name=name), NOW + MINUTE)


def new_case(
    member: Member,
    patient_id: UUID,
    payload: Mapping[str, Any] | None = None,
    *,
    at: datetime = NOW,
    id: UUID | None = None,
) -> Case:
    entered = CaseInput.parse(payload or {"symptom_ids": [7, 8]})
    return Case.draft(entered, tenant_id=member.tenant_id, patient_id=patient_id, case_id=id or new_id(), at=at)


def edited(case: Case, payload: Mapping[str, Any] | None = None) -> Case:
    return case.edit(CaseInput.parse(payload or {"symptom_ids": [9]}), NOW + MINUTE)


def finalized(case: Case, text: str = '{"ranking":[]}') -> Case:
    return case.finalize(SignedResult.sign(text), [{"rank": 1, "remedy": "Ars.", "tied": False}], NOW + MINUTE)
