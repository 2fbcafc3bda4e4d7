"""The port to a ranking method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from clincore.domain.canonical_json import JsonObject
    from clincore.domain.ranking.case import RankingCase
    from clincore.domain.ranking.ranking import Ranking


class RankingMethod(Protocol):
    """One way to rank remedies, named and versioned; the same case always gives the same digits."""

    @property
    def name(self) -> str:
        """The name with the version behind a slash, such as ``mcare/6.1``."""
        ...

    @property
    def parameters(self) -> JsonObject:
        """Every parameter in the closed type of canonical JSON: what is signed with a result."""
        ...

    def with_parameters(self, parameters: JsonObject) -> RankingMethod:
        """Return the same method with parameters that ``parameters`` gave once; raises InvalidInput for others."""
        ...

    def rank(self, case: RankingCase) -> Ranking:
        """Return all remedies that stand in a rubric of the case, and in every one marked ``eliminate``."""
        ...

    def contributions(self, case: RankingCase) -> Mapping[int, Sequence[Decimal]]:
        """Return, for each rubric id, what it gives a remedy at grade 0 to 5 before the remedy's factor."""
        ...
