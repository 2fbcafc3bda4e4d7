"""A case as a ranking method sees it."""

from __future__ import annotations

from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from attrs import field, frozen

from clincore.domain.repertory import MAX_GRADE, RemedyStatistics, Rubric, RubricTag

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal


class Bucket(StrEnum):
    MIND_CORE = "MIND_CORE"
    MENTAL_MOD = "MENTAL_MOD"
    PHYSICAL_MOD = "PHYSICAL_MOD"
    GENERALS = "GENERALS"
    LOCAL = "LOCAL"


MIND = (Bucket.MIND_CORE, Bucket.MENTAL_MOD)


class Course(StrEnum):
    CHRONIC = "chronic"
    ACUTE = "acute"


class CaseType(StrEnum):
    MIND_DOMINANT = "mind_dominant"
    CONSTITUTION = "constitution"
    MIXED = "mixed"


_NO_TAG = RubricTag()
_LOCAL = Bucket.LOCAL
_BUCKET_OF_CHAPTER = {
    "mind": Bucket.MIND_CORE,
    "generals": Bucket.GENERALS,
    "generalities": Bucket.GENERALS,
}


class CaseRubric(NamedTuple):
    """One rubric of a case: its weight, its bucket and flags, and its remedies' grades (1 to 5).

    A named tuple and no attrs class: every ranking makes as many as it has rubrics.
    """

    id: int
    weight: Decimal
    eliminate: bool
    bucket: Bucket
    ailments_from: bool
    delusions: bool
    grades: Mapping[str, int]

    @classmethod
    def of(cls, rubric: Rubric, tag: RubricTag | None, weight: Decimal, eliminate: bool) -> CaseRubric:
        """Take the bucket from the tag, or without one from the chapter, and the flags from the tag."""
        tag = tag or _NO_TAG
        bucket = Bucket(tag.bucket) if tag.bucket else _BUCKET_OF_CHAPTER.get(rubric.path[0].casefold(), _LOCAL)
        return cls(rubric.id, weight, eliminate, bucket, tag.ailments_from, tag.delusions, rubric.grades)

    @property
    def has_top_grade(self) -> bool:
        """Whether a remedy stands at grade 4 or 5."""
        return max(self.grades.values(), default=0) >= MAX_GRADE - 1


def _in_id_order(rubrics: tuple[CaseRubric, ...]) -> tuple[CaseRubric, ...]:
    return tuple(sorted(rubrics, key=attrgetter("id")))


@frozen(kw_only=True)
class RankingCase:
    """The rubrics of a case, kept in id order so that the order of entry never changes a digit.

    ``requested_type`` is None where the case type is found from the rubrics (``auto``).
    """

    rubrics: tuple[CaseRubric, ...] = field(converter=_in_id_order)
    course: Course
    requested_type: CaseType | None
    statistics: RemedyStatistics
    fingerprint: str
    case_type: CaseType = field(init=False)
    """The one used: five or more Mind rubrics, or one that holds a grade of 4, make it mind_dominant."""

    @case_type.default
    def _case_type(self) -> CaseType:
        if self.requested_type is not None:
            return self.requested_type
        mind = [rubric for rubric in self.rubrics if rubric.bucket in MIND]
        if len(mind) >= 5 or any(rubric.has_top_grade for rubric in mind):
            return CaseType.MIND_DOMINANT
        return CaseType.CONSTITUTION if len(mind) <= 2 else CaseType.MIXED

    def candidates(self) -> frozenset[str] | None:
        """The remedies that stand in every rubric marked ``eliminate``; None where none is marked."""
        marked = [frozenset(rubric.grades) for rubric in self.rubrics if rubric.eliminate]
        return frozenset.intersection(*marked) if marked else None
