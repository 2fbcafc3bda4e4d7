"""The port to one repertory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from clincore.domain.inclusion import InclusionProof
    from clincore.domain.repertory import Edition, RemedyStatistics, Rubric, RubricFamily, RubricPage


class Repertory(Protocol):
    """An edition that never changes while it is open; it belongs to no tenant.

    Every method raises RepertoryError where the repertory cannot be read.
    """

    @property
    def edition(self) -> Edition:
        """Name, edition, fingerprint and sizes."""
        ...

    @property
    def statistics(self) -> RemedyStatistics:
        """Every remedy that stands at a counting grade, and the median of their frequencies."""
        ...

    async def rubrics(self, ids: Collection[int]) -> Mapping[int, Rubric]:
        """Return the rubrics among ``ids`` that exist, with whole paths and grades; unknown ids are absent."""
        ...

    async def prove(self, rubric_id: int) -> InclusionProof | None:
        """Return a proof that the rubric belongs to the edition, which holds under its head; None for an unknown id."""
        ...

    async def search(self, query: str, *, limit: int, after: str | None = None) -> RubricPage:
        """Return at most ``limit`` rubrics that fit the query, in repertory order within relevance.

        ``after`` is the ``next`` of the page before. Raises InvalidQuery with the position, and InvalidCursor.
        """
        ...

    async def family(self, rubric_id: int | None) -> RubricFamily | None:
        """Return what stands around a rubric; None where there is no such rubric.

        The children of None are the chapters. All of a rubric's siblings and children are given, in repertory order.
        """
        ...
