"""Cases as ranking methods see them, and rankings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from hypothesis import strategies as st

from clincore.domain.canonical_json import JsonObject, JsonValue
from clincore.domain.limits import (
    MAX_WEIGHT,
    MIN_WEIGHT,
    WEIGHT_DECIMALS,
)
from clincore.domain.ranking.case import Bucket, CaseRubric, CaseType, Course, RankingCase
from clincore.domain.ranking.grid import GridRow, explain
from clincore.domain.ranking.mcare import Mcare
from clincore.domain.ranking.parameters import McareParameters
from clincore.domain.ranking.plain import Coverage, SumOfGrades
from clincore.domain.ranking.ranking import Ranking
from clincore.domain.ranking.stability import Contest, Margin, Stability, margin_of
from clincore.domain.repertory import RemedyStatistics
from clincore.testing.strategies.repertory import graded_remedies, remedy_statistics, symptom_ids

_THOUSANDTHS: Final = 10**WEIGHT_DECIMALS


def weights() -> st.SearchStrategy[Decimal]:
    """Weights of the contract: 0.1 to 10 with at most three decimals; 1 is the simplest."""
    smallest, largest = int(MIN_WEIGHT * _THOUSANDTHS), int(MAX_WEIGHT * _THOUSANDTHS)
    any_weight = st.integers(smallest, largest).map(lambda thousandths: Decimal(thousandths) / _THOUSANDTHS)
    return st.just(Decimal(1)) | any_weight | st.sampled_from([MIN_WEIGHT, Decimal("0.5"), Decimal(2), MAX_WEIGHT])


def invalid_weights() -> st.SearchStrategy[object]:
    """Past a limit, with a fourth decimal, or no number."""
    past = [0, -1, 11, Decimal("0.0999"), Decimal("1.0005"), Decimal("NaN"), float("inf"), 10.001]
    return st.sampled_from([*past, "1", True, None])


def case_rubrics() -> st.SearchStrategy[CaseRubric]:
    """Rubrics of a case in every bucket, with and without flags; about one in eight eliminates."""
    return st.builds(
        CaseRubric,
        id=symptom_ids(),
        weight=weights(),
        eliminate=st.integers(0, 7).map(lambda drawn: drawn == 7),
        bucket=st.sampled_from(Bucket),
        ailments_from=st.booleans(),
        delusions=st.booleans(),
        grades=graded_remedies(),
    )


def ranking_cases(
    *, statistics: st.SearchStrategy[RemedyStatistics] | None = None, longest: int = 9
) -> st.SearchStrategy[RankingCase]:
    """Cases of 1 to ``longest`` rubrics, of both courses and every case type, ``auto`` included."""
    return st.builds(
        RankingCase,
        rubrics=st.lists(case_rubrics(), min_size=1, max_size=longest, unique_by=lambda rubric: rubric.id).map(tuple),
        course=st.sampled_from(Course),
        requested_type=st.none() | st.sampled_from(CaseType),
        statistics=remedy_statistics() if statistics is None else statistics,
        fingerprint=st.just("0f" * 32),
    )


def mcare_overrides() -> st.SearchStrategy[JsonObject]:
    """What a file may put over MCARE's defaults: some of the parameters, in numbers of ordinary size."""
    factor = _decimals(0, 4000, 3)
    fractions = _decimals(0, 999, 3)
    per_bucket = st.dictionaries(st.sampled_from([bucket.value for bucket in Bucket]), fractions, max_size=5)
    return st.fixed_dictionaries(
        {},
        optional={
            "grade_values": st.dictionaries(st.sampled_from("12345"), factor, max_size=5),
            "ailments_from": factor,
            "delusions": factor,
            "small_rubric": factor,
            "alpha": st.sampled_from(["0", "0.25", "0.5", "1"]) | fractions,
            "beta": fractions,
            "tau": fractions,
            "bucket_weights": st.dictionaries(
                st.sampled_from([case_type.value for case_type in CaseType]), per_bucket, max_size=3
            ),
        },
    )


def mcare_parameters() -> st.SearchStrategy[McareParameters]:
    """MCARE's defaults, or some of them overridden."""
    return st.just(McareParameters()) | mcare_overrides().map(McareParameters.from_json)


def invalid_mcare_overrides() -> st.SearchStrategy[tuple[dict[str, Any], str]]:
    """What a file may get wrong, one thing, and the path that names it."""
    return st.sampled_from(
        [
            ({"alpha": "1.1"}, "alpha"),
            ({"tau": "1"}, "tau"),
            ({"beta": "-1"}, "beta"),
            ({"beta": "1000"}, "beta"),
            ({"beta": "0.1234567"}, "beta"),
            ({"beta": True}, "beta"),
            ({"grade_values": {"6": "1"}}, "grade_values.6"),
            ({"bucket_weights": {"mixed": {"HEAD": "1"}}}, "bucket_weights.mixed.HEAD"),
            ({"bucket_weights": []}, "bucket_weights"),
            ({"gamma": "1"}, "gamma"),
        ]
    )


def methods() -> st.SearchStrategy[Mcare | SumOfGrades | Coverage]:
    """The ranking methods that come along, MCARE with other parameters too."""
    plain: list[SumOfGrades | Coverage] = [SumOfGrades(), Coverage()]
    return st.sampled_from(plain) | mcare_parameters().map(Mcare)


def rankings() -> st.SearchStrategy[Ranking]:
    """Rankings of generated cases; some have no remedy at all."""
    return st.builds(lambda method, case: method.rank(case), methods(), ranking_cases(longest=5))


def grids() -> st.SearchStrategy[tuple[GridRow, ...]]:
    def of(method: Mcare | SumOfGrades | Coverage, case: RankingCase) -> tuple[GridRow, ...]:
        return explain(case, method.rank(case).rows, method.contributions(case))

    return st.builds(of, methods(), ranking_cases(longest=5))


def contests() -> st.SearchStrategy[Contest]:
    """What could come first in cases that rank a remedy."""
    ranked = ranking_cases(longest=4).filter(lambda case: any(rubric.grades for rubric in case.rubrics))
    return ranked.map(Mcare().contest)


def stabilities() -> st.SearchStrategy[Stability]:
    """Found, found to be none, or not to be told."""

    def of(case: RankingCase) -> Stability:
        rows = Mcare().rank(case).rows
        ids = [rubric.id for rubric in case.rubrics]
        return Stability(
            is_supported=True, margin=margin_of(Mcare().contest(case), rows[0].remedy, ids) if rows else None
        )

    return st.just(Stability(is_supported=False)) | ranking_cases(longest=4).map(of)


def margins() -> st.SearchStrategy[Margin]:
    exact = st.fractions(0, 9, max_denominator=1000)
    return st.builds(Margin, exact=exact, rubric_id=symptom_ids(), remedy=st.just("Ars."))


def _decimals(smallest: int, largest: int, places: int) -> st.SearchStrategy[JsonValue]:
    return st.integers(smallest, largest).map(lambda number: str(Decimal(number).scaleb(-places)))
