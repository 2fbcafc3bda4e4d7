"""The loaded repertory and the ranking methods, asked without the services between: what the model goes by."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import field, frozen

from clincore.domain.ranking.case import CaseRubric, CaseType, Course, RankingCase
from clincore.testing.model.as_json import hit_json, overview_json, remedy_json, rubric_json

if TYPE_CHECKING:
    from asyncio import Runner
    from collections.abc import Mapping

    from clincore.domain.repertory import Rubric
    from clincore.ports.ranking_method import RankingMethod
    from clincore.ports.repertory import Repertory
    from clincore.testing.model.calls import Json

T = TypeVar("T")
_EVERYTHING = 200


@frozen
class Engine:
    """A repertory and the methods by name; the same question is answered alike as long as it is open."""

    _repertory: Repertory
    _methods: Mapping[str, RankingMethod]
    _runner: Runner
    _rankings: dict[str, Json] = field(factory=dict, repr=False)

    def ranking(self, payload: Mapping[str, Any]) -> Json:
        """Return the whole ranking of a valid payload whose rubrics exist."""
        asked = repr(payload)
        if asked not in self._rankings:
            self._rankings[asked] = self._rank(payload)
        return self._rankings[asked]

    def unknown(self, ids: list[int]) -> list[int]:
        """Return the positions of ids that are no rubric's."""
        known = self._rubrics(ids)
        return [position for position, symptom_id in enumerate(ids) if symptom_id not in known]

    def overview(self) -> Json:
        root = self._runner.run(self._repertory.family(None))
        assert root is not None
        return overview_json(self._repertory.edition, root.children)

    def search(self, query: str) -> list[Json]:
        page = self._runner.run(self._repertory.search(query, limit=_EVERYTHING))
        assert page.next is None, "the model searches for what has few hits"
        return [hit_json(hit) for hit in page.hits]

    def rubric(self, rubric_id: int) -> Json | None:
        rubric = self._rubrics([rubric_id]).get(rubric_id)
        family = self._runner.run(self._repertory.family(rubric_id))
        if rubric is None or family is None:
            return None
        return rubric_json(rubric, self._repertory.statistics.remedies, family)

    def remedies(self) -> list[Json]:
        known = self._repertory.statistics.remedies
        return [remedy_json(known[abbreviation]) for abbreviation in sorted(known)]

    def _rubrics(self, ids: list[int]) -> Mapping[int, Rubric]:
        return self._runner.run(self._repertory.rubrics(ids))

    def _rank(self, payload: Mapping[str, Any]) -> Json:
        entries = choices_of(payload)
        rubrics = self._rubrics([entry["symptom_id"] for entry in entries])
        case_type = payload.get("case_type", "auto")
        method = self._methods[payload.get("method", "mcare/6.1")]
        case = RankingCase(
            rubrics=tuple(
                CaseRubric.of(
                    rubrics[entry["symptom_id"]],
                    None,
                    weight=Decimal(str(entry.get("weight", 1))),
                    eliminate=entry.get("eliminate", False),
                )
                for entry in entries
            ),
            course=Course(payload.get("course", "chronic")),
            requested_type=None if case_type == "auto" else CaseType(case_type),
            statistics=self._repertory.statistics,
            fingerprint=self._repertory.edition.fingerprint,
        )
        return dict(method.rank(case).to_json(0))


def choices_of(payload: Mapping[str, Any]) -> list[Json]:
    """Return a payload's rubrics as those with weights are written."""
    if "rubrics" in payload:
        return list(payload["rubrics"])
    return [{"symptom_id": symptom_id} for symptom_id in payload["symptom_ids"]]
