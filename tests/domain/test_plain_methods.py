"""``sum-of-grades/1`` and ``coverage/1`` by hand."""

from __future__ import annotations

import pytest
from ranking_examples import case, rubric

from clincore.domain.errors import InvalidInput
from clincore.domain.ranking.case import Bucket, Course, RankingCase
from clincore.domain.ranking.plain import Coverage, SumOfGrades


def rows(method: SumOfGrades | Coverage, case: RankingCase) -> list[tuple[int, str, str, str, bool]]:
    found = method.rank(case).rows
    return [(row.rank, row.remedy, str(row.score.score), str(row.score.raw_score), row.tied) for row in found]


EXAMPLE = case(
    rubric(1, {"a": 3, "b": 1, "c": 2, "d": 2}, weight="1.5"),
    rubric(2, {"b": 3, "c": 2, "d": 2}, bucket=Bucket.MIND_CORE, ailments_from=True, delusions=True),
    course=Course.CHRONIC,
    frequencies={"a": 1, "b": 900},
)


def test_sum_of_grades_adds_weight_times_grade_and_knows_no_factor() -> None:
    assert rows(SumOfGrades(), EXAMPLE) == [
        (1, "c", "5.000000", "5.000000", True),
        (1, "d", "5.000000", "5.000000", True),
        (3, "a", "4.500000", "4.500000", True),
        (3, "b", "4.500000", "4.500000", True),
    ]


def test_coverage_orders_by_rubrics_hit_and_then_by_graded_sum() -> None:
    assert rows(Coverage(), EXAMPLE) == [
        (1, "c", "2.000000", "5.000000", True),
        (1, "d", "2.000000", "5.000000", True),
        (3, "b", "2.000000", "4.500000", False),
        (4, "a", "1.000000", "4.500000", False),
    ]


@pytest.mark.parametrize("method", [SumOfGrades(), Coverage()])
def test_plain_methods_take_no_parameters(method: SumOfGrades | Coverage) -> None:
    assert method.parameters == {}
    assert method.with_parameters({}) == method
    with pytest.raises(InvalidInput) as refused:
        method.with_parameters({"alpha": "1"})
    assert [problem.path for problem in refused.value.problems] == ["parameters"]


def test_plain_methods_name_their_version() -> None:
    assert (SumOfGrades().name, Coverage().name) == ("sum-of-grades/1", "coverage/1")
