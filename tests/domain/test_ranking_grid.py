"""The grid explains a score: its cells are the contract's contributions and add up to the score exactly."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import zip_longest
from typing import TYPE_CHECKING

import pytest
import reference_mcare as reference
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ranking_examples import case, rubric

from clincore.domain.ranking.grid import apportion, explain
from clincore.domain.ranking.mcare import Mcare
from clincore.domain.ranking.parameters import McareParameters
from clincore.domain.ranking.plain import Coverage, SumOfGrades
from clincore.testing.strategies import mcare_overrides, ranking_cases

if TYPE_CHECKING:
    from reference_mcare import ExactRow

    from clincore.domain.canonical_json import JsonObject
    from clincore.domain.ranking.case import RankingCase
    from clincore.domain.ranking.grid import GridRow

MILLION = 10**6


def grid(case: RankingCase, method: Mcare | SumOfGrades | Coverage) -> tuple[GridRow, ...]:
    return explain(case, method.rank(case).rows, method.contributions(case))


def millionths(row: GridRow) -> dict[int, int]:
    return {cell.rubric_id: int(cell.contribution * MILLION) for cell in row.cells}


@settings(max_examples=60)
@given(ranking_cases(), mcare_overrides())
def test_cells_add_up_to_the_score_exactly(case: RankingCase, overrides: JsonObject) -> None:
    for method in (Mcare(McareParameters.from_json(overrides)), SumOfGrades(), Coverage()):
        ranking = method.rank(case)
        for row, ranked in zip_longest(explain(case, ranking.rows, method.contributions(case)), ranking.rows):
            assert row.row == ranked
            assert sum(cell.contribution for cell in row.cells) == ranked.score.score


@settings(max_examples=60)
@given(ranking_cases(), mcare_overrides())
def test_every_cell_is_its_exact_value_rounded_down_or_a_millionth_above(
    case: RankingCase, overrides: JsonObject
) -> None:
    expected = reference.mcare(case, dict(overrides))
    assume(all(row.is_in_sight for row in expected))
    for exact, row in zip_longest(expected, grid(case, Mcare(McareParameters.from_json(overrides)))):
        found = millionths(row)
        assert found.keys() == exact.parts.keys()
        for rubric_id, part in exact.parts.items():
            assert found[rubric_id] - int(part * MILLION) in (0, 1)


@settings(max_examples=100)
@given(ranking_cases(), st.just({}) | mcare_overrides())
def test_missing_millionths_go_to_the_largest_remainders_and_ties_by_rubric_id(
    case: RankingCase, overrides: JsonObject
) -> None:
    expected = reference.mcare(case, dict(overrides))
    assume(all(row.is_in_sight for row in expected))
    found = [(row.row.remedy, millionths(row)) for row in grid(case, Mcare(McareParameters.from_json(overrides)))]
    assert found == [(row.remedy, row.millionths()) for row in expected]


@settings(max_examples=50)
@given(ranking_cases())
def test_plain_methods_explain_themselves_too(case: RankingCase) -> None:
    by_method: list[tuple[Coverage | SumOfGrades, list[ExactRow]]] = [
        (SumOfGrades(), reference.sum_of_grades(case)),
        (Coverage(), reference.coverage(case)),
    ]
    for method, expected in by_method:
        found = [(row.row.remedy, millionths(row)) for row in grid(case, method)]
        assert found == [(row.remedy, row.millionths()) for row in expected]


def test_equal_remainders_are_told_apart_by_rubric_id_where_coverage_does_not_end() -> None:
    """Five of seven rubrics: cf = 1 + 0.3 · (5/7 − 0.6) / 0.4 = 7.6/7, and a cell is 0.06 · weight · 7.6/7.

    The millionths are 38564.57…, 43124.57…, 195428.57…, 130285.71… and 65142.85…: three remainders are 4/7 exactly.
    Three millionths are missing: one for rubric 5, one for rubric 4, and one for the first of the equal ones.
    """
    weights = ["0.592", "0.662", "3", "2", "1"]
    rubrics = [rubric(number, {"a": 1}, weight=weight) for number, weight in enumerate(weights, 1)]
    (row,) = grid(case(*rubrics, rubric(6, {}), rubric(7, {})), Mcare())
    assert str(row.row.score.score) == "0.472546"
    assert millionths(row) == {1: 38565, 2: 43124, 3: 195428, 4: 130286, 5: 65143}


def test_a_grid_row_in_json_has_six_places_everywhere() -> None:
    (row,) = grid(case(rubric(7, {"a": 1}), rubric(3, {"a": 3}), rubric(5, {"b": 1}, eliminate=False)), Mcare())[:1]
    assert row.to_json() == {
        "remedy": "a",
        "score": "0.283500",
        "cells": [
            {"symptom_id": 3, "grade": 3, "contribution": "0.220500"},
            {"symptom_id": 7, "grade": 1, "contribution": "0.063000"},
        ],
    }


@pytest.mark.parametrize(
    ("exact", "total", "expected"),
    [
        (["0.0000014", "0.0000016"], "0.000003", ["0.000001", "0.000002"]),
        (["0.0000015", "0.0000015"], "0.000003", ["0.000002", "0.000001"]),
        (["0.0000005", "1.0000005", "0.0000005"], "1.000002", ["0.000001", "1.000001", "0.000000"]),
        (["0.0000009", "0.0000008", "0.0000003"], "0.000002", ["0.000001", "0.000001", "0.000000"]),
        (["0.0000009"], "0.000001", ["0.000001"]),
        (["2", "3.5"], "5.5", ["2.000000", "3.500000"]),
        (["0", "0"], "0", ["0.000000", "0.000000"]),
        ([], "0", []),
    ],
)
def test_parts_are_apportioned_by_largest_remainder(exact: list[str], total: str, expected: list[str]) -> None:
    """The parts are given in tenths of a millionth."""
    parts = apportion([int(Decimal(value) * 10 * MILLION) for value in exact], 10, int(Decimal(total) * MILLION))
    assert [f"{part // MILLION}.{part % MILLION:06}" for part in parts] == expected


@given(st.lists(st.integers(0, 10**12), max_size=12))
def test_apportioned_parts_add_up_and_move_less_than_a_millionth(billionths: list[int]) -> None:
    total = round(Fraction(sum(billionths), 1000))
    parts = apportion(billionths, 1000, total)
    assert sum(parts) == total
    assert all(abs(part * 1000 - value) < 1000 for part, value in zip(parts, billionths, strict=True))
