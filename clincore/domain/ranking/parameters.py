"""The parameters of MCARE 6.1, their defaults, and how a JSON file overrides them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Self

from attrs import field, frozen

from clincore.domain.canonical_json import JsonObject, decimal_places, decimal_text
from clincore.domain.errors import InvalidInput, Problem
from clincore.domain.ranking.case import Bucket, CaseType

_NUMBERS = ("ailments_from", "delusions", "small_rubric", "alpha", "beta", "tau")
_DECIMALS = 6
_MOST = Decimal("999.999999")
_MOST_OF = {"alpha": Decimal(1), "tau": Decimal("0.999999")}


def _weights(*values: str) -> dict[Bucket, Decimal]:
    return dict(zip(Bucket, map(Decimal, values), strict=True))


@frozen(kw_only=True)
class McareParameters:
    """MCARE's numbers: M by grade, A, D, S, α, β, τ, and W by case type and bucket."""

    grade_values: Mapping[int, Decimal] = field(
        factory=lambda: {grade: Decimal(value) for grade, value in enumerate(("0.6", "1.0", "1.5", "2.0", "2.2"), 1)}
    )
    ailments_from: Decimal = Decimal("1.8")
    delusions: Decimal = Decimal("1.6")
    small_rubric: Decimal = Decimal("1.4")
    alpha: Decimal = Decimal("0.25")
    beta: Decimal = Decimal("0.3")
    tau: Decimal = Decimal("0.6")
    bucket_weights: Mapping[CaseType, Mapping[Bucket, Decimal]] = field(
        factory=lambda: {
            CaseType.MIND_DOMINANT: _weights("0.45", "0.20", "0.10", "0.15", "0.10"),
            CaseType.CONSTITUTION: _weights("0.30", "0.10", "0.25", "0.25", "0.10"),
            CaseType.MIXED: _weights("0.40", "0.15", "0.15", "0.20", "0.10"),
        }
    )

    def to_json(self) -> JsonObject:
        """All parameters, in full, as decimal texts: the form that is signed, and that ``from_json`` reads."""
        return {
            "grade_values": {str(grade): decimal_text(value) for grade, value in self.grade_values.items()},
            **{name: decimal_text(getattr(self, name)) for name in _NUMBERS},
            "bucket_weights": {
                case_type.value: {bucket.value: decimal_text(value) for bucket, value in weights.items()}
                for case_type, weights in self.bucket_weights.items()
            },
        }

    @classmethod
    def from_json(cls, given: JsonObject) -> Self:
        """Return the defaults with what is given put over them; raises InvalidInput naming all that is wrong.

        Numbers are JSON numbers or decimal texts, from 0 to below 1000 with at most six decimals; ``tau`` is below 1
        and ``alpha`` at most 1, so that no score outgrows 34 digits.
        """
        problems: list[Problem] = []
        merged = _merge(cls().to_json(), given, "", problems)
        if problems:
            raise InvalidInput(problems)
        grades = {int(grade): value for grade, value in merged["grade_values"].items()}
        weights = {
            CaseType(case_type): {Bucket(bucket): value for bucket, value in of_type.items()}
            for case_type, of_type in merged["bucket_weights"].items()
        }
        return cls(grade_values=grades, bucket_weights=weights, **{name: merged[name] for name in _NUMBERS})


def _merge(defaults: JsonObject, given: object, path: str, problems: list[Problem]) -> dict[str, Any]:
    """Put what is given over the defaults, both nested alike, with every leaf read as a Decimal."""
    if not isinstance(given, Mapping):
        problems.append(Problem(path.rstrip("."), "must be a JSON object"))
        given = {}
    for name in given:
        if name not in defaults:
            problems.append(Problem(f"{path}{name}", f"is not a parameter; there are {', '.join(defaults)}"))
    merged: dict[str, Any] = {}
    for name, default in defaults.items():
        value = given.get(name, default)
        if isinstance(default, Mapping):
            merged[name] = _merge(default, value if name in given else {}, f"{path}{name}.", problems)
        else:
            merged[name] = _number(value, f"{path}{name}", problems)
    return merged


def _number(value: object, path: str, problems: list[Problem]) -> Decimal:
    most = _MOST_OF.get(path, _MOST)
    try:
        value = repr(value) if type(value) is float else value
        number = Decimal(value) if type(value) in (int, str, Decimal) else Decimal("NaN")  # type: ignore[arg-type]
    except InvalidOperation:
        number = Decimal("NaN")
    if number.is_finite() and 0 <= number <= most and _is_short(number):
        return number or Decimal(0)
    problems.append(Problem(path, f"must be a number from 0 to {most} with at most {_DECIMALS} decimals"))
    return Decimal(0)


def _is_short(number: Decimal) -> bool:
    """Whether six decimals are enough; a tiny number is told apart before its zeros are written out."""
    return number.adjusted() >= -_DECIMALS and decimal_places(number) <= _DECIMALS if number else True
