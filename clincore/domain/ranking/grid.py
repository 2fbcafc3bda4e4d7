"""The explanation of a ranking: rubrics × remedies, whose cells add up to the scores exactly."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

from attrs import field, frozen

from clincore.domain.ranking.arithmetic import CONTEXT, MILLIONTH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clincore.domain.canonical_json import JsonObject
    from clincore.domain.ranking.case import RankingCase
    from clincore.domain.ranking.ranking import RankedRemedy


@frozen(kw_only=True)
class Cell:
    """What one rubric gives one remedy: the grade it stands at, and its part of the score (six places)."""

    rubric_id: int
    grade: int
    contribution: Decimal


@frozen(kw_only=True)
class GridRow:
    """The cells of one remedy in rubric-id order; rubrics without the remedy have none."""

    row: RankedRemedy
    cells: tuple[Cell, ...] = field(repr=False)

    def to_json(self) -> JsonObject:
        return {
            "remedy": self.row.remedy,
            "score": str(self.row.score.score),
            "cells": [
                {"symptom_id": cell.rubric_id, "grade": cell.grade, "contribution": str(cell.contribution)}
                for cell in self.cells
            ],
        }


def explain(
    case: RankingCase, rows: Sequence[RankedRemedy], contributions: Mapping[int, Sequence[Decimal]]
) -> tuple[GridRow, ...]:
    """Return a grid row for each ranked remedy.

    ``contributions`` holds for each rubric what it gives at the grades 0 to 5, before the remedy's factor.
    """
    hits: dict[str, list[tuple[int, int]]] = {row.remedy: [] for row in rows}
    for rubric in case.rubrics:
        for remedy, grade in rubric.grades.items():
            if remedy in hits:
                hits[remedy].append((rubric.id, grade))
    with localcontext(CONTEXT):
        return tuple(_explain(row, hits[row.remedy], contributions) for row in rows)


def _explain(
    row: RankedRemedy, hits: Sequence[tuple[int, int]], contributions: Mapping[int, Sequence[Decimal]]
) -> GridRow:
    factor = row.score.factor
    exact = [contributions[rubric_id][grade] * factor.over for rubric_id, grade in hits]
    cells = [
        Cell(rubric_id=rubric_id, grade=grade, contribution=part)
        for (rubric_id, grade), part in zip(hits, apportion(exact, row.score.score, factor.under), strict=True)
    ]
    return GridRow(row=row, cells=tuple(cells))


def apportion(exact: Sequence[Decimal], total: Decimal, under: Decimal = Decimal(1)) -> list[Decimal]:
    """Round the parts, each over ``under``, to six places that add up to ``total``: largest remainder (Hamilton).

    Each part is rounded down; the missing millionths go one each to the largest remainders, the first part first
    among equal ones.
    """
    unit = under * MILLIONTH
    divided = [divmod(value, unit) for value in exact]
    parts = [whole * MILLIONTH for whole, _ in divided]
    missing = int((total - sum(parts, Decimal(0))) / MILLIONTH)
    if missing:
        by_remainder = sorted(range(len(exact)), key=lambda index: (-divided[index][1], index))
        for index in by_remainder[:missing]:
            parts[index] += MILLIONTH
    return parts
