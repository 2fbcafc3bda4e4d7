"""The suite of a ranking method."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from clincore.testing.laws import ranking_method
from clincore.testing.suite.base import LawSuite
from clincore.testing.suite.capabilities import MethodCapabilities
from clincore.testing.suite.law import laws_in

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from clincore.ports.ranking_method import RankingMethod


class RankingMethodLaws(LawSuite, binds=False):
    """Puts a ranking method to its laws:

    class TestMyMethod(RankingMethodLaws):
        method = MyMethod()
    """

    laws = laws_in(ranking_method)
    capabilities: ClassVar[MethodCapabilities] = MethodCapabilities()
    method: ClassVar[RankingMethod]

    @classmethod
    def promises(cls, capability: str) -> bool:
        return bool(getattr(cls.capabilities, capability))

    def ground(self) -> MethodGround:
        return MethodGround(self.method)


@frozen
class MethodGround:
    """A ranking method."""

    method: RankingMethod

    def run(self, _scene: Awaitable[None]) -> None:
        raise TypeError("a ranking method has no law that waits")
