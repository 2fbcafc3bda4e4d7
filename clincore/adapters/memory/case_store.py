"""Cases in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from clincore.adapters.memory.pages import page_of
from clincore.domain.case import Case, CaseStatus
from clincore.domain.errors import PatientNotFound
from clincore.domain.page import Page, PageRequest, Position

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from clincore.adapters.memory.transaction import MemoryTransaction
    from clincore.domain.replay import Replay
    from clincore.ports.pending import Pending


class MemoryCaseStore:
    """The cases of one unit of work's tenant."""

    def __init__(self, work: MemoryTransaction) -> None:
        self._work = work
        self._rows = work.tables.cases

    def get(self, case_id: UUID) -> Pending[Case | None]:
        return self._work.ask(lambda: _copy(self._rows[case_id]) if case_id in self._rows else None)

    def lock(self, case_id: UUID) -> Pending[Case | None]:
        return self.get(case_id)  # one unit of work runs at a time

    def add(self, case: Case) -> None:
        self._work.require_own(case.tenant_id)
        stored = _copy(case)

        def step() -> None:
            if case.patient_id not in self._work.tables.patients:
                raise PatientNotFound(case.patient_id)
            self._work.enter(self._rows, case.id, stored)

        self._work.ask(step)

    def replace(self, case: Case) -> Pending[bool]:
        self._work.require_own(case.tenant_id)
        after = _copy(case)

        def step() -> bool:
            before = self._rows.get(case.id)
            if before is None or before.status is CaseStatus.FINALIZED or before.revision != after.revision - 1:
                return False
            self._work.put(self._rows, case.id, after)
            return True

        return self._work.ask(step)

    def record_replay(self, replay: Replay) -> None:
        def step() -> None:
            stored = self._rows.get(replay.case_id)
            if stored is not None and stored.status is CaseStatus.FINALIZED:
                after = evolve(stored, verdict=replay.verdict.value, verified_at=replay.verified_at)
                self._work.put(self._rows, replay.case_id, after)

        self._work.ask(step)

    def list(self, *, patient_id: UUID | None, status: CaseStatus | None, page: PageRequest) -> Pending[Page[Case]]:
        def step() -> Page[Case]:
            fitting = [
                _copy(row)
                for row in self._rows.values()
                if patient_id in (None, row.patient_id) and status in (None, row.status)
            ]
            return page_of(fitting, page, lambda row: Position(row.created_at, row.id))

        return self._work.ask(step)

    def count_since(self, start: datetime) -> Pending[int]:
        return self._work.ask(lambda: sum(row.created_at >= start for row in self._rows.values()))


def _copy(case: Case) -> Case:
    """The same case with JSON values of its own, so that nobody outside can change what is stored."""
    finalization = case.finalization
    if finalization is not None:
        finalization = evolve(finalization, ranking_snapshot=_copied(finalization.ranking_snapshot))
    return evolve(case, input_payload=_copied(case.input_payload), finalization=finalization)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list | tuple) else value
