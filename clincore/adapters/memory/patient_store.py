"""Patients in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clincore.adapters.memory.pages import page_of
from clincore.domain.page import Page, PageRequest, Position

if TYPE_CHECKING:
    from uuid import UUID

    from clincore.adapters.memory.transaction import MemoryTransaction
    from clincore.domain.patient import Patient
    from clincore.ports.pending import Pending


class MemoryPatientStore:
    """The patients of one unit of work's tenant."""

    def __init__(self, work: MemoryTransaction) -> None:
        self._work = work
        self._rows = work.tables.patients

    def get(self, patient_id: UUID) -> Pending[Patient | None]:
        return self._work.ask(lambda: self._rows.get(patient_id))

    def add(self, patient: Patient) -> None:
        self._work.require_own(patient.tenant_id)
        self._work.ask(lambda: self._work.enter(self._rows, patient.id, patient))

    def replace(self, patient: Patient) -> Pending[bool]:
        self._work.require_own(patient.tenant_id)

        def step() -> bool:
            stored = self._rows.get(patient.id)
            if stored is None or stored.revision != patient.revision - 1:
                return False
            self._work.put(self._rows, patient.id, patient)
            return True

        return self._work.ask(step)

    def list(self, name: str | None, page: PageRequest) -> Pending[Page[Patient]]:
        wanted = _lowered(name or "")

        def step() -> Page[Patient]:
            fitting = [row for row in self._rows.values() if wanted in _lowered(row.details.full_name)]
            return page_of(fitting, page, lambda row: Position(row.created_at, row.id))

        return self._work.ask(step)


def _lowered(text: str) -> str:
    """Letter by letter, as PostgreSQL does it, so that the length stays and Σ is the same everywhere in a word."""
    return "".join(letter.lower()[0] for letter in text)
