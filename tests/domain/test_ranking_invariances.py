"""What means nothing never changes a digit, beyond the laws that every method is put to."""

from __future__ import annotations

from decimal import ROUND_UP, Context, Decimal, Inexact, Rounded, localcontext

import pytest
from attrs import evolve
from hypothesis import given, settings
from ranking_examples import rubric

from clincore.domain.canonical_json import decimal_text
from clincore.domain.case_input import CaseInput
from clincore.domain.errors import InvalidInput
from clincore.domain.ranking.case import Bucket, Course, RankingCase
from clincore.domain.ranking.mcare import Mcare
from clincore.domain.ranking.parameters import McareParameters
from clincore.domain.repertory import median_of
from clincore.testing.strategies import ranking_cases

HOSTILE = Context(prec=5, rounding=ROUND_UP)
TRAPPING = Context(prec=3, rounding=ROUND_UP, traps=[Inexact, Rounded])


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
