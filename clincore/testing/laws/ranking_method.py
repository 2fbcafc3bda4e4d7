"""The laws of a ranking method: what means nothing never changes a digit, and what is told adds up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import ROUND_UP, Context, Decimal, Inexact, Rounded, getcontext, localcontext, setcontext
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeVar

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.canonical_json import canonical_json
from clincore.domain.errors import InvalidInput
from clincore.domain.ranking.case import Course, RankingCase
from clincore.domain.ranking.grid import explain
from clincore.domain.repertory import Remedy
from clincore.ports.weight_sensitivity import WeightSensitivity
from clincore.testing.strategies import ranking_cases
from clincore.testing.suite.expecting import refused
from clincore.testing.suite.law import law

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from clincore.domain.canonical_json import JsonValue
    from clincore.domain.ranking.grid import GridRow
    from clincore.domain.ranking.ranking import Ranking
    from clincore.ports.ranking_method import RankingMethod
    from clincore.testing.suite.ranking_method import MethodGround

T = TypeVar("T")

HOSTILE: Final = Context(prec=5, rounding=ROUND_UP)
TRAPPING: Final = Context(prec=3, rounding=ROUND_UP, traps=[Inexact, Rounded])
CASES: Final = ranking_cases(longest=6)
ACUTE: Final = CASES.map(lambda case: evolve(case, course=Course.ACUTE))
"""A chronic course may have a rule for the first few, which what others do then decides."""


def everything(method: RankingMethod, case: RankingCase) -> list[JsonValue]:
    """The ranking and the grid, to the last digit."""
    ranking = method.rank(case)
    grid = explained(method, case, ranking)
    return [ranking.to_json(0), *(row.to_json() for row in grid)]


def explained(method: RankingMethod, case: RankingCase, ranking: Ranking) -> tuple[GridRow, ...]:
    try:
        return explain(case, ranking.rows, method.contributions(case))
    except ValueError as error:
        raise AssertionError("the contributions do not add up to the score") from error


@law(given(case=CASES, random=st.randoms(use_true_random=False)), examples=30)
def the_order_of_rubrics_remedies_and_statistics_changes_nothing(
    ground: MethodGround, case: RankingCase, random: Random
) -> None:
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
    assert everything(ground.method, again) == everything(ground.method, case)


@law(given(case=CASES, context=st.sampled_from([HOSTILE, TRAPPING])), examples=30)
def the_decimal_context_of_the_caller_changes_nothing(
    ground: MethodGround, case: RankingCase, context: Context
) -> None:
    expected = everything(ground.method, case)
    with localcontext(context):
        assert everything(ground.method, case) == expected
        assert getcontext().prec == context.prec


@law(given(cases=st.lists(ranking_cases(longest=4), min_size=2, max_size=5)), examples=15)
def threads_with_contexts_of_their_own_get_the_same_digits(ground: MethodGround, cases: list[RankingCase]) -> None:
    def in_a_hostile_thread(case: RankingCase) -> list[JsonValue]:
        setcontext(HOSTILE.copy())
        return everything(ground.method, case)

    expected = [everything(ground.method, case) for case in cases]
    with ThreadPoolExecutor(max_workers=4) as pool:
        assert list(pool.map(in_a_hostile_thread, cases)) == expected


@law(given(case=CASES), examples=40)
def every_remedy_of_the_case_is_ranked_once_and_no_other(ground: MethodGround, case: RankingCase) -> None:
    """Of a case with rubrics that eliminate, those that stand in each of them."""
    standing = {remedy for rubric in case.rubrics for remedy in rubric.grades}
    expected = [
        remedy for remedy in standing if all(remedy in rubric.grades for rubric in case.rubrics if rubric.eliminate)
    ]
    assert sorted(row.remedy for row in ground.method.rank(case).rows) == sorted(expected)


@law(given(case=CASES), examples=60)
def remedies_stand_in_order_with_ranks_and_ties_marked(ground: MethodGround, case: RankingCase) -> None:
    """By score, highest first; equal rows share a rank (1, 1, 3), are marked, and stand by abbreviation."""
    rows = ground.method.rank(case).rows
    for place, row in enumerate(rows, 1):
        equal = [other for other in rows if other.rank == row.rank]
        assert row.tied is (len(equal) > 1)
        assert row.rank == place or (row.tied and rows[place - 2].rank == row.rank)
        assert len({other.score.score for other in equal}) == 1
        assert [other.remedy for other in equal] == sorted(other.remedy for other in equal)
    for one, after in pairwise(rows):
        if one.rank != after.rank:
            assert (one.score.score, one.score.raw_score) > (after.score.score, after.score.raw_score)


@law(given(case=CASES), examples=40)
def what_is_told_of_a_remedy_is_what_the_case_says(ground: MethodGround, case: RankingCase) -> None:
    """The rubrics it was hit in, their part of all, and its name; every number has six places."""
    for row in ground.method.rank(case).rows:
        hits = sum(row.remedy in rubric.grades for rubric in case.rubrics)
        assert row.score.rubrics_hit == hits
        assert abs(row.score.coverage - Decimal(hits) / len(case.rubrics)) <= Decimal("0.0000005")
        assert row.name == case.statistics.remedies[row.remedy].name
        numbers = (row.score.score, row.score.raw_score, row.score.coverage)
        assert [number.as_tuple().exponent for number in numbers] == [-6, -6, -6]


@law(given(case=CASES))
def a_ranking_tells_what_it_was_made_with(ground: MethodGround, case: RankingCase) -> None:
    ranking = ground.method.rank(case)
    assert (ranking.method, ranking.case_type, ranking.course, ranking.repertory) == (
        ground.method.name,
        case.case_type,
        case.course,
        case.fingerprint,
    )
    assert ranking.remedies_evaluated == len(ranking.rows)


@law(given(case=CASES, n=st.integers(0, 25)))
def the_first_n_are_the_beginning_of_all(ground: MethodGround, case: RankingCase, n: int) -> None:
    """Their ranks and ties are those among all; 0 means all."""
    ranking = ground.method.rank(case)
    assert ranking.top(n) == (ranking.rows[:n] if n else ranking.rows)
    assert ranking.to_json(n)["ranking"] == [row.to_json() for row in ranking.top(n)]


@law(given(case=ACUTE), examples=40)
def eliminating_takes_remedies_away_and_leaves_the_numbers_of_the_others(
    ground: MethodGround, case: RankingCase
) -> None:
    """A rubric that eliminates counts like any other."""
    without = evolve(case, rubrics=tuple(each._replace(eliminate=False) for each in case.rubrics))
    eliminating = [each for each in case.rubrics if each.eliminate]
    expected = [
        row.score for row in ground.method.rank(without).rows if all(row.remedy in each.grades for each in eliminating)
    ]
    assert [row.score for row in ground.method.rank(case).rows] == expected


@law(given(case=ACUTE, data=st.data()), examples=40)
def a_remedy_that_stands_wherever_another_does_is_tied_with_it(
    ground: MethodGround, case: RankingCase, data: st.DataObject
) -> None:
    """At the same grades, and as often in the repertory."""
    standing = sorted({remedy for rubric in case.rubrics for remedy in rubric.grades})
    if not standing:
        return
    one, twin = data.draw(st.sampled_from(standing)), "twin"
    known = case.statistics.remedies
    doubled = evolve(
        case,
        rubrics=tuple(
            rubric._replace(
                grades={**rubric.grades, twin: rubric.grades[one]} if one in rubric.grades else rubric.grades
            )
            for rubric in case.rubrics
        ),
        statistics=evolve(
            case.statistics,
            remedies={**known, twin: Remedy(abbreviation=twin, name="", frequency=known[one].frequency)},
        ),
    )
    rows = {row.remedy: row for row in ground.method.rank(doubled).rows}
    if one in rows:
        assert rows[twin].rank == rows[one].rank
        assert rows[twin].score._replace(remedy=one) == rows[one].score
        assert rows[one].tied is rows[twin].tied is True


@law(given(case=CASES), examples=40)
def the_grid_adds_up_to_every_score(ground: MethodGround, case: RankingCase) -> None:
    """Exactly; its cells are the rubrics that hold the remedy, by rubric id."""
    ranking = ground.method.rank(case)
    grid = explained(ground.method, case, ranking)
    assert [row.row for row in grid] == list(ranking.rows)
    for row in grid:
        assert sum(cell.contribution for cell in row.cells) == row.row.score.score
        hits = sorted((each.id, each.grades[row.row.remedy]) for each in case.rubrics if row.row.remedy in each.grades)
        assert [(cell.rubric_id, cell.grade) for cell in row.cells] == hits


@law(given(case=CASES), examples=40)
def a_score_is_what_its_rubrics_give_rounded_once(ground: MethodGround, case: RankingCase) -> None:
    """The contributions at the remedy's grades, times its factor, to half a millionth."""
    gives = ground.method.contributions(case)
    for row in ground.method.rank(case).rows:
        over, under = map(Fraction, row.score.factor)
        hits = [gives[each.id][each.grades[row.remedy]] for each in case.rubrics if row.remedy in each.grades]
        exact = sum(map(Fraction, hits), Fraction(0)) * over / under
        assert abs(exact - Fraction(row.score.score)) <= Fraction(1, 2_000_000)


@law(given(case=CASES))
def the_parameters_that_are_signed_give_the_same_method_again(ground: MethodGround, case: RankingCase) -> None:
    """They are canonical JSON."""
    canonical_json(ground.method.parameters)
    again = ground.method.with_parameters(ground.method.parameters)
    assert (again.name, again.parameters) == (ground.method.name, ground.method.parameters)
    assert everything(again, case) == everything(ground.method, case)


@law()
def parameters_that_it_does_not_have_are_refused(ground: MethodGround) -> None:
    with refused(InvalidInput):
        ground.method.with_parameters({**ground.method.parameters, "no such parameter": "1"})


@law()
def a_method_is_named_and_versioned(ground: MethodGround) -> None:
    name, slash, version = ground.method.name.rpartition("/")
    assert all((name, slash, version, ground.method.name.isascii()))


@law(given(case=CASES), examples=20)
def whoever_comes_first_is_among_those_that_could(ground: MethodGround, case: RankingCase) -> None:
    """Of a method that tells what weights do to its ranking."""
    rows = ground.method.rank(case).rows
    if rows and isinstance(ground.method, WeightSensitivity):
        assert rows[0].remedy in [contender.remedy for contender in ground.method.contest(case).contenders]


@law(given(case=ACUTE, k=st.integers(2, 50)), examples=40, capability="linear")
def weights_times_k_give_scores_times_k(ground: MethodGround, case: RankingCase, k: int) -> None:
    """Rounded scores are within half a millionth of the exact ones."""
    heavier = evolve(case, rubrics=tuple(each._replace(weight=each.weight * k) for each in case.rubrics))
    before = {row.remedy: row.score for row in ground.method.rank(case).rows}
    after = {row.remedy: row.score for row in ground.method.rank(heavier).rows}
    assert before.keys() == after.keys()
    for remedy, score in before.items():
        assert after[remedy].raw_score == score.raw_score * k
        assert after[remedy].coverage == score.coverage
        assert abs(after[remedy].score - score.score * k) <= Decimal("0.0000005") * (k + 1)
