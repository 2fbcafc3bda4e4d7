"""Ranking remedies for rubrics: the engine on the loaded repertory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from clincore.domain.case_input import CaseInput, places_of_ids
from clincore.domain.errors import InvalidInput, Problem, UnknownMethod
from clincore.domain.ranking.case import CaseRubric, RankingCase
from clincore.domain.ranking.grid import GridRow, explain, grid_of
from clincore.domain.ranking.stability import Stability, margin_of
from clincore.domain.usage import Endpoint
from clincore.ports.weight_sensitivity import WeightSensitivity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clincore.domain.canonical_json import JsonObject, JsonValue
    from clincore.domain.ranking.ranking import Ranking
    from clincore.domain.repertory import Rubric
    from clincore.ports.ranking_method import RankingMethod
    from clincore.services.resources import Resources
    from clincore.services.session import Session


@frozen(kw_only=True)
class Repertorization:
    """An input ranked: the rubrics as they are in the repertory, the case as the method saw it, and the ranking."""

    entered: CaseInput
    rubrics: Mapping[int, Rubric] = field(repr=False)
    case: RankingCase = field(repr=False)
    method: RankingMethod = field(repr=False)
    ranking: Ranking
    stability: Stability | None = None
    """How stable the first place is; None where that was not asked."""

    def grid(self, top_n: int | None = None) -> tuple[GridRow, ...]:
        """Return the contribution of each rubric for the first ``top_n`` remedies (default: the input's; 0: all)."""
        rows = self.ranking.top(self.entered.top_n if top_n is None else top_n)
        if self.ranking.tallies is not None:
            return grid_of(rows, self.ranking.tallies)
        return explain(self.case, rows, self.method.contributions(self.case))

    def to_json(self, *, grid: bool = False) -> JsonObject:
        """The ranking as the contract has it, with the input's ``top_n`` rows; beside it what else was asked for."""
        answer: dict[str, JsonValue] = {**self.ranking.to_json(self.entered.top_n)}
        if grid:
            answer["grid"] = [row.to_json() for row in self.grid()]
        if self.stability is not None:
            answer["stability"] = self.stability.to_json()
        return answer


async def check_rubrics(resources: Resources, entered: CaseInput, path: str = "") -> Mapping[int, Rubric]:
    """Return the input's rubrics; raises InvalidInput naming an unknown method and every unknown rubric."""
    ids = entered.symptom_ids
    rubrics = await resources.repertory.rubrics(ids)
    prefix = f"{path}." if path else ""
    problems = []
    try:
        resources.method(entered.method)
    except UnknownMethod as error:
        problems.append(Problem(f"{prefix}method", str(error)))
    if len(rubrics) < len(ids):
        problems += _unknown(places_of_ids(entered.payload), rubrics, prefix)
    if problems:
        raise InvalidInput(problems)
    return rubrics


async def read_input(session: Session, endpoint: Endpoint, payload: Mapping[str, object], path: str = "") -> CaseInput:
    """Read the input of a call; raises InvalidInput naming all that is wrong, rubrics that are unknown among it.

    Which rubrics there are is told to the holder of a valid key alone.
    """
    try:
        return CaseInput.parse(payload, path)
    except InvalidInput as error:
        places = places_of_ids(payload)
        if not places:
            raise
        async with session.begin(endpoint) as work:
            await work.flush()
        rubrics = await session.resources.repertory.rubrics(tuple(set(places.values())))
        unknown = _unknown(places, rubrics, f"{path}." if path else "")
        raise InvalidInput([*error.problems, *unknown]) from None


def _unknown(places: Mapping[str, int], rubrics: Mapping[int, Rubric], prefix: str) -> list[Problem]:
    return [
        Problem(f"{prefix}{place}", f"rubric {rubric_id} is not in the repertory")
        for place, rubric_id in places.items()
        if rubric_id not in rubrics
    ]


async def repertorize(
    resources: Resources, entered: CaseInput, path: str = "", *, stability: bool = False
) -> Repertorization:
    """Rank the remedies of an input, and find how stable the first place is where that is asked.

    Raises InvalidInput for unknown rubrics or an unknown method.
    """
    rubrics = await check_rubrics(resources, entered, path)
    repertory, tag_of = resources.repertory, resources.tags.get
    case = RankingCase(
        rubrics=tuple(
            [
                CaseRubric.of(rubrics[choice.symptom_id], tag_of(choice.symptom_id), choice.weight, choice.eliminate)
                for choice in entered.rubrics
            ]
        ),
        course=entered.course,
        requested_type=entered.case_type,
        statistics=repertory.statistics,
        fingerprint=repertory.edition.fingerprint,
    )
    method = resources.method(entered.method)
    ranking = method.rank(case)
    return Repertorization(
        entered=entered,
        rubrics=rubrics,
        case=case,
        method=method,
        ranking=ranking,
        stability=_stability(method, case, ranking) if stability else None,
    )


def _stability(method: RankingMethod, case: RankingCase, ranking: Ranking) -> Stability:
    if not isinstance(method, WeightSensitivity):
        return Stability(is_supported=False)
    if not ranking.rows:
        return Stability(is_supported=True)
    rubric_ids = [rubric.id for rubric in case.rubrics]
    return Stability(is_supported=True, margin=margin_of(method.contest(case), ranking.rows[0].remedy, rubric_ids))


@frozen
class Rankings:
    """The engine without a case, for the session's key."""

    _session: Session

    async def rank(self, payload: Mapping[str, object], *, stability: bool = False) -> Repertorization:
        """Rank the remedies of an ``input_payload``; raises InvalidInput naming all that is wrong.

        With ``stability`` also find how much one weight must change to put another remedy first.
        """
        entered = await read_input(self._session, Endpoint.RANK_RUBRICS, payload)
        async with self._session.begin(Endpoint.RANK_RUBRICS) as work:
            work.usage.count()
            await work.flush()
            found = await repertorize(self._session.resources, entered, stability=stability)
            await work.commit()
        return found
