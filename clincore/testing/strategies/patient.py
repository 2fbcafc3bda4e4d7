"""Patients, and what is entered of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from clincore.domain.limits import (
    MIN_BIRTH_YEAR,
    PHONE_CHARACTERS,
)
from clincore.domain.patient import Patient, PatientDetails
from clincore.testing.strategies.basics import THIS_YEAR, invalid_names, moments, names
from clincore.testing.strategies.identity import tenant_ids


def patient_details() -> st.SearchStrategy[PatientDetails]:
    return st.builds(
        PatientDetails,
        full_name=names(),
        birth_year=st.none() | st.integers(MIN_BIRTH_YEAR, THIS_YEAR),
        phone=st.none() | st.from_regex(r"\+?[0-9]{1,4}( [0-9]{1,4}){0,3}", fullmatch=True),
    ).filter(lambda details: details.phone is None or len(details.phone) <= PHONE_CHARACTERS)


@st.composite
def patients(draw: st.DrawFn) -> Patient:
    """Patients after up to five edits."""
    created = draw(moments())
    edits = draw(st.integers(0, 5))
    return Patient(
        tenant_id=draw(tenant_ids()),
        id=draw(st.uuids()),
        details=draw(patient_details()),
        revision=1 + edits,
        created_at=created,
        updated_at=created + timedelta(minutes=edits),
    )


@st.composite
def invalid_patient_details(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """What a clinic might enter with exactly one thing wrong, and the field that names it."""
    details = draw(patient_details())
    given: dict[str, Any] = {
        "full_name": details.full_name,
        "birth_year": details.birth_year,
        "phone": details.phone,
    }
    wrong_year = st.sampled_from([MIN_BIRTH_YEAR - 1, THIS_YEAR + 1, "1969", 1969.0, True, -1])
    wrong_phone = st.sampled_from(["", " ", "1" * (PHONE_CHARACTERS + 1), "1\x002", 49])
    field, wrong = draw(
        st.sampled_from([("full_name", invalid_names()), ("birth_year", wrong_year), ("phone", wrong_phone)])
    )
    return {**given, field: draw(wrong)}, field
