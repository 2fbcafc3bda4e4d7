"""A finalized case as it is stored: whether its text is the one that was signed, and its row the text's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from clincore.domain.case_input import CaseInput
from clincore.domain.errors import InvalidInput
from clincore.domain.replay import Verdict
from clincore.domain.result import agrees_with_row, read_result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clincore.domain.case import Case

# What reading a text raises that nobody wrote who follows the format; its signature may be right all the same.
UNREADABLE: Final = (InvalidInput, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError)


@frozen
class StoredResult:
    """The input and the signed result of a case whose text and row are whole."""

    entered: CaseInput
    result: Mapping[str, Any] = field(repr=False)


def stored_result(case: Case) -> StoredResult | Verdict:
    """Return what was signed, or the verdict where the signature or the row says otherwise; no repertory is needed.

    Raises CaseNotFinalized on a draft.
    """
    signed = case.require_finalized().signed
    if not signed.is_intact:
        return Verdict.SIGNATURE_MISMATCH
    try:
        entered = CaseInput.parse(case.input_payload)
        result = read_result(signed.text)
        is_whole = isinstance(result["repertory"]["fingerprint"], str)
        agrees = is_whole and agrees_with_row(result, case, entered)
    except UNREADABLE:
        return Verdict.ROW_DIFFERS
    return StoredResult(entered, result) if agrees else Verdict.ROW_DIFFERS
