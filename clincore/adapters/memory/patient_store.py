"""Patients in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clincore.adapters.memory.pages import page_of
from clincore.domain.page import Page, PageRequest, Position

if TYPE_CHECKING:
    from uuid import UUID

    from clincore.adapters.memory.unit_of_work import MemoryUnitOfWork
    from clincore.domain.patient import Patient
    from clincore.ports.pending import Pending


class MemoryPatientStore:
    """The patients of one unit of work's tenant."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work
        self._rows = work.tables.patients

    def get(self, patient_id: UUID) -> Pending[Patient | None]:
        return self._work.ask(lambda: self._rows.get(patient_id))

    def add(self, patient: Patient) -> None:
        self._work.ask(lambda: self._work.put(self._rows, patient.id, patient))

    def replace(self, patient: Patient) -> Pending[bool]:
        def step() -> bool:
            stored = self._rows.get(patient.id)
            if stored is None or stored.revision != patient.revision - 1:
                return False
            self._work.put(self._rows, patient.id, patient)
            return True

        return self._work.ask(step)

    def list(self, name: str | None, page: PageRequest) -> Pending[Page[Patient]]:
        wanted = (name or "").lower()

        def step() -> Page[Patient]:
            fitting = [row for row in self._rows.values() if wanted in row.details.full_name.lower()]
            return page_of(fitting, page, lambda row: Position(row.created_at, row.id))

        return self._work.ask(step)
