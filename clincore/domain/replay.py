"""What a replay of a finalized case finds."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


class Verdict(StrEnum):
    VERIFIED = "verified"
    SIGNATURE_MISMATCH = "signature_mismatch"
    """The stored text does not hash to the signature."""
    ROW_DIFFERS = "row_differs"
    """The row's columns do not agree with the text."""
    RANKING_DIFFERS = "ranking_differs"
    """Ranking the stored input again gives something else."""
    REPERTORY_DIFFERS = "repertory_differs"
    """The loaded repertory is not the one that signed, so that the ranking cannot be compared."""


@frozen(kw_only=True)
class Replay:
    """A replay's outcome: the stored signature, the one computed now (None if none could be), and the verdict."""

    case_id: UUID
    expected: str
    computed: str | None
    verdict: Verdict
    verified_at: datetime

    @property
    def ok(self) -> bool | None:
        """True if verified, False if something differs, None if it could not be told."""
        if self.verdict is Verdict.REPERTORY_DIFFERS:
            return None
        return self.verdict is Verdict.VERIFIED
