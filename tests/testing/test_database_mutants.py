"""The laws see faults: every one planted in a copy of the database in memory is caught, by the law that is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import log_mutants
import pytest
import record_mutants
import tenants_mutants
import transaction_mutants
from database_mutants import MUTANTS, Copy, Mutant
from hypothesis import Phase

from clincore.adapters.memory.database import MemoryDatabase
from clincore.testing import DatabaseLaws

if TYPE_CHECKING:
    from collections.abc import Callable

PLANTED = (tenants_mutants, transaction_mutants, record_mutants, log_mutants)
LAWS = DatabaseLaws.laws


def check(law: str, make: Callable[[], MemoryDatabase]) -> None:
    """Put a database to one law, as a suite does; the first example that breaks it is enough."""

    class Bound(DatabaseLaws):
        async def open_database(self, place: Any) -> MemoryDatabase:
            return make()

    suite = Bound()
    try:
        LAWS[law].check(suite.ground(), max_examples=100, database=None, derandomize=True, phases=[Phase.generate])
    finally:
        Bound.doClassCleanups()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.fault)
def test_a_planted_fault_is_caught_by_its_law(mutant: Mutant) -> None:
    """By an assertion of the law: a mutant that only crashes shows nothing."""
    with pytest.raises(AssertionError) as caught:
        check(mutant.law, mutant.make)
    assert type(caught.value) is AssertionError


@pytest.mark.parametrize("law", sorted({mutant.law for mutant in MUTANTS}))
def test_the_copy_without_a_fault_holds_to_the_laws_that_catch_the_others(law: str) -> None:
    check(law, Copy)


def test_there_are_as_many_faults_as_were_thought_of() -> None:
    assert len(PLANTED) == 4
    faults = [mutant.fault for mutant in MUTANTS]
    assert len(set(faults)) == len(faults) >= 60
