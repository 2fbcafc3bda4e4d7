"""The contract's score, slowly: exact fractions, and decimals of 80 digits for the power alone.

Written from the text of the contract; nothing of the engine is used but the data of a case. Results are the rows of
a ranking as JSON, and the exact numbers behind them.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal, localcontext
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clincore.domain.ranking.case import CaseRubric, RankingCase

BUCKETS: Final = ("MIND_CORE", "MENTAL_MOD", "PHYSICAL_MOD", "GENERALS", "LOCAL")
DEFAULTS: Final[dict[str, Any]] = {
    "grade_values": {"1": "0.6", "2": "1.0", "3": "1.5", "4": "2.0", "5": "2.2"},
    "ailments_from": "1.8",
    "delusions": "1.6",
    "small_rubric": "1.4",
    "alpha": "0.25",
    "beta": "0.3",
    "tau": "0.6",
    "bucket_weights": {
        "mind_dominant": dict(zip(BUCKETS, ("0.45", "0.20", "0.10", "0.15", "0.10"), strict=True)),
        "constitution": dict(zip(BUCKETS, ("0.30", "0.10", "0.25", "0.25", "0.10"), strict=True)),
        "mixed": dict(zip(BUCKETS, ("0.40", "0.15", "0.15", "0.20", "0.10"), strict=True)),
    },
}


@frozen(kw_only=True)
class ExactRow:
    """One remedy: its row without a rank, and what each rubric contributes, exactly, by rubric id.

    Where ``ff`` does not end as a decimal, a half or two equal remainders are out of sight of the contract's 34 digits.
    """

    remedy: str
    score: Fraction
    raw: Fraction
    hits: int
    strong: int
    parts: dict[int, Fraction]
    ff: Fraction = Fraction(1)

    @property
    def is_in_sight(self) -> bool:
        """Whether 34 digits see what exact fractions see."""
        return _ends(self.ff) or ((self.score * 10**6) % 1 != Fraction(1, 2) and not self._has_equal_remainders())

    def _has_equal_remainders(self) -> bool:
        remainders = [part * 10**6 % 1 for part in self.parts.values()]
        return len(set(remainders)) < len(set(self.parts.values()))

    def millionths(self) -> dict[int, int]:
        """The grid's cells: rounded down, and the missing millionths to the largest remainders, ties by id."""
        cells = {rubric_id: floor(part * 10**6) for rubric_id, part in self.parts.items()}
        missing = round(self.score * 10**6) - sum(cells.values())
        remainders = sorted((cells[rubric_id] - part * 10**6, rubric_id) for rubric_id, part in self.parts.items())
        for _, rubric_id in remainders[:missing]:
            cells[rubric_id] += 1
        return cells


def case_type_of(case: RankingCase) -> str:
    if case.requested_type is not None:
        return case.requested_type.value
    mind = [rubric for rubric in case.rubrics if _is_mind(rubric)]
    if len(mind) >= 5 or any(grade >= 4 for rubric in mind for grade in rubric.grades.values()):
        return "mind_dominant"
    return "constitution" if len(mind) <= 2 else "mixed"


def median(numbers: Iterable[int]) -> Fraction:
    ordered = sorted(numbers)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return Fraction(ordered[middle])
    return Fraction(ordered[middle - 1] + ordered[middle], 2)


def mcare(case: RankingCase, overrides: dict[str, Any] | None = None) -> list[ExactRow]:
    """Return the remedies, best first, after the chronic rule."""
    parameters = DEFAULTS | {key: value for key, value in (overrides or {}).items() if not isinstance(value, dict)}
    given_grades = (overrides or {}).get("grade_values", {})
    m = {int(grade): Fraction(value) for grade, value in (DEFAULTS["grade_values"] | given_grades).items()}
    used_type = case_type_of(case)
    given_weights = (overrides or {}).get("bucket_weights", {}).get(used_type, {})
    w = {bucket: Fraction(value) for bucket, value in (DEFAULTS["bucket_weights"][used_type] | given_weights).items()}
    a, d, s = (Fraction(parameters[name]) for name in ("ailments_from", "delusions", "small_rubric"))
    beta, tau, alpha = (Fraction(parameters[name]) for name in ("beta", "tau", "alpha"))
    middle = median(remedy.frequency for remedy in case.statistics.remedies.values())

    rows = []
    for remedy in _remedies(case):
        c = {}
        for rubric in case.rubrics:
            if remedy in rubric.grades:
                grade = rubric.grades[remedy]
                c[rubric.id] = m[grade] * Fraction(rubric.weight) * w[rubric.bucket.value]
                c[rubric.id] *= a if rubric.ailments_from else 1
                c[rubric.id] *= d if rubric.delusions else 1
                c[rubric.id] *= s if len(rubric.grades) <= 15 and grade >= 2 else 1
        hits = [rubric for rubric in case.rubrics if remedy in rubric.grades]
        coverage = Fraction(len(hits), len(case.rubrics))
        cf = 1 + beta * (coverage - tau) / (1 - tau) if coverage >= tau else Fraction(1)
        ff = _power(case.statistics.remedies[remedy].frequency / max(Fraction(1), middle), alpha)
        rows.append(
            ExactRow(
                remedy=remedy,
                score=sum(c.values()) * cf / ff,
                raw=sum((m[rubric.grades[remedy]] * Fraction(rubric.weight) for rubric in hits), Fraction(0)),
                hits=len(hits),
                strong=sum(1 for rubric in hits if _is_mind(rubric) and rubric.grades[remedy] >= 3),
                parts={rubric_id: part * cf / ff for rubric_id, part in c.items()},
                ff=ff,
            )
        )
    rows.sort(key=_by_score)
    if case.course.value == "chronic":
        rows = [_penalized(row) if row.strong == 0 else row for row in rows[:5]] + rows[5:]
        rows.sort(key=_by_score)
    return rows


def sum_of_grades(case: RankingCase) -> list[ExactRow]:
    """Return the remedies by Σ w·g."""
    rows = [_plain(case, remedy, by_coverage=False) for remedy in _remedies(case)]
    return sorted(rows, key=_by_score)


def coverage(case: RankingCase) -> list[ExactRow]:
    """Return the remedies by rubrics hit, then by Σ w·g."""
    rows = [_plain(case, remedy, by_coverage=True) for remedy in _remedies(case)]
    return sorted(rows, key=lambda row: (-row.score, -row.raw, row.remedy))


def to_json(case: RankingCase, rows: list[ExactRow], *, tied_by_raw: bool = False) -> list[dict[str, Any]]:
    """Return the rows as the contract has them: rounded once, with ranks 1, 1, 3 and ties marked."""
    keys = [(_millionths(row.score), _millionths(row.raw) if tied_by_raw else 0) for row in rows]
    count = Counter(keys)
    return [
        {
            "rank": 1 + sum(1 for other in keys if other > key),
            "remedy": row.remedy,
            "name": case.statistics.remedies[row.remedy].name,
            "score": six_places(row.score),
            "raw_score": six_places(row.raw),
            "coverage": six_places(Fraction(row.hits, len(case.rubrics))),
            "rubrics_hit": row.hits,
            "mind_strong_hits": row.strong,
            "tied": count[key] > 1,
        }
        for row, key in zip(rows, keys, strict=True)
    ]


def six_places(value: Fraction) -> str:
    whole, part = divmod(_millionths(value), 10**6)
    return f"{whole}.{part:06}"


def six_places_up(value: Fraction) -> str:
    """Rounded up, not to the nearest."""
    whole, part = divmod(ceil(value * 10**6), 10**6)
    return f"{whole}.{part:06}"


def _millionths(value: Fraction) -> int:
    return round(value * 10**6)  # half-even, as round() is


def _ends(value: Fraction) -> bool:
    """Whether the value ends as a decimal of a few digits."""
    return 10**20 % value.denominator == 0


def _by_score(row: ExactRow) -> tuple[int, str]:
    return -_millionths(row.score), row.remedy


def _penalized(row: ExactRow) -> ExactRow:
    rate = Fraction(85, 100)
    parts = {rubric_id: part * rate for rubric_id, part in row.parts.items()}
    return evolve(row, score=row.score * rate, parts=parts)


def _is_mind(rubric: CaseRubric) -> bool:
    return rubric.bucket.value in ("MIND_CORE", "MENTAL_MOD")


def _remedies(case: RankingCase) -> list[str]:
    """Every remedy of a rubric that is missing in none of the eliminating ones."""
    found = {remedy for rubric in case.rubrics for remedy in rubric.grades}
    return [remedy for remedy in found if all(remedy in rubric.grades for rubric in case.rubrics if rubric.eliminate)]


def _plain(case: RankingCase, remedy: str, *, by_coverage: bool) -> ExactRow:
    hits = [rubric for rubric in case.rubrics if remedy in rubric.grades]
    graded = {rubric.id: Fraction(rubric.weight) * rubric.grades[remedy] for rubric in hits}
    parts = {rubric_id: Fraction(1) for rubric_id in graded} if by_coverage else graded
    return ExactRow(
        remedy=remedy,
        score=sum(parts.values(), Fraction(0)),
        raw=sum(graded.values(), Fraction(0)),
        hits=len(hits),
        strong=sum(1 for rubric in hits if _is_mind(rubric) and rubric.grades[remedy] >= 3),
        parts=parts,
    )


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    """Return base^exponent: exactly where it is rational with a small root, else to 80 digits."""
    with localcontext(prec=80):
        logarithm = (Decimal(base.numerator) / base.denominator).ln()
        decimal = (logarithm * exponent.numerator / exponent.denominator).exp()
    found = Fraction(decimal)
    if exponent.denominator <= 20 and exponent.numerator <= 20:
        near = found.limit_denominator(10**12)
        if near**exponent.denominator == base**exponent.numerator:
            return near
    return found
