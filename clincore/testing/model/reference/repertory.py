"""The repertory, as the reference model answers for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clincore.testing.model.reference.records import ranking_of, unknown_rubrics
from clincore.testing.model.reference.refusals import no_rubric, wrong

if TYPE_CHECKING:
    from clincore.testing.model.calls import Answer
    from clincore.testing.model.reference.state import Visit


def overview(visit: Visit) -> Answer:
    return visit.world.engine.overview()


def search(visit: Visit) -> Answer:
    return visit.page(visit.world.engine.search(visit.call.query["q"]))


def rubric(visit: Visit) -> Answer:
    return visit.world.engine.rubric(int(visit.asked)) or no_rubric(visit.asked)


def remedies(visit: Visit) -> Answer:
    return visit.page(visit.world.engine.remedies())


def rank(visit: Visit) -> Answer:
    unknown = unknown_rubrics(visit, visit.call.body, "")
    return wrong(*unknown) if unknown else ranking_of(visit, visit.call.body)
