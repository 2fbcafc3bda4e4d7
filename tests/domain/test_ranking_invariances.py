"""What means nothing never changes a digit: the order of entry, the caller's decimal context, threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import ROUND_UP, Context, Decimal, Inexact, Rounded, getcontext, localcontext, setcontext
from typing import TYPE_CHECKING, TypeVar

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from ranking_examples import rubric

from clincore.domain.canonical_json import decimal_text
from clincore.domain.case_input import CaseInput
from clincore.domain.errors import InvalidInput
from clincore.domain.ranking.case import Bucket, Course, RankingCase
from clincore.domain.ranking.grid import explain
from clincore.domain.ranking.mcare import Mcare
from clincore.domain.ranking.parameters import McareParameters
from clincore.domain.ranking.plain import Coverage, SumOfGrades
from clincore.domain.repertory import median_of
from clincore.testing.strategies import ranking_cases

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from clincore.domain.canonical_json import JsonValue

T = TypeVar("T")

METHODS = (Mcare(), SumOfGrades(), Coverage())
HOSTILE = Context(prec=5, rounding=ROUND_UP)
TRAPPING = Context(prec=3, rounding=ROUND_UP, traps=[Inexact, Rounded])


def everything(case: RankingCase) -> list[JsonValue]:
    """Every method's ranking and grid."""
    answers: list[JsonValue] = []
    for method in METHODS:
        ranking = method.rank(case)
        answers.append(ranking.to_json(0))
        answers.append([row.to_json() for row in explain(case, ranking.rows, method.contributions(case))])
    return answers


@settings(max_examples=30)
@given(ranking_cases(longest=6), st.randoms(use_true_random=False))
def test_the_order_of_rubrics_remedies_and_statistics_changes_nothing(case: RankingCase, random: Random) -> None:
    def shuffled(items: Iterable[T]) -> list[T]:
        listed = list(items)
        random.shuffle(listed)
        return listed

    again = evolve(
        case,
        rubrics=tuple(
            rubric._replace(grades=dict(shuffled(rubric.grades.items()))) for rubric in shuffled(case.rubrics)
        ),
        statistics=evolve(case.statistics, remedies=dict(shuffled(case.statistics.remedies.items()))),
    )
    assert everything(again) == everything(case)


@settings(max_examples=30)
@given(ranking_cases(longest=6), st.sampled_from([HOSTILE, TRAPPING]))
def test_the_decimal_context_of_the_caller_changes_nothing(case: RankingCase, context: Context) -> None:
    expected = everything(case)
    with localcontext(context):
        assert everything(case) == expected
        assert getcontext().prec == context.prec


def test_the_decimal_context_of_the_caller_changes_no_median() -> None:
    with localcontext(HOSTILE):
        assert str(median_of([123_456, 123_457])) == "123456.5"
        assert median_of([1_234_567]) == 1_234_567


def test_the_decimal_context_of_the_caller_changes_no_number_that_is_read() -> None:
    payload = {"rubrics": [{"symptom_id": 1, "weight": 9.875}, {"symptom_id": 2, "weight": Decimal("1.125")}]}
    with localcontext(TRAPPING):
        entered = CaseInput.parse(payload)
        assert [choice.weight for choice in entered.rubrics] == [Decimal("9.875"), Decimal("1.125")]
        assert decimal_text(Decimal("1234567.123456")) == "1234567.123456"
        assert McareParameters.from_json({"alpha": "0.123456"}).to_json()["alpha"] == "0.123456"
        with pytest.raises(InvalidInput):
            CaseInput.parse({"rubrics": [{"symptom_id": 1, "weight": Decimal("1.0000000000000000001")}]})


@settings(max_examples=20)
@given(st.lists(ranking_cases(longest=4), min_size=2, max_size=5))
def test_threads_with_contexts_of_their_own_get_the_same_digits(cases: list[RankingCase]) -> None:
    def in_a_hostile_thread(case: RankingCase) -> list[JsonValue]:
        setcontext(HOSTILE.copy())
        return everything(case)

    expected = [everything(case) for case in cases]
    with ThreadPoolExecutor(max_workers=4) as pool:
        assert list(pool.map(in_a_hostile_thread, cases)) == expected


@settings(max_examples=50)
@given(ranking_cases(longest=6), st.integers(2, 50))
def test_weights_times_k_give_scores_times_k_before_rounding(case: RankingCase, k: int) -> None:
    """Rounded scores are within half a millionth of the exact ones; an acute course has no order to change."""
    case = evolve(case, course=Course.ACUTE)
    heavier = evolve(case, rubrics=tuple(each._replace(weight=each.weight * k) for each in case.rubrics))
    for method in (Mcare(), SumOfGrades()):
        before = {row.remedy: row.score for row in method.rank(case).rows}
        after = {row.remedy: row.score for row in method.rank(heavier).rows}
        assert before.keys() == after.keys()
        for remedy, score in before.items():
            assert after[remedy].raw_score == score.raw_score * k
            assert after[remedy].coverage == score.coverage
            assert abs(after[remedy].score - score.score * k) <= Decimal("0.0000005") * (k + 1)


@settings(max_examples=50)
@given(ranking_cases(longest=6))
def test_a_rubric_without_remedies_lowers_the_coverage_and_nothing_else(case: RankingCase) -> None:
    empty = rubric(301, {}, bucket=Bucket.LOCAL)
    case = evolve(case, course=Course.ACUTE)
    longer = evolve(case, rubrics=(*case.rubrics, empty))
    after = {row.remedy: row.score for row in Mcare().rank(longer).rows}
    before = {row.remedy: row.score for row in Mcare().rank(case).rows}
    assert before.keys() == after.keys()
    for remedy, score in before.items():
        found = after[remedy]
        assert (found.raw_score, found.rubrics_hit) == (score.raw_score, score.rubrics_hit)
        assert found.mind_strong_hits == score.mind_strong_hits
        assert found.coverage < score.coverage
        assert found.score <= score.score


@settings(max_examples=50)
@given(ranking_cases(longest=6))
def test_eliminating_takes_remedies_away_and_leaves_the_numbers_of_the_others(case: RankingCase) -> None:
    case = evolve(case, course=Course.ACUTE)
    without = evolve(case, rubrics=tuple(each._replace(eliminate=False) for each in case.rubrics))
    eliminating = [each for each in case.rubrics if each.eliminate]
    for method in METHODS:
        expected = [
            row.score for row in method.rank(without).rows if all(row.remedy in each.grades for each in eliminating)
        ]
        assert [row.score for row in method.rank(case).rows] == expected
