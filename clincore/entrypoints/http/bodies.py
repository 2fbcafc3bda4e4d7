"""The types of request bodies: they parse the requests, and OpenAPI shows them.

What only the domain enforces, with all that is wrong at once, is here in ``extra_json_schema`` alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from clincore.domain.case_input import AUTO, DEFAULT_METHOD
from clincore.domain.identity import Role
from clincore.domain.limits import (
    MAX_GRACE_SECONDS,
    MAX_ID,
    MAX_WEIGHT,
    MIN_BIRTH_YEAR,
    MIN_WEIGHT,
    NAME_CHARACTERS,
    NOTES_CHARACTERS,
    PHONE_CHARACTERS,
    RUBRICS_PER_CASE,
    TOP_N,
    WEIGHT_DECIMALS,
)
from clincore.domain.ranking.case import CaseType, Course
from clincore.entrypoints.http.numbers import exact_number

_CONTROLS: Final = r"\u0000-\u001f\u007f-\u009f"


def _trimmed(longest: int) -> dict[str, Any]:
    """A text of 1 to ``longest`` characters between blanks, which are trimmed, without control characters."""
    edge = rf"[^\s{_CONTROLS}]"
    return {"pattern": rf"^\s*{edge}(?:[^{_CONTROLS}]{{0,{longest - 2}}}{edge})?\s*$"}


_NAME_RULE: Final = f"1 to {NAME_CHARACTERS} characters after trimming, without control characters."
Name = Annotated[str, Meta(description=_NAME_RULE, extra_json_schema=_trimmed(NAME_CHARACTERS))]
Phone = Annotated[
    str,
    Meta(
        description=f"1 to {PHONE_CHARACTERS} characters after trimming, without control characters.",
        extra_json_schema=_trimmed(PHONE_CHARACTERS),
    ),
]
BirthYear = Annotated[int, Meta(description="Not later than this year.", extra_json_schema={"minimum": MIN_BIRTH_YEAR})]
SymptomId = Annotated[int, Meta(ge=1, le=MAX_ID, description="The id of a rubric of the loaded repertory.")]
_LIST: Final = {"minItems": 1, "maxItems": RUBRICS_PER_CASE}


class TenantBody(Struct, forbid_unknown_fields=True):
    """The clinic to set up."""

    tenant_name: Name


class RotationBody(Struct, forbid_unknown_fields=True):
    """How the old key ends."""

    grace_seconds: Annotated[
        int, Meta(ge=0, le=MAX_GRACE_SECONDS, description="How long the old key lives on; 0: it is dead at once.")
    ] = 0


class KeyBody(Struct, forbid_unknown_fields=True):
    """The API key to make."""

    label: Annotated[Name, Meta(description=f"Who or what uses the key; {_NAME_RULE}")]
    role: Annotated[Role, Meta(description="Admin keys manage keys and read usage and access log.")] = Role.USER
    expires_at: Annotated[datetime, Meta(tz=True, description="In the future; null: never.")] | None = None


class PatientBody(Struct, forbid_unknown_fields=True):
    """The patient to enter."""

    full_name: Name
    birth_year: BirthYear | None = None
    phone: Phone | None = None


class PatientChanges(Struct, forbid_unknown_fields=True):
    """What changes of a patient: what is left away stays as it is; null empties an optional field."""

    full_name: Name | UnsetType = UNSET
    birth_year: BirthYear | UnsetType | None = UNSET
    phone: Phone | UnsetType | None = UNSET


class RubricBody(Struct, forbid_unknown_fields=True):
    """One rubric of a case."""

    symptom_id: SymptomId
    weight: (
        Annotated[
            Raw,
            Meta(
                description=f"{MIN_WEIGHT} to {MAX_WEIGHT} with at most {WEIGHT_DECIMALS} decimals, a JSON number.",
                extra_json_schema={
                    "type": "number",
                    "minimum": float(MIN_WEIGHT),
                    "maximum": float(MAX_WEIGHT),
                    "default": 1,
                },
            ),
        ]
        | UnsetType
    ) = UNSET
    """Kept as written, so that no digit passes through binary floating point."""
    eliminate: (
        Annotated[
            bool,
            Meta(
                description="A remedy that is missing in this rubric drops out.", extra_json_schema={"default": False}
            ),
        ]
        | UnsetType
    ) = UNSET


class InputBody(Struct, forbid_unknown_fields=True):
    """What is ranked, and how: rubrics as plain ids, or with weights."""

    symptom_ids: (
        Annotated[
            list[SymptomId],
            Meta(description="Rubrics of weight 1, none twice.", extra_json_schema={**_LIST, "uniqueItems": True}),
        ]
        | UnsetType
    ) = UNSET
    rubrics: (
        Annotated[list[RubricBody], Meta(description="Rubrics with weights, none twice.", extra_json_schema=_LIST)]
        | UnsetType
    ) = UNSET
    course: (
        Annotated[str, Meta(extra_json_schema={"enum": list(Course), "default": Course.CHRONIC.value})] | UnsetType
    ) = UNSET
    case_type: (
        Annotated[
            str,
            Meta(
                description="auto: by the number of Mind rubrics.",
                extra_json_schema={"enum": [AUTO, *CaseType], "default": AUTO},
            ),
        ]
        | UnsetType
    ) = UNSET
    method: (
        Annotated[
            str,
            Meta(
                description="The ranking method: mcare/6.1, sum-of-grades/1, coverage/1, or one that was added here.",
                extra_json_schema={"minLength": 1, "maxLength": 64, "default": DEFAULT_METHOD},
            ),
        ]
        | UnsetType
    ) = UNSET
    top_n: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=MAX_ID,
                description="How many remedies to answer with; 0: all. What is signed holds all.",
                extra_json_schema={"default": TOP_N},
            ),
        ]
        | UnsetType
    ) = UNSET
    notes: (
        Annotated[
            str,
            Meta(
                description=f"Up to {NOTES_CHARACTERS} characters; line breaks are the only control characters.",
                extra_json_schema={
                    "maxLength": NOTES_CHARACTERS,
                    "pattern": r"^[^\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f]*$",
                },
            ),
        ]
        | UnsetType
    ) = UNSET

    def payload(self, path: str) -> dict[str, Any]:
        """Return the payload as given, weights exact; raises InvalidInput for a weight that is not a number."""
        given = {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not UNSET}
        if "rubrics" in given:
            prefix = f"{path}." if path else ""
            given["rubrics"] = [
                _rubric(entry, f"{prefix}rubrics[{index}].weight") for index, entry in enumerate(given["rubrics"])
            ]
        return given


class CaseBody(Struct, forbid_unknown_fields=True):
    """The case to enter."""

    patient_id: UUID
    input_payload: InputBody


class CaseChanges(Struct, forbid_unknown_fields=True):
    """The input that takes the place of a draft's."""

    input_payload: InputBody


BESIDES: Final[dict[str, dict[str, Any]]] = {
    "InputBody": {"oneOf": [{"required": ["symptom_ids"]}, {"required": ["rubrics"]}]},
}
"""What the schema of a type says that its fields do not."""


def _rubric(entry: RubricBody, path: str) -> dict[str, Any]:
    given: dict[str, Any] = {"symptom_id": entry.symptom_id}
    if isinstance(entry.weight, Raw):
        given["weight"] = exact_number(bytes(entry.weight), path)
    if entry.eliminate is not UNSET:
        given["eliminate"] = entry.eliminate
    return given
