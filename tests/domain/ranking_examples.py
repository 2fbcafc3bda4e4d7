"""Cases made by hand, for examples."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from clincore.domain.ranking.case import Bucket, CaseRubric, CaseType, Course, RankingCase
from clincore.domain.repertory import Remedy, RemedyStatistics, median_of

if TYPE_CHECKING:
    from collections.abc import Mapping

OTHERS = tuple(f"other-{number:02}" for number in range(30))
"""Remedies that fill a rubric up, and say nothing else."""


def rubric(
    number: int,
    grades: Mapping[str, int],
    *,
    bucket: Bucket = Bucket.LOCAL,
    weight: str = "1",
    size: int = 0,
    eliminate: bool = False,
    ailments_from: bool = False,
    delusions: bool = False,
) -> CaseRubric:
    """A rubric of at least ``size`` remedies; those that are added stand at grade 1."""
    filled = {**grades, **dict.fromkeys(OTHERS[: max(0, size - len(grades))], 1)}
    return CaseRubric(
        id=number,
        weight=Decimal(weight),
        eliminate=eliminate,
        bucket=bucket,
        ailments_from=ailments_from,
        delusions=delusions,
        grades=filled,
    )


def case(
    *rubrics: CaseRubric,
    course: Course = Course.ACUTE,
    case_type: CaseType | None = None,
    frequencies: Mapping[str, int] | None = None,
) -> RankingCase:
    """A case in which every remedy stands in four rubrics of the repertory, unless told otherwise."""
    counted = {remedy: 4 for rubric in rubrics for remedy in rubric.grades} | dict(frequencies or {})
    return RankingCase(
        rubrics=rubrics,
        course=course,
        requested_type=case_type,
        statistics=RemedyStatistics(
            remedies={
                remedy: Remedy(abbreviation=remedy, name=remedy.title(), frequency=frequency)
                for remedy, frequency in counted.items()
            },
            median_frequency=median_of(list(counted.values())),
        ),
        fingerprint="0f" * 32,
    )
