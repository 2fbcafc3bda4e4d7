"""A patient of a clinic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from clincore.domain.errors import InvalidInput, Problem
from clincore.domain.limits import MIN_BIRTH_YEAR, NAME_CHARACTERS, PHONE_CHARACTERS
from clincore.domain.text import text_problem

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.canonical_json import JsonObject


@frozen(kw_only=True)
class PatientDetails:
    """What a clinic enters of a patient."""

    full_name: str = field(repr=False)
    birth_year: int | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)

    def to_canonical(self) -> JsonObject:
        return {"full_name": self.full_name, "birth_year": self.birth_year, "phone": self.phone}

    @classmethod
    def parse(
        cls, *, full_name: str, birth_year: int | None = None, phone: str | None = None, this_year: int
    ) -> PatientDetails:
        """Return the details with their texts trimmed; raises InvalidInput naming every field that is wrong."""
        problems = []
        full_name, name_problem = _text(full_name, longest=NAME_CHARACTERS)
        if name_problem:
            problems.append(Problem("full_name", name_problem))
        if phone is not None:
            phone, phone_problem = _text(phone, longest=PHONE_CHARACTERS)
            if phone_problem:
                problems.append(Problem("phone", phone_problem))
        if birth_year is not None and not _is_birth_year(birth_year, this_year):
            problems.append(Problem("birth_year", f"must be a whole number from {MIN_BIRTH_YEAR} to {this_year}"))
        if problems:
            raise InvalidInput(problems)
        return cls(full_name=full_name, birth_year=birth_year, phone=phone)


@frozen(kw_only=True)
class Patient:
    """A patient's record; ``revision`` counts its changes from 1."""

    tenant_id: UUID
    id: UUID
    details: PatientDetails = field(repr=False)
    revision: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def enter(cls, details: PatientDetails, *, tenant_id: UUID, patient_id: UUID, at: datetime) -> Patient:
        return cls(tenant_id=tenant_id, id=patient_id, details=details, revision=1, created_at=at, updated_at=at)

    def edit(self, details: PatientDetails, at: datetime) -> Patient:
        """Return the next revision, with other details."""
        return evolve(self, details=details, revision=self.revision + 1, updated_at=at)


def _text(value: object, *, longest: int) -> tuple[str, str | None]:
    if not isinstance(value, str):
        return "", "must be a text"
    trimmed = value.strip()
    return trimmed, text_problem(trimmed, longest=longest, shortest=1)


def _is_birth_year(value: object, this_year: int) -> bool:
    return type(value) is int and MIN_BIRTH_YEAR <= value <= this_year
