"""Cases in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from clincore.adapters.memory.pages import page_of
from clincore.domain.case import Case, CaseStatus
from clincore.domain.errors import PatientNotFound
from clincore.domain.page import Page, PageRequest, Position

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from clincore.adapters.memory.unit_of_work import MemoryUnitOfWork
    from clincore.domain.replay import Replay
    from clincore.ports.pending import Pending


class MemoryCaseStore:
    """The cases of one unit of work's tenant."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work
        self._rows = work.tables.cases

    def get(self, case_id: UUID) -> Pending[Case | None]:
        return self._work.ask(lambda: self._rows.get(case_id))

    def lock(self, case_id: UUID) -> Pending[Case | None]:
        return self.get(case_id)  # one unit of work runs at a time

    def add(self, case: Case) -> None:
        def step() -> None:
            if case.patient_id not in self._work.tables.patients:
                raise PatientNotFound(case.patient_id)
            self._work.put(self._rows, case.id, case)

        self._work.ask(step)

    def replace(self, case: Case) -> Pending[bool]:
        def step() -> bool:
            stored = self._rows.get(case.id)
            if stored is None or stored.status is CaseStatus.FINALIZED or stored.revision != case.revision - 1:
                return False
            self._work.put(self._rows, case.id, case)
            return True

        return self._work.ask(step)

    def record_replay(self, replay: Replay) -> None:
        def step() -> None:
            verdict = replay.verdict.value
            stored = evolve(self._rows[replay.case_id], verdict=verdict, verified_at=replay.verified_at)
            self._work.put(self._rows, replay.case_id, stored)

        self._work.ask(step)

    def list(self, *, patient_id: UUID | None, status: CaseStatus | None, page: PageRequest) -> Pending[Page[Case]]:
        def step() -> Page[Case]:
            fitting = [
                row
                for row in self._rows.values()
                if patient_id in (None, row.patient_id) and status in (None, row.status)
            ]
            return page_of(fitting, page, lambda row: Position(row.created_at, row.id))

        return self._work.ask(step)

    def count_since(self, start: datetime) -> Pending[int]:
        return self._work.ask(lambda: sum(row.created_at >= start for row in self._rows.values()))
