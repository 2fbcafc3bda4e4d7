"""The stability margin: how much one rubric's weight must change to cost the first remedy its place."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING, Protocol

import pytest
import reference_mcare as reference
from attrs import evolve
from hypothesis import given, settings
from ranking_examples import case, rubric

from clincore.domain.ranking.case import Bucket, Course, RankingCase
from clincore.domain.ranking.mcare import Mcare
from clincore.domain.ranking.plain import Coverage, SumOfGrades
from clincore.domain.ranking.stability import Contest, Margin, Stability, margin_of
from clincore.testing.strategies import ranking_cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from clincore.domain.ranking.ranking import Ranking

Found = tuple[str, int, str] | None
PENALTY = Fraction(85, 100)


class Method(Protocol):
    def rank(self, case: RankingCase) -> Ranking: ...

    def contest(self, case: RankingCase) -> Contest: ...


def margin(method: Method, case: RankingCase) -> Found:
    rows = method.rank(case).rows
    rubric_ids = [rubric.id for rubric in case.rubrics]
    found = margin_of(method.contest(case), rows[0].remedy, rubric_ids) if rows else None
    return None if found is None else (str(found.rounded), found.rubric_id, found.remedy)


# --- by trying every weight at which anything can change --------------------------------------------


def exact_scores(case: RankingCase) -> dict[str, tuple[Fraction, bool]]:
    """MCARE's scores without the chronic rule, not rounded, and whether the rule would spare the remedy."""
    acute = evolve(case, course=Course.ACUTE)
    return {row.remedy: (row.score, row.strong > 0) for row in reference.mcare(acute)}


def at_weight(case: RankingCase, rubric_id: int, ratio: Fraction) -> RankingCase:
    """The case with one weight multiplied; its type stays."""
    changed = (
        each._replace(weight=Fraction(each.weight) * ratio)  # type: ignore[arg-type]  # exact; no engine sees it
        if each.id == rubric_id
        else each
        for each in case.rubrics
    )
    return evolve(case, rubrics=tuple(changed), requested_type=case.case_type)


def first_five(scores: dict[str, tuple[Fraction, bool]]) -> list[str]:
    return sorted(scores, key=lambda remedy: (-scores[remedy][0], remedy))[:5]


def level_with_mcare(case: RankingCase, first: str) -> list[str]:
    """The other remedies that are first or level, with the chronic rule applied to exact scores."""
    scores = exact_scores(case)
    ruled = first_five(scores) if case.course is Course.CHRONIC else []
    final = {
        remedy: score * (PENALTY if remedy in ruled and not spared else 1) for remedy, (score, spared) in scores.items()
    }
    return [remedy for remedy, score in final.items() if remedy != first and score >= final[first]]


def level_with_sums(case: RankingCase, first: str) -> list[str]:
    final = {row.remedy: row.score for row in reference.sum_of_grades(case)}
    return [remedy for remedy, score in final.items() if remedy != first and score >= final[first]]


def level_with_coverage(case: RankingCase, first: str) -> list[str]:
    final = {row.remedy: (row.score, row.raw) for row in reference.coverage(case)}
    return [remedy for remedy, score in final.items() if remedy != first and score >= final[first]]


def tried(case: RankingCase, first: str, level: Callable[[RankingCase, str], list[str]], scores: Callable) -> Found:  # type: ignore[type-arg]
    """Look at every weight where two lines cross, penalized or not, and between each two of them."""
    found: list[tuple[Fraction, int, str]] = []
    for each in case.rubrics:
        now, twice = scores(at_weight(case, each.id, Fraction(1))), scores(at_weight(case, each.id, Fraction(2)))
        lines = {
            (remedy, rate): (now[remedy] * rate, (twice[remedy] - now[remedy]) * rate)
            for remedy in now
            for rate in (1, PENALTY)
        }
        for direction, furthest in ((1, Fraction(9)), (-1, Fraction(9, 10))):
            changes = {Fraction(0), furthest}
            for (one, one_slope), (other, other_slope) in combinations(lines.values(), 2):
                if one_slope != other_slope:
                    change = (other - one) / (one_slope - other_slope) * direction
                    if 0 < change < furthest:
                        changes.add(change)
            ordered = sorted(changes)
            for start, end in zip(ordered, [*ordered[1:], None], strict=True):
                ahead = level(at_weight(case, each.id, 1 + direction * start), first)
                if not ahead and end is not None:
                    ahead = level(at_weight(case, each.id, 1 + direction * (start + end) / 2), first)
                if ahead:
                    found.append((start, each.id, min(ahead)))
                    break
    if not found:
        return None
    least, rubric_id, remedy = min(found)
    return reference.six_places_up(least), rubric_id, remedy


def scores_of_mcare(case: RankingCase) -> dict[str, Fraction]:
    return {remedy: score for remedy, (score, _) in exact_scores(case).items()}


def scores_of_sums(case: RankingCase) -> dict[str, Fraction]:
    return {row.remedy: row.raw for row in reference.sum_of_grades(case)}


@settings(max_examples=25)
@given(ranking_cases(longest=3))
def test_mcare_s_margin_is_the_one_that_is_found_by_trying(case: RankingCase) -> None:
    rows = Mcare().rank(case).rows
    expected = tried(case, rows[0].remedy, level_with_mcare, scores_of_mcare) if rows else None
    assert margin(Mcare(), case) == expected


@settings(max_examples=15)
@given(ranking_cases(longest=4))
def test_the_plain_methods_margins_are_those_that_are_found_by_trying(case: RankingCase) -> None:
    for method, level in ((SumOfGrades(), level_with_sums), (Coverage(), level_with_coverage)):
        rows = method.rank(case).rows
        expected = tried(case, rows[0].remedy, level, scores_of_sums) if rows else None
        assert margin(method, case) == expected


# --- by hand ----------------------------------------------------------------------------------------


def test_the_margin_is_where_two_lines_cross_rounded_up() -> None:
    """a has 3·1 and b 2·1 + 2·w: level where w is 0.5; a has 3·w and b 4: level where w is 4/3, 0.333… more."""
    given = case(rubric(1, {"a": 3, "b": 2}), rubric(2, {"b": 2}))
    assert margin(SumOfGrades(), given) == ("0.500000", 2, "a")
    given = case(rubric(1, {"a": 3}), rubric(2, {"b": 4}))
    assert margin(SumOfGrades(), given) == ("0.250000", 2, "a")
    given = case(rubric(1, {"b": 3}), rubric(2, {"a": 1}, weight="2"), rubric(3, {"a": 2}, weight="0.1"))
    assert margin(SumOfGrades(), given) == ("0.266667", 1, "a")


def test_a_weight_may_go_to_ten_times_itself_and_to_a_tenth_and_no_further() -> None:
    last = case(rubric(1, {"a": 5}, weight="2"), rubric(2, {"b": 1}))
    assert margin(SumOfGrades(), last) == ("0.900000", 1, "b")
    too_far = case(rubric(1, {"a": 5}, weight="2.001"), rubric(2, {"b": 1}))
    assert margin(SumOfGrades(), too_far) is None


def test_nobody_loses_a_first_place_to_nobody() -> None:
    assert margin(Mcare(), case(rubric(1, {"a": 1}))) is None
    assert margin(Mcare(), case(rubric(1, {}))) is None


def test_who_shares_the_first_place_can_lose_it_at_once() -> None:
    given = case(rubric(4, {"c": 1, "b": 1, "a": 1}), rubric(9, {"c": 1, "a": 1}))
    for method in (Mcare(), SumOfGrades(), Coverage()):
        assert margin(method, given) == ("0.000000", 4, "c")


def test_a_trace_that_rounding_hides_counts() -> None:
    """Both round to 0.078000, and a stands first by its abbreviation; b has a trace more."""
    given = case(rubric(1, {"a": 1, "b": 1}), rubric(2, {"b": 1, "a": 1}), frequencies={"a": 10**9, "b": 10**9 - 1})
    rows = Mcare().rank(given).rows
    assert [row.tied for row in rows] == [True, True]
    assert margin(Mcare(), given) == ("0.000000", 1, "b")


def test_the_chronic_rule_is_applied_anew() -> None:
    """Six remedies share rubric 1, all but f have rubric 2 besides: f is sixth, and so first, the others penalized.

    They have 0.85 · 1.05 · 0.06 · (u + 0.1 · v) where f has 0.06 · u, with both weights changed to u and v times of
    what they are: level where u is 0.8925 / 1.075, 0.16976… less, or where v is 1.075 / 0.8925, 0.20… more.
    """
    names = ["a", "b", "c", "d", "e", "f"]
    given = case(
        rubric(1, dict.fromkeys(names, 1)),
        rubric(2, dict.fromkeys(names[:5], 1), weight="0.1"),
        rubric(3, {}),
        course=Course.CHRONIC,
    )
    assert Mcare().rank(given).rows[0].remedy == "f"
    assert margin(Mcare(), given) == ("0.169768", 1, "a")
    assert tried(given, "f", level_with_mcare, scores_of_mcare) == ("0.169768", 1, "a")


def test_coverage_can_be_lost_to_those_with_as_many_rubrics_only() -> None:
    given = case(rubric(1, {"a": 1, "b": 2}), rubric(2, {"a": 3, "b": 1}), rubric(3, {"c": 5}, weight="10"))
    assert Coverage().rank(given).rows[0].remedy == "a"
    assert margin(Coverage(), given) == ("0.500000", 2, "b")


def test_the_case_type_stays() -> None:
    """A Mind rubric whose weight falls to a tenth is a Mind rubric still."""
    given = case(rubric(1, {"a": 5, "b": 1}, bucket=Bucket.MIND_CORE), rubric(2, {"b": 1}))
    assert margin(Mcare(), given) == tried(given, "a", level_with_mcare, scores_of_mcare)


def test_a_margin_in_json() -> None:
    found = Margin(exact=Fraction(1, 3), rubric_id=8, remedy="puls")
    assert found.rounded == Decimal("0.333334")
    assert Stability(is_supported=True, margin=found).to_json() == {
        "supported": True,
        "margin": "0.333334",
        "symptom_id": 8,
        "remedy": "puls",
    }
    nothing = {"margin": None, "symptom_id": None, "remedy": None}
    assert Stability(is_supported=True).to_json() == {"supported": True, **nothing}
    assert Stability(is_supported=False).to_json() == {"supported": False, **nothing}


def test_a_penalty_that_is_a_gift_is_refused() -> None:
    with pytest.raises(ValueError, match="penalty"):
        Contest(contenders=(), ruled=5, penalty=Fraction(3, 2))
