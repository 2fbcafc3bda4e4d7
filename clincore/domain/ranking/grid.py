"""The explanation of a ranking: rubrics × remedies, whose cells add up to the scores exactly."""

from __future__ import annotations

from decimal import Decimal, localcontext
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING, NamedTuple

from clincore.domain.ranking.arithmetic import CONTEXT, MILLION, MILLIONTH, whole_numbers
from clincore.domain.ranking.ranking import RankedRemedy, made
from clincore.domain.ranking.tally import Tallies, tally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clincore.domain.canonical_json import JsonObject
    from clincore.domain.ranking.case import RankingCase


_MILLION = Decimal(MILLION)


class Cell(NamedTuple):
    """What one rubric gives one remedy: the grade it stands at, and its part of the score (six places)."""

    rubric_id: int
    grade: int
    contribution: Decimal


class GridRow(NamedTuple):
    """The cells of one remedy in rubric-id order; rubrics without the remedy have none."""

    row: RankedRemedy
    cells: tuple[Cell, ...]

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
    gives, unit = whole_numbers(contributions)
    return grid_of(rows, tally(case, [gives[rubric.id] for rubric in case.rubrics], unit))


def grid_of(rows: Sequence[RankedRemedy], tallies: Tallies) -> tuple[GridRow, ...]:
    """Return a grid row for each ranked remedy, from the hits that its score was made of."""
    places, given, unit = tallies.places, tallies.given, tallies.unit
    all_hits = [places[row.score.remedy] for row in rows]
    contributions: list[Decimal] = []
    with localcontext(CONTEXT):
        for row, hits in zip(rows, all_hits, strict=True):
            score = row.score.score
            if len(hits) == 1:  # all of the score comes from one rubric
                contributions.append(score)
                continue
            total = int(score * _MILLION)
            values = [given[hit] for hit in hits]
            if values.count(values[0]) == len(values):
                contributions += evenly(total, len(values))
                continue
            over, under = row.score.factor
            if type(over) is not int or type(under) is not int:
                over, under = _ratio(over, under)
            over *= MILLION
            parts = apportion([value * over for value in values], unit * under, total)
            contributions += [part * MILLIONTH for part in parts]
    every_hit = list(chain.from_iterable(all_hits))
    ids, grades = map(tallies.rubric_ids.__getitem__, every_hit), map(tallies.grades.__getitem__, every_hit)
    cells = tuple(made(Cell, ids, grades, contributions))
    ends = accumulate(map(len, all_hits), initial=0)
    return tuple(made(GridRow, rows, [cells[start:end] for start, end in pairwise(ends)]))


def _ratio(over: Decimal | int, under: Decimal | int) -> tuple[int, int]:
    """A fraction in whole numbers."""
    (over, over_under), (under, under_under) = over.as_integer_ratio(), under.as_integer_ratio()
    return over * under_under, under * over_under


def evenly(total: int, number: int) -> list[Decimal]:
    """Apportion a total of millionths to so many equal parts, as ``apportion`` does, without their exact values."""
    whole, missing = divmod(total, number)
    part = whole * MILLIONTH
    if not missing:
        return [part] * number
    return [part + MILLIONTH] * missing + [part] * (number - missing)


def apportion(exact: Sequence[int], under: int, total: int) -> list[int]:
    """Round the parts, each over ``under``, to whole numbers that add up to ``total``: largest remainder (Hamilton).

    Each part is rounded down; what is missing goes one each to the largest remainders, the first part first among
    equal ones. Raises ValueError where the total is not that of the parts.
    """
    parts, remainders = [], []
    for value in exact:
        whole, remainder = divmod(value, under)
        parts.append(whole)
        remainders.append(remainder)
    missing = total - sum(parts)
    if not 0 <= missing <= len(parts):
        raise ValueError("A method's contributions do not add up to its score.")
    while missing > 0:
        missing -= 1
        largest = remainders.index(max(remainders))
        parts[largest] += 1
        remainders[largest] = -1
    return parts
