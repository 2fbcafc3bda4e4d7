"""Every method agrees, digit for digit, with a slow implementation written from the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import reference_mcare as reference
from hypothesis import assume, given, settings

from clincore.domain.ranking.mcare import Mcare
from clincore.domain.ranking.parameters import McareParameters
from clincore.domain.ranking.plain import Coverage, SumOfGrades
from clincore.testing.strategies import mcare_overrides, ranking_cases

if TYPE_CHECKING:
    from clincore.domain.canonical_json import JsonObject
    from clincore.domain.ranking.case import RankingCase


@settings(max_examples=150)
@given(ranking_cases())
def test_mcare_agrees_with_the_contract_digit_for_digit(case: RankingCase) -> None:
    expected = reference.mcare(case)
    assume(all(row.is_in_sight for row in expected))
    assert reference.to_json(case, expected) == Mcare().rank(case).to_json(0)["ranking"]


@settings(max_examples=150)
@given(ranking_cases(), mcare_overrides())
def test_mcare_with_other_parameters_agrees_with_the_contract(case: RankingCase, overrides: JsonObject) -> None:
    expected = reference.mcare(case, dict(overrides))
    assume(all(row.is_in_sight for row in expected))
    ranking = Mcare(McareParameters.from_json(overrides)).rank(case)
    assert reference.to_json(case, expected) == ranking.to_json(0)["ranking"]


@settings(max_examples=80)
@given(ranking_cases())
def test_sum_of_grades_agrees_with_the_contract(case: RankingCase) -> None:
    expected = reference.to_json(case, reference.sum_of_grades(case))
    assert expected == SumOfGrades().rank(case).to_json(0)["ranking"]


@settings(max_examples=80)
@given(ranking_cases())
def test_coverage_agrees_with_the_contract(case: RankingCase) -> None:
    expected = reference.to_json(case, reference.coverage(case), tied_by_raw=True)
    assert expected == Coverage().rank(case).to_json(0)["ranking"]


@settings(max_examples=80)
@given(ranking_cases())
def test_a_ranking_says_how_it_was_made(case: RankingCase) -> None:
    for method in (Mcare(), SumOfGrades(), Coverage()):
        answered = method.rank(case).to_json(3)
        rows = answered["ranking"]
        evaluated = len(method.rank(case).rows)
        assert isinstance(rows, list)
        assert len(rows) == min(3, evaluated)
        assert {key: answered[key] for key in answered if key != "ranking"} == {
            "method": method.name,
            "case_type": reference.case_type_of(case),
            "course": case.course.value,
            "repertory": case.fingerprint,
            "remedies_evaluated": evaluated,
        }
