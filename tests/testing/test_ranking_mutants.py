"""The laws of a ranking method see faults: every one planted in a copy is caught, by the law that is named."""

from __future__ import annotations

import pytest
from hypothesis import Phase
from ranking_mutants import MUTANTS

from clincore.domain.ranking.plain import SumOfGrades
from clincore.testing import RankingMethodLaws
from clincore.testing.suite.ranking_method import MethodGround

LAWS = RankingMethodLaws.laws


@pytest.mark.parametrize(("fault", "law", "method"), MUTANTS, ids=[fault for fault, _, _ in MUTANTS])
def test_a_planted_fault_is_caught_by_its_law(fault: str, law: str, method: SumOfGrades) -> None:
    with pytest.raises(AssertionError) as caught:
        LAWS[law].check(
            MethodGround(method), max_examples=100, database=None, derandomize=True, phases=[Phase.generate]
        )
    assert type(caught.value) is AssertionError


def test_no_two_faults_are_one() -> None:
    faults = [fault for fault, _, _ in MUTANTS]
    assert len(set(faults)) == len(faults) >= 15
