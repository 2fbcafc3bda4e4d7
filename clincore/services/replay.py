"""Replaying a finalized case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from clincore.domain.case_input import CaseInput
from clincore.domain.errors import InvalidInput
from clincore.domain.replay import Replay, Verdict
from clincore.domain.result import agrees_with_row, read_result, stored_ranking_case, with_ranking
from clincore.domain.signature import signature_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from clincore.domain.case import Case
    from clincore.services.resources import Resources

# What reading a text raises that nobody wrote who follows the format; its signature may be right all the same.
_UNREADABLE: Final = (InvalidInput, ValueError, KeyError, TypeError, AttributeError, ArithmeticError)


async def replay_case(resources: Resources, case: Case, at: datetime) -> Replay:
    """Return what a replay finds; raises CaseNotFinalized on a draft and UnknownMethod for a method not installed."""
    signed = case.require_finalized().signed
    computed: str | None = signature_of(signed.text)
    if not signed.is_intact:
        verdict = Verdict.SIGNATURE_MISMATCH
    elif (result := _agreeing_result(case)) is None:
        verdict = Verdict.ROW_DIFFERS
    elif result["repertory"]["fingerprint"] != resources.repertory.edition.fingerprint:
        verdict, computed = Verdict.REPERTORY_DIFFERS, None
    else:
        computed = await _ranked_again(resources, result)
        verdict = Verdict.VERIFIED if computed == signed.signature else Verdict.RANKING_DIFFERS
    return Replay(case_id=case.id, expected=signed.signature, computed=computed, verdict=verdict, verified_at=at)


def _agreeing_result(case: Case) -> Mapping[str, Any] | None:
    """The signed result, or None where the row says otherwise, or either cannot be read at all."""
    try:
        entered = CaseInput.parse(case.input_payload)
        result = read_result(case.require_finalized().signed.text)
        is_whole = isinstance(result["repertory"]["fingerprint"], str)
        return result if is_whole and agrees_with_row(result, case, entered) else None
    except _UNREADABLE:
        return None


async def _ranked_again(resources: Resources, result: Mapping[str, Any]) -> str | None:
    """The signature over the same result with its ranking made anew; None where it cannot be made."""
    try:
        rubrics = await resources.repertory.rubrics([entry["symptom_id"] for entry in result["rubrics"]])
        case = stored_ranking_case(result, rubrics, resources.repertory.statistics)
        if case is None:
            return None
        stored = result["method"]
        method = resources.method(f"{stored['name']}/{stored['version']}").with_parameters(stored["parameters"])
    except _UNREADABLE:
        return None
    try:
        ranking = method.rank(case)
    except ArithmeticError:
        return None
    return signature_of(with_ranking(result, ranking))
