"""The port to a tenant's patients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from clincore.domain.page import Page, PageRequest
    from clincore.domain.patient import Patient
    from clincore.ports.pending import Pending


class PatientStore(Protocol):
    """The patients of the unit of work's tenant; another tenant's do not exist here."""

    def get(self, patient_id: UUID) -> Pending[Patient | None]:
        """Ask for a patient; None where there is none."""
        ...

    def add(self, patient: Patient) -> None:
        """Enter a new patient of this tenant."""
        ...

    def replace(self, patient: Patient) -> Pending[bool]:
        """Write the next revision over the one before it; False, and nothing written, where that is not stored."""
        ...

    def list(self, name: str | None, page: PageRequest) -> Pending[Page[Patient]]:
        """Ask for patients whose name contains ``name`` in any case of letters; newest first, then by id downwards."""
        ...
