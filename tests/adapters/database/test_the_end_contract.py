"""A closed database. For every database adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from database_harness import (
    Harness,
)
from hypothesis import settings

from clincore.domain.errors import (
    DatabaseUnavailable,
)

if TYPE_CHECKING:
    pass

NOTES = "Ängste\r\n\U0001f98b ' \" \\"
FEW = settings(max_examples=25)


def test_a_closed_database_is_unavailable(harness: Harness) -> None:
    async def close() -> None:
        async with harness.open_database() as database:
            await database.check()
            await database.close()
            with pytest.raises(DatabaseUnavailable):
                await database.check()
            with pytest.raises(DatabaseUnavailable):
                await database.tenant_ids()
            with pytest.raises(DatabaseUnavailable):
                async with database.provisioning(uuid4()) as work:
                    await work.commit()

    harness.run(close())
