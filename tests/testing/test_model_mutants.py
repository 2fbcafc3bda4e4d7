"""The model finds faults: databases in memory with one planted in each, and what it says of them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

import pytest
from attrs import evolve
from hypothesis import Phase, settings
from model_targets import memory_target

from clincore.adapters.memory.access_log import MemoryAccessLog
from clincore.adapters.memory.case_store import MemoryCaseStore
from clincore.adapters.memory.database import MemoryDatabase
from clincore.adapters.memory.idempotency_store import MemoryIdempotencyStore
from clincore.adapters.memory.key_store import MemoryKeyStore
from clincore.adapters.memory.patient_store import MemoryPatientStore
from clincore.adapters.memory.usage_meter import MemoryUsageMeter
from clincore.domain.page import Page
from clincore.domain.usage import Endpoint
from clincore.ports.pending import Pending
from clincore.testing.model import run_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from clincore.adapters.memory.tables import Tables
    from clincore.adapters.memory.unit_of_work import MemoryUnitOfWork
    from clincore.domain.access import AccessEntry, AccessFilter
    from clincore.domain.call import Call, Record
    from clincore.domain.case import Case
    from clincore.domain.idempotency import FirstAnswer
    from clincore.domain.page import PageRequest
    from clincore.domain.patient import Patient

    Plant: TypeAlias = Callable[[MemoryUnitOfWork, Tables], tuple[str, object]]

EAGER = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
)


class Mutant(MemoryDatabase):
    """A database in memory, one store of which is another one."""

    def __init__(self, plant: Plant) -> None:
        super().__init__()
        self._plant = plant

    @asynccontextmanager
    async def unit_of_work(self, call: Call) -> AsyncIterator[MemoryUnitOfWork]:
        async with super().unit_of_work(call) as work:
            name, store = self._plant(work, self._tables)
            work.__dict__[name] = store  # where the cached property would keep its own
            yield work


def everyones_patients(work: MemoryUnitOfWork, tables: Tables) -> tuple[str, object]:
    """A list of patients without the tenant in its predicate."""

    class Store(MemoryPatientStore):
        def list(self, name: str | None, page: PageRequest) -> Pending[Page[Patient]]:
            everyones = MemoryPatientStore(self._work)
            everyones._rows = {id: row for held in tables.tenants.values() for id, row in held.patients.items()}
            return everyones.list(name, page)

    return "patients", Store(work)


def everyones_cases_by_id(work: MemoryUnitOfWork, tables: Tables) -> tuple[str, object]:
    """A case is found by its id alone."""

    class Store(MemoryCaseStore):
        def get(self, case_id: UUID) -> Pending[Case | None]:
            found = (held.cases[case_id] for held in tables.tenants.values() if case_id in held.cases)
            return self._work.ask(lambda: next(found, None))

        def lock(self, case_id: UUID) -> Pending[Case | None]:
            return super().get(case_id)

    return "cases", Store(work)


def rotation_uncounted(work: MemoryUnitOfWork, _tables: Tables) -> tuple[str, object]:
    """The usage event of a rotation is lost."""

    class Meter(MemoryUsageMeter):
        def count(self, about: Record | None = None) -> None:
            if self._work.call.endpoint is not Endpoint.ROTATE_KEY:
                super().count(about)

    return "usage", Meter(work)


def short_pages(work: MemoryUnitOfWork, _tables: Tables) -> tuple[str, object]:
    """The last line of a full page is left out."""

    class Log(MemoryAccessLog):
        def list(self, page: PageRequest, wanted: AccessFilter | None = None) -> Pending[Page[AccessEntry]]:
            def step() -> Page[AccessEntry]:
                found = asked.result()
                return evolve(found, items=found.items[:-1]) if found.next else found

            asked = super().list(page, wanted) if wanted else super().list(page)
            return self._work.ask(step)

    return "access_log", Log(work)


def grace_without_end(work: MemoryUnitOfWork, _tables: Tables) -> tuple[str, object]:
    """A rotated key lives on for a second longer than its grace."""

    class Store(MemoryKeyStore):
        def retire(self, key_id: UUID, *, at: datetime, expires_at: datetime) -> Pending[bool]:
            return super().retire(key_id, at=at, expires_at=expires_at + timedelta(seconds=1))

    return "keys", Store(work)


def lost_update(work: MemoryUnitOfWork, _tables: Tables) -> tuple[str, object]:
    """An edit says that it was done, and is not."""

    class Store(MemoryPatientStore):
        def replace(self, patient: Patient) -> Pending[bool]:
            return self._work.ask(lambda: True)

    return "patients", Store(work)


def repeated_for_good(work: MemoryUnitOfWork, _tables: Tables) -> tuple[str, object]:
    """An Idempotency-Key is kept without an end."""

    class Store(MemoryIdempotencyStore):
        def find(self, key: str) -> Pending[FirstAnswer | None]:
            return self._work.ask(lambda: self._rows.get((self._work.call.endpoint, key)))

    return "idempotency", Store(work)


def month_without_end(work: MemoryUnitOfWork, _tables: Tables) -> tuple[str, object]:
    """The plan counts every case there ever was."""

    class Store(MemoryCaseStore):
        def count_since(self, start: datetime) -> Pending[int]:
            return self._work.ask(lambda: len(self._rows))

    return "cases", Store(work)


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (everyones_patients, r"^GET /patients (.*items has|tells tenant)"),
        (everyones_cases_by_id, r"^GET /cases/\{id\}.*(case-not-found|tells tenant)"),
        (rotation_uncounted, r"^GET /admin/usage \{\}: total_calls is \d+ instead of \d+"),
        (short_pages, r"^GET /admin/access-logs .* items instead of"),
        (grace_without_end, r"^what is kept of .*: keys\[\d\].expires_at is"),
        (lost_update, r"^what is kept of .*: patients\[\d\]"),
        (repeated_for_good, r"^(POST /(patients|cases)|what is kept of)"),
        (month_without_end, r"^POST /cases .*plan-limit"),
    ],
)
def test_a_planted_fault_is_found(plant: Plant, found: str, tmp_path: Path) -> None:
    with memory_target(tmp_path, Mutant(plant)) as target, pytest.raises(AssertionError, match=found):
        run_model(target, EAGER)


def test_without_a_fault_nothing_is_found(tmp_path: Path) -> None:
    def itself(work: MemoryUnitOfWork, _tables: Tables) -> tuple[str, object]:
        return "usage", MemoryUsageMeter(work)

    with memory_target(tmp_path, Mutant(itself)) as target:
        assert run_model(target, settings(EAGER, max_examples=5)).steps > 100
