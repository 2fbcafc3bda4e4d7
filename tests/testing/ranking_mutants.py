"""Faults planted in copies of a ranking method, each with the law that must catch it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, getcontext
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, frozen

from clincore.domain.ranking.case import Course, RankingCase
from clincore.domain.ranking.plain import SumOfGrades
from clincore.domain.ranking.ranking import RankedRemedy, Ranking, ranked, with_ranks

if TYPE_CHECKING:
    from clincore.domain.canonical_json import JsonObject

Fault = Callable[[RankingCase, Ranking], tuple[RankedRemedy, ...]]

MUTANTS: Final[list[tuple[str, str, SumOfGrades]]] = []
"""The fault, the law that catches it, and the method that has it."""


@frozen
class Faulty(SumOfGrades):
    """Sum of grades, whose rows a fault makes others of."""

    fault: Fault

    def rank(self, case: RankingCase) -> Ranking:
        ranking = super().rank(case)
        return evolve(ranking, rows=self.fault(case, ranking))

    def with_parameters(self, parameters: JsonObject) -> Faulty:
        super().with_parameters(parameters)
        return self


def planted(fault: str, law: str) -> Callable[[Fault], Fault]:
    def register(found: Fault) -> Fault:
        MUTANTS.append((fault, law, Faulty(found)))
        return found

    return register


def _scored(ranking: Ranking, **changes: Callable[[Any], object]) -> tuple[RankedRemedy, ...]:
    """The rows with other scores, in order."""
    scores = []
    for row in ranking.rows:
        changed: dict[str, Any] = {name: of(row.score) for name, of in changes.items()}
        scores.append(row.score._replace(**changed))
    names = {row.remedy: row for row in ranking.rows}
    return tuple(row._replace(name=names[row.remedy].name) for row in ranked(scores, {}))


ORDER: Final = "the_order_of_rubrics_remedies_and_statistics_changes_nothing"
RANKS: Final = "remedies_stand_in_order_with_ranks_and_ties_marked"


@planted("a rank that is unstable under reordering", ORDER)
def _as_entered(case: RankingCase, ranking: Ranking) -> tuple[RankedRemedy, ...]:
    entered = [remedy for rubric in case.rubrics for remedy in rubric.grades]
    scores = sorted((row.score for row in ranking.rows), key=lambda score: entered.index(score.remedy))
    scores.sort(key=lambda score: score.score, reverse=True)
    return with_ranks(scores, case.statistics.remedies)


@planted("a score by the order of the statistics", ORDER)
def _by_place(case: RankingCase, ranking: Ranking) -> tuple[RankedRemedy, ...]:
    first = next(iter(case.statistics.remedies))
    return _scored(ranking, score=lambda score: score.score + (score.remedy == first) * Decimal("0.000001"))


@planted("ties that are not marked", RANKS)
def _unmarked(_case: RankingCase, ranking: Ranking) -> tuple[RankedRemedy, ...]:
    return tuple(row._replace(tied=False) for row in ranking.rows)


@planted("ranks 1, 1, 2", RANKS)
def _dense(_case: RankingCase, ranking: Ranking) -> tuple[RankedRemedy, ...]:
    places = sorted({row.rank for row in ranking.rows})
    return tuple(row._replace(rank=places.index(row.rank) + 1) for row in ranking.rows)


@planted("ties that get ranks of their own", "a_remedy_that_stands_wherever_another_does_is_tied_with_it")
def _apart(_case: RankingCase, ranking: Ranking) -> tuple[RankedRemedy, ...]:
    return tuple(row._replace(rank=place, tied=False) for place, row in enumerate(ranking.rows, 1))


@planted("a rubric that does not eliminate", "every_remedy_of_the_case_is_ranked_once_and_no_other")
def _spares_all(case: RankingCase, _ranking: Ranking) -> tuple[RankedRemedy, ...]:
    spared = evolve(case, rubrics=tuple(rubric._replace(eliminate=False) for rubric in case.rubrics))
    return SumOfGrades().rank(spared).rows


@planted(
    "a rubric that eliminates and does not count",
    "eliminating_takes_remedies_away_and_leaves_the_numbers_of_the_others",
)
def _does_not_count(case: RankingCase, ranking: Ranking) -> tuple[RankedRemedy, ...]:
    marked = {rubric.id for rubric in case.rubrics if rubric.eliminate}

    def score(found: Any) -> Decimal:
        graded = [each for each in case.rubrics if each.id not in marked and found.remedy in each.grades]
        total = sum((each.weight * each.grades[found.remedy] for each in graded), Decimal(0))
        return total.quantize(Decimal("0.000001"))

    return _scored(ranking, score=score)


@planted("the last remedy left out", "every_remedy_of_the_case_is_ranked_once_and_no_other")
def _one_short(_case: RankingCase, ranking: Ranking) -> tuple[RankedRemedy, ...]:
    return ranking.rows[:-1]


@planted("a score that is a millionth too high", "a_score_is_what_its_rubrics_give_rounded_once")
def _a_millionth_more(_case: RankingCase, ranking: Ranking) -> tuple[RankedRemedy, ...]:
    return tuple(
        row._replace(score=row.score._replace(score=row.score.score + Decimal("0.000001"))) for row in ranking.rows
    )


@planted("a grid of other rows", "the_grid_adds_up_to_every_score")
def _swapped(_case: RankingCase, ranking: Ranking) -> tuple[RankedRemedy, ...]:
    return (
        tuple(row._replace(score=row.score._replace(score=Decimal(0))) for row in ranking.rows[:1]) + ranking.rows[1:]
    )


@planted("numbers in the caller's context", "the_decimal_context_of_the_caller_changes_nothing")
def _in_any_context(_case: RankingCase, ranking: Ranking) -> tuple[RankedRemedy, ...]:
    low = getcontext().prec < 10
    return ranking.rows[: len(ranking.rows) // 2] if low else ranking.rows


@planted("scores as they come", "what_is_told_of_a_remedy_is_what_the_case_says")
def _unrounded(_case: RankingCase, ranking: Ranking) -> tuple[RankedRemedy, ...]:
    return _scored(ranking, score=lambda score: score.score.normalize())


@planted("coverage of the rubrics that hit something", "what_is_told_of_a_remedy_is_what_the_case_says")
def _covers_hits(_case: RankingCase, ranking: Ranking) -> tuple[RankedRemedy, ...]:
    return _scored(ranking, coverage=lambda score: Decimal("1.000000"))


@planted("a score of the square of a weight", "weights_times_k_give_scores_times_k")
def _squared(case: RankingCase, ranking: Ranking) -> tuple[RankedRemedy, ...]:
    heaviest = max(rubric.weight for rubric in case.rubrics)
    return _scored(ranking, score=lambda score: (score.score * heaviest).quantize(Decimal("0.000001")))


@planted("a ranking of the first ten", "every_remedy_of_the_case_is_ranked_once_and_no_other")
def _first_ten(_case: RankingCase, ranking: Ranking) -> tuple[RankedRemedy, ...]:
    return ranking.rows[:10]


@planted("a course that is not told", "a_ranking_tells_what_it_was_made_with")
def _same(_case: RankingCase, ranking: Ranking) -> tuple[RankedRemedy, ...]:
    return ranking.rows


class _SaysAcute(Faulty):
    def rank(self, case: RankingCase) -> Ranking:
        return evolve(super().rank(case), course=Course.ACUTE)


MUTANTS[-1] = (*MUTANTS[-1][:2], _SaysAcute(_same))


class _TakesAnything(SumOfGrades):
    def with_parameters(self, parameters: JsonObject) -> SumOfGrades:
        return self


MUTANTS.append(("any parameters", "parameters_that_it_does_not_have_are_refused", _TakesAnything()))
