"""What a practitioner enters for a case: the ``input_payload`` of the contract, as given and as read."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from attrs import field, frozen

from clincore.domain.canonical_json import decimal_places, decimal_text
from clincore.domain.errors import InvalidInput, Problem
from clincore.domain.limits import (
    MAX_ID,
    MAX_WEIGHT,
    METHOD_CHARACTERS,
    MIN_WEIGHT,
    NOTES_CHARACTERS,
    RUBRICS_PER_CASE,
    TOP_N,
    WEIGHT_DECIMALS,
)
from clincore.domain.ranking.case import CaseType, Course
from clincore.domain.text import text_problem

if TYPE_CHECKING:
    from clincore.domain.canonical_json import JsonObject, JsonValue

DEFAULT_METHOD: Final = "mcare/6.1"
AUTO: Final = "auto"
_FIELDS: Final = ("symptom_ids", "rubrics", "course", "case_type", "method", "top_n", "notes")
_RUBRIC_FIELDS: Final = ("symptom_id", "weight", "eliminate")
_WEIGHT_RULE: Final = f"must be a number from {MIN_WEIGHT} to {MAX_WEIGHT} with at most {WEIGHT_DECIMALS} decimals"


@frozen(kw_only=True)
class RubricChoice:
    """One rubric of a case's input, with its weight, and whether remedies missing in it drop out."""

    symptom_id: int
    weight: Decimal = Decimal(1)
    eliminate: bool = False


@frozen(kw_only=True)
class CaseInput:
    """A valid input: ``payload`` is what was given, the other fields are what it means, with defaults filled in.

    ``case_type`` is None for ``auto``; ``top_n`` 0 means all remedies.
    """

    payload: Mapping[str, object] = field(repr=False)
    rubrics: tuple[RubricChoice, ...] = field(repr=False)
    course: Course = Course.CHRONIC
    case_type: CaseType | None = None
    method: str = DEFAULT_METHOD
    top_n: int = TOP_N
    notes: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, payload: Mapping[str, object], path: str = "") -> CaseInput:
        """Read a payload of JSON types (weights may be int, Decimal or float).

        Raises InvalidInput naming all that is wrong, each by its path below ``path``.
        """
        return _Reader(path).read(payload)

    @property
    def symptom_ids(self) -> tuple[int, ...]:
        return tuple(choice.symptom_id for choice in self.rubrics)

    def to_canonical(self) -> JsonObject:
        """The input as given, in the closed type of canonical JSON: weights as decimal texts."""
        payload: Mapping[str, Any] = self.payload  # its values were checked when it was read
        given: dict[str, JsonValue] = {name: value for name, value in payload.items() if name != "rubrics"}
        if "rubrics" in payload:
            given["rubrics"] = [
                {name: decimal_text(value) if name == "weight" else value for name, value in entry.items()}
                for entry in payload["rubrics"]
            ]
        return given


def places_of_ids(payload: object) -> dict[str, int]:
    """Return, by their paths, the rubrics' ids of a payload that may be wrong elsewhere, as far as they are ids."""
    found: dict[str, int] = {}
    for name in ("symptom_ids", "rubrics"):
        entries = payload.get(name) if isinstance(payload, Mapping) else None
        for index, entry in enumerate(entries[:RUBRICS_PER_CASE] if isinstance(entries, list | tuple) else ()):
            given = entry.get("symptom_id") if isinstance(entry, Mapping) else entry
            if _is_id(given):
                found[f"{name}[{index}]"] = given
    return found


def _is_id(value: object) -> TypeGuard[int]:
    return type(value) is int and 1 <= value <= MAX_ID


class _Reader:
    """Reads one payload and gathers every problem in it."""

    def __init__(self, path: str) -> None:
        self._path = f"{path}." if path else ""
        self._problems: list[Problem] = []

    def read(self, payload: object) -> CaseInput:
        if not isinstance(payload, Mapping):
            raise InvalidInput([Problem(self._path.rstrip("."), "must be a JSON object")])
        self._known_fields(payload, _FIELDS, "")
        rubrics = self._rubrics(payload)
        course = self._choice(payload, "course", [item.value for item in Course], Course.CHRONIC.value)
        case_type = self._choice(payload, "case_type", [AUTO, *(item.value for item in CaseType)], AUTO)
        method = self._method(payload.get("method", DEFAULT_METHOD))
        top_n = self._top_n(payload.get("top_n", TOP_N))
        notes = self._notes(payload.get("notes")) if "notes" in payload else None
        if self._problems:
            raise InvalidInput(self._problems)
        return CaseInput(
            payload=_exact(payload),
            rubrics=tuple(rubrics),
            course=Course(course),
            case_type=None if case_type == AUTO else CaseType(case_type),
            method=method,
            top_n=top_n,
            notes=notes,
        )

    def _problem(self, path: str, message: str) -> None:
        self._problems.append(Problem((self._path + path).rstrip("."), message))

    def _known_fields(self, given: Mapping[str, Any], known: tuple[str, ...], path: str) -> None:
        if any(name not in known for name in given):  # not named: what stands there may be a patient's
            self._problem(path, f"has a field that does not exist; there are {', '.join(known)}")

    def _rubrics(self, payload: Mapping[str, Any]) -> list[RubricChoice]:
        given = [name for name in ("symptom_ids", "rubrics") if name in payload]
        if len(given) != 1:
            self._problem("", "needs either symptom_ids or rubrics, and not both")
            return []
        name = given[0]
        entries = payload[name]
        if not isinstance(entries, list | tuple) or not 1 <= len(entries) <= RUBRICS_PER_CASE:
            self._problem(name, f"must be a list of 1 to {RUBRICS_PER_CASE} rubrics")
            return []
        read = self._plain if name == "symptom_ids" else self._weighted
        choices = [read(entry, f"{name}[{index}]") for index, entry in enumerate(entries)]
        self._refuse_repeated(choices, name)
        return choices

    def _plain(self, entry: object, path: str) -> RubricChoice:
        return RubricChoice(symptom_id=self._symptom_id(entry, path))

    def _weighted(self, entry: object, path: str) -> RubricChoice:
        if not isinstance(entry, Mapping):
            self._problem(path, "must be a JSON object with symptom_id, weight (1) and eliminate (false)")
            return RubricChoice(symptom_id=0)
        self._known_fields(entry, _RUBRIC_FIELDS, path)
        eliminate = entry.get("eliminate", False)
        if not isinstance(eliminate, bool):
            self._problem(f"{path}.eliminate", "must be true or false")
        return RubricChoice(
            symptom_id=self._symptom_id(entry.get("symptom_id"), f"{path}.symptom_id"),
            weight=self._weight(entry.get("weight", 1), f"{path}.weight"),
            eliminate=bool(eliminate),
        )

    def _symptom_id(self, value: object, path: str) -> int:
        if _is_id(value):
            return value
        self._problem(path, "must be a rubric's id, a whole number from 1 to 2^53−1")
        return 0

    def _weight(self, value: object, path: str) -> Decimal:
        number = _number(value)
        if number is not None and MIN_WEIGHT <= number <= MAX_WEIGHT and decimal_places(number) <= WEIGHT_DECIMALS:
            return number
        self._problem(path, _WEIGHT_RULE)
        return Decimal(1)

    def _refuse_repeated(self, choices: list[RubricChoice], name: str) -> None:
        seen: set[int] = set()
        for index, choice in enumerate(choices):
            if choice.symptom_id and choice.symptom_id in seen:
                self._problem(f"{name}[{index}]", f"rubric {choice.symptom_id} is repeated")
            seen.add(choice.symptom_id)

    def _choice(self, payload: Mapping[str, Any], name: str, allowed: list[str], default: str) -> str:
        value = payload.get(name, default)
        if value not in allowed:
            self._problem(name, f"must be one of {', '.join(allowed)}")
            return default
        return str(value)

    def _method(self, value: object) -> str:
        if not isinstance(value, str) or text_problem(value, longest=METHOD_CHARACTERS, shortest=1):
            self._problem("method", f"must be the name of a ranking method, such as {DEFAULT_METHOD}")
            return DEFAULT_METHOD
        return value

    def _top_n(self, value: object) -> int:
        if type(value) is not int or not 0 <= value <= MAX_ID:
            self._problem("top_n", "must be a whole number; 0 means all remedies")
            return TOP_N
        return value

    def _notes(self, value: object) -> str | None:
        if not isinstance(value, str):
            self._problem("notes", "must be a text")
        elif problem := text_problem(value, longest=NOTES_CHARACTERS, line_breaks=True):
            self._problem("notes", problem)
        else:
            return value
        return None


def _number(value: object) -> Decimal | None:
    """A finite Decimal of a JSON number; a float by its shortest text, which is what a JSON reader was given."""
    if type(value) is int:
        return Decimal(value)
    number = Decimal(repr(value)) if isinstance(value, float) else value
    return number if isinstance(number, Decimal) and number.is_finite() else None


def _exact(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the payload in which every weight is an int or a Decimal and every text, an enum's too, a plain str."""
    copied: dict[str, Any] = {
        name: str.__str__(value) if isinstance(value, str) else value for name, value in payload.items()
    }
    for name in ("symptom_ids", "rubrics"):
        if name in copied:
            copied[name] = [dict(entry) if isinstance(entry, Mapping) else entry for entry in copied[name]]
    for entry in copied.get("rubrics", ()):
        if isinstance(entry.get("weight"), float):
            entry["weight"] = Decimal(repr(entry["weight"]))
    return copied
