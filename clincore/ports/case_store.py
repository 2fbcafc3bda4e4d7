"""The port to a tenant's cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.case import Case, CaseStatus
    from clincore.domain.page import Page, PageRequest
    from clincore.domain.replay import Replay
    from clincore.ports.pending import Pending


class CaseStore(Protocol):
    """The cases of the unit of work's tenant; another tenant's do not exist here. Cases are never deleted."""

    def get(self, case_id: UUID) -> Pending[Case | None]:
        """Ask for a case; None where there is none."""
        ...

    def lock(self, case_id: UUID) -> Pending[Case | None]:
        """Ask for a case that nobody else may change, or lock, until this unit of work ends; None where none is."""
        ...

    def add(self, case: Case) -> None:
        """Enter a new draft for a patient of this tenant; raises PatientNotFound at the flush where there is none."""
        ...

    def replace(self, case: Case) -> Pending[bool]:
        """Write the next revision, draft or finalized, over the draft before it.

        False, and nothing written, where what is stored is not a draft of the revision before.
        """
        ...

    def record_replay(self, replay: Replay) -> None:
        """Keep a finalized case's latest verdict; of a draft, or a case that does not exist, nothing is kept."""
        ...

    def list(self, *, patient_id: UUID | None, status: CaseStatus | None, page: PageRequest) -> Pending[Page[Case]]:
        """Ask for cases, of one patient or in one status where given; newest first, then by id downwards."""
        ...

    def count_since(self, start: datetime) -> Pending[int]:
        """Ask how many cases were created at or after ``start``."""
        ...
