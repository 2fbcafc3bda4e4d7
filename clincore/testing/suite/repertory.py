"""The suite of a repertory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from attrs import frozen

from clincore.testing.laws import repertory
from clincore.testing.suite.base import LawSuite
from clincore.testing.suite.law import finished, laws_in

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from contextlib import AbstractAsyncContextManager

    from clincore.ports.repertory import Repertory
    from clincore.testing.strategies import RepertoryContent


class RepertoryLaws(LawSuite, binds=False):
    """Puts a format of repertories to the laws of the port:

    class TestMyFormat(RepertoryLaws):
        @asynccontextmanager
        async def open_repertory(self, content):
            with TemporaryDirectory() as directory:
                yield MyRepertory.open(my_file_of(content, directory))
    """

    laws = laws_in(repertory)

    def open_repertory(self, content: RepertoryContent) -> AbstractAsyncContextManager[Repertory]:
        """Write this content in the adapter's format, and open it."""
        raise NotImplementedError(f"{type(self).__name__} opens no repertory: def open_repertory(self, content)")

    def ground(self) -> RepertoryGround:
        return RepertoryGround(self)


@frozen
class RepertoryGround:
    """A format in which any content can be opened."""

    suite: RepertoryLaws

    def run(self, scene: Awaitable[None]) -> None:
        asyncio.run(finished(scene))

    def open(self, content: RepertoryContent) -> AbstractAsyncContextManager[Repertory]:
        return self.suite.open_repertory(content)
