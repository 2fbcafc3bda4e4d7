from __future__ import annotations

from typing import TYPE_CHECKING

from clincore_jsonlines import JsonLinesDatabase

from clincore.testing import Capabilities, DatabaseLaws

if TYPE_CHECKING:
    from pathlib import Path


class TestJsonLines(DatabaseLaws):
    capabilities = Capabilities(durable=True)

    async def open_database(self, place: Path) -> JsonLinesDatabase:
        return await JsonLinesDatabase.open(place)
