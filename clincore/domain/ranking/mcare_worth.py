"""What an MCARE rubric is worth to a remedy: M[g] · w · W[case type][bucket] · A · D · S, and M[g] · w alone."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

from clincore.domain.ranking.arithmetic import CONTEXT, whole_numbers
from clincore.domain.ranking.case import Bucket
from clincore.domain.ranking.tally import GRADES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clincore.domain.ranking.case import CaseType
    from clincore.domain.ranking.parameters import McareParameters

_SMALL_FROM_GRADE = 2
Kind: TypeAlias = tuple[Bucket, Decimal, bool, bool, bool]
"""All of a rubric that a contribution depends on: bucket, weight, ailments-from, delusion, whether it is small."""


@frozen
class Worth:
    """What every rubric of one kind gives a remedy at the grades 0 to 5.

    ``given`` are the contributions and ``raw`` their raw parts in whole numbers, over ``unit``.
    """

    contributions: tuple[Decimal, ...]
    given: Sequence[int]
    raw: Sequence[int]
    unit: int

    def over(self, unit: int) -> Worth:
        """The same over a multiple of its unit."""
        times = unit // self.unit
        if times == 1:
            return self
        return Worth(self.contributions, [times * one for one in self.given], [times * one for one in self.raw], unit)


def worth(settings: McareParameters, case_type: CaseType, kind: Kind) -> Worth:
    """Return what every rubric of a kind gives."""
    bucket, weight, is_from_ailments, is_delusion, is_small = kind
    with localcontext(CONTEXT):
        weighted = weight * settings.bucket_weights[case_type][bucket]
        if is_from_ailments:
            weighted *= settings.ailments_from
        if is_delusion:
            weighted *= settings.delusions
        values = [settings.grade_values[grade] if grade else Decimal(0) for grade in GRADES]
        small = settings.small_rubric if is_small else Decimal(1)
        contributions = tuple(
            value * weighted * (small if grade >= _SMALL_FROM_GRADE else 1)
            for grade, value in zip(GRADES, values, strict=True)
        )
        rows, unit = whole_numbers({"given": contributions, "raw": [value * weight for value in values]})
        return Worth(contributions, rows["given"], rows["raw"], unit)
