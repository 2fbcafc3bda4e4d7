"""What the use cases work with: the adapters behind the ports, and the operator's choices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from clincore.domain.errors import UnknownMethod

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clincore.domain.repertory import RubricTag
    from clincore.ports.clock import Clock
    from clincore.ports.database import Database
    from clincore.ports.entropy import Entropy
    from clincore.ports.ranking_method import RankingMethod
    from clincore.ports.repertory import Repertory


@frozen(kw_only=True)
class OperatorResources:
    """What an operator works with: no repertory is needed for tenants and their keys."""

    database: Database
    clock: Clock
    entropy: Entropy
    bootstrap_token: str | None = field(default=None, repr=False)


@frozen(kw_only=True)
class Resources(OperatorResources):
    """One installation's adapters; ``methods`` are the ranking methods by name, ``tags`` go by rubric id."""

    repertory: Repertory
    methods: Mapping[str, RankingMethod]
    tags: Mapping[int, RubricTag] = field(factory=dict, repr=False)
    free_tier_limit: int = 1000

    def method(self, name: str) -> RankingMethod:
        """Raises UnknownMethod."""
        try:
            return self.methods[name]
        except KeyError:
            raise UnknownMethod(name, self.methods) from None
