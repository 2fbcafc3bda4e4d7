"""Patients: their details are trimmed and checked, and a record is changed by revisions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.errors import InvalidInput
from clincore.domain.patient import Patient, PatientDetails
from clincore.testing.strategies import THIS_YEAR, moments, patient_details, patients, tenant_ids

WHITE = st.sampled_from(["", " ", "\t", "\u00a0", "\u3000", "\r\n"])


def problems(**given: Any) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        PatientDetails.parse(**{"full_name": "Anna", **given}, this_year=THIS_YEAR)
    return [problem.path for problem in refused.value.problems]


def test_a_name_is_all_that_is_needed() -> None:
    assert PatientDetails.parse(full_name="Anna", this_year=THIS_YEAR) == PatientDetails(full_name="Anna")


@given(patient_details(), WHITE, WHITE)
def test_details_are_read_trimmed(details: PatientDetails, before: str, after: str) -> None:
    read = PatientDetails.parse(
        full_name=before + details.full_name + after,
        birth_year=details.birth_year,
        phone=details.phone and before + details.phone + after,
        this_year=THIS_YEAR,
    )
    assert read == details


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"full_name": ""}, "full_name"),
        ({"full_name": " \t\n"}, "full_name"),
        ({"full_name": "x" * 201}, "full_name"),
        ({"full_name": None}, "full_name"),
        ({"full_name": 7}, "full_name"),
        ({"full_name": "An\x00na"}, "full_name"),
        ({"full_name": "An\nna"}, "full_name"),
        ({"full_name": "An\x7fna"}, "full_name"),
        ({"full_name": "An\x9fna"}, "full_name"),
        ({"full_name": "An\ud800na"}, "full_name"),
        ({"phone": ""}, "phone"),
        ({"phone": "1" * 41}, "phone"),
        ({"phone": 49}, "phone"),
        ({"phone": "1\n2"}, "phone"),
        ({"birth_year": 1849}, "birth_year"),
        ({"birth_year": THIS_YEAR + 1}, "birth_year"),
        ({"birth_year": 0}, "birth_year"),
        ({"birth_year": True}, "birth_year"),
        ({"birth_year": "1980"}, "birth_year"),
        ({"birth_year": 1980.0}, "birth_year"),
        ({"birth_year": 1 << 8000}, "birth_year"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_wrong_is_named_by_its_field(given: dict[str, Any], path: str) -> None:
    assert problems(**given) == [path]


def test_all_fields_are_named_at_once() -> None:
    assert problems(full_name="", birth_year=1, phone="") == ["full_name", "phone", "birth_year"]


@pytest.mark.parametrize("given", [{"full_name": "x" * 200}, {"birth_year": 1850}, {"birth_year": THIS_YEAR}])
def test_the_limits_themselves_are_allowed(given: dict[str, Any]) -> None:
    details = PatientDetails.parse(**{"full_name": "Anna", **given}, this_year=THIS_YEAR)
    assert given.items() <= {"full_name": details.full_name, "birth_year": details.birth_year}.items()


@pytest.mark.parametrize("name", ["Müller" * 40, "Müller\x00", "Müller\ud800"])
def test_an_error_never_repeats_the_name(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        PatientDetails.parse(full_name=name, phone="Müller\x00", this_year=THIS_YEAR)
    assert "Müller" not in str(refused.value)


@given(patient_details(), tenant_ids(), st.uuids(), moments())
def test_a_patient_enters_at_revision_one(
    details: PatientDetails, tenant_id: UUID, patient_id: UUID, at: datetime
) -> None:
    entered = Patient.enter(details, tenant_id=tenant_id, patient_id=patient_id, at=at)
    assert entered == Patient(
        tenant_id=tenant_id, id=patient_id, details=details, revision=1, created_at=at, updated_at=at
    )


@given(patients(), patient_details())
def test_an_edit_changes_the_details_the_revision_and_the_time_alone(patient: Patient, details: PatientDetails) -> None:
    at = patient.updated_at + timedelta(hours=1)
    assert patient.edit(details, at) == Patient(
        tenant_id=patient.tenant_id,
        id=patient.id,
        details=details,
        revision=patient.revision + 1,
        created_at=patient.created_at,
        updated_at=at,
    )


def test_a_patient_does_not_show_who_it_is() -> None:
    details = PatientDetails(full_name="Anna", birth_year=1980, phone="0171")
    assert repr(details) == "PatientDetails()"
