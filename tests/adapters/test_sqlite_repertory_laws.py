"""The SQLite repertory holds to the laws of clincore.testing."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sqlite_repertory_files import opened

from clincore.testing import RepertoryLaws

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from clincore.ports.repertory import Repertory
    from clincore.testing.strategies import RepertoryContent


class TestSqlite(RepertoryLaws):
    @asynccontextmanager
    async def open_repertory(self, content: RepertoryContent) -> AsyncIterator[Repertory]:
        async with opened(content) as repertory:
            yield repertory
