"""The port to what weights do to a ranking: a ranking method may have it, or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from clincore.domain.ranking.case import RankingCase
    from clincore.domain.ranking.stability import Contest


@runtime_checkable
class WeightSensitivity(Protocol):
    """A ranking method with this method beside its others tells a stability margin; any other says that it cannot."""

    def contest(self, case: RankingCase) -> Contest:
        """Return every remedy that could come first at other weights, with what each rubric gives it, not rounded.

        The first one of the case's ranking is among them.
        """
        ...
