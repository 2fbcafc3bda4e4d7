"""A case: a draft that can be edited, then finalized once and never changed again."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from clincore.domain.errors import CaseAlreadyFinalized, CaseNotFinalized

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.canonical_json import JsonObject
    from clincore.domain.case_input import CaseInput
    from clincore.domain.signature import SignedResult


class CaseStatus(StrEnum):
    DRAFT = "draft"
    FINALIZED = "finalized"


@frozen(kw_only=True)
class Finalization:
    """What finalizing adds: the signed text, its signature, and the ranking's rows as stored beside it."""

    signed: SignedResult = field(repr=False)
    ranking_snapshot: Sequence[JsonObject] = field(repr=False)
    at: datetime


@frozen(kw_only=True)
class Case:
    """One case of a patient; ``revision`` counts its changes from 1.

    ``input_payload`` is the input as given. A finalized case has a ``finalization``; ``verdict`` and ``verified_at``
    are those of its latest replay and the only things that still change.
    """

    tenant_id: UUID
    id: UUID
    patient_id: UUID
    input_payload: Mapping[str, object] = field(repr=False)
    revision: int
    created_at: datetime
    updated_at: datetime
    finalization: Finalization | None = field(default=None, repr=False)
    verdict: str | None = None
    verified_at: datetime | None = None

    @classmethod
    def draft(cls, entered: CaseInput, *, tenant_id: UUID, patient_id: UUID, case_id: UUID, at: datetime) -> Case:
        return cls(
            tenant_id=tenant_id,
            id=case_id,
            patient_id=patient_id,
            input_payload=entered.payload,
            revision=1,
            created_at=at,
            updated_at=at,
        )

    @property
    def status(self) -> CaseStatus:
        return CaseStatus.FINALIZED if self.finalization else CaseStatus.DRAFT

    def edit(self, entered: CaseInput, at: datetime) -> Case:
        """Return the draft's next revision, with another input; raises CaseAlreadyFinalized."""
        self._require_draft()
        return evolve(self, input_payload=entered.payload, revision=self.revision + 1, updated_at=at)

    def finalize(self, signed: SignedResult, ranking_snapshot: Sequence[JsonObject], at: datetime) -> Case:
        """Return the finalized case; raises CaseAlreadyFinalized."""
        self._require_draft()
        finalization = Finalization(signed=signed, ranking_snapshot=ranking_snapshot, at=at)
        return evolve(self, finalization=finalization, revision=self.revision + 1, updated_at=at)

    def require_finalized(self) -> Finalization:
        """Return what was signed; raises CaseNotFinalized on a draft."""
        if self.finalization is None:
            raise CaseNotFinalized(self.id)
        return self.finalization

    def _require_draft(self) -> None:
        if self.finalization is not None:
            raise CaseAlreadyFinalized(self.id)
