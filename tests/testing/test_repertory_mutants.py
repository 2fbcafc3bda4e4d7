"""The laws of a repertory see faults: every one planted in front of one is caught, by the law that is named."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase
from repertory_mutants import MUTANTS, Front
from sqlite_repertory_files import opened

from clincore.testing import RepertoryLaws

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from clincore.ports.repertory import Repertory
    from clincore.testing.strategies import RepertoryContent


@pytest.mark.parametrize(("fault", "law", "kind"), MUTANTS, ids=[fault for fault, _, _ in MUTANTS])
def test_a_planted_fault_is_caught_by_its_law(fault: str, law: str, kind: type[Front]) -> None:
    class Bound(RepertoryLaws):
        @asynccontextmanager
        async def open_repertory(self, content: RepertoryContent) -> AsyncIterator[Repertory]:
            async with opened(content) as repertory:
                yield kind(repertory)

    with pytest.raises(AssertionError) as caught:
        Bound.laws[law].check(
            Bound().ground(), max_examples=100, database=None, derandomize=True, phases=[Phase.generate]
        )
    assert type(caught.value) is AssertionError


def test_no_two_faults_are_one() -> None:
    faults = [fault for fault, _, _ in MUTANTS]
    assert len(set(faults)) == len(faults) >= 15
