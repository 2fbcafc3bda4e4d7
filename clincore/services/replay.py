"""Replaying a finalized case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from clincore.domain.case_input import CaseInput
from clincore.domain.errors import InvalidInput
from clincore.domain.replay import Replay, Verdict
from clincore.domain.result import agrees_with_row, read_result, result_text, stored_ranking_case
from clincore.domain.signature import signature_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from clincore.domain.case import Case
    from clincore.services.resources import Resources

# What reading a text raises that nobody wrote who follows the format; its signature may be right all the same.
_UNREADABLE: Final = (InvalidInput, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError)


async def replay_case(resources: Resources, case: Case, at: datetime) -> Replay:
    """Return what a replay finds; raises CaseNotFinalized on a draft and UnknownMethod for a method not installed."""
    signed = case.require_finalized().signed
    computed: str | None = signature_of(signed.text)
    if not signed.is_intact:
        verdict = Verdict.SIGNATURE_MISMATCH
    elif (stored := _agreeing(case)) is None:
        verdict = Verdict.ROW_DIFFERS
    elif stored.result["repertory"]["fingerprint"] != resources.repertory.edition.fingerprint:
        verdict, computed = Verdict.REPERTORY_DIFFERS, None
    else:
        computed = await _signed_again(resources, case, stored)
        verdict = Verdict.VERIFIED if computed == signed.signature else Verdict.RANKING_DIFFERS
    return Replay(case_id=case.id, expected=signed.signature, computed=computed, verdict=verdict, verified_at=at)


@frozen
class _Stored:
    entered: CaseInput
    result: Mapping[str, Any]


def _agreeing(case: Case) -> _Stored | None:
    """The input and the signed result, or None where the row says otherwise, or either cannot be read at all."""
    try:
        entered = CaseInput.parse(case.input_payload)
        result = read_result(case.require_finalized().signed.text)
        is_whole = isinstance(result["repertory"]["fingerprint"], str)
        return _Stored(entered, result) if is_whole and agrees_with_row(result, case, entered) else None
    except _UNREADABLE:
        return None


async def _signed_again(resources: Resources, case: Case, stored: _Stored) -> str | None:
    """The signature of the result made anew of the input; None where it cannot be made.

    Taken from the stored result are only the nonce, the method's parameters, the buckets and flags, and the name of
    the repertory: all else in it must come out again.
    """
    entered, result = stored.entered, stored.result
    rubrics = await resources.repertory.rubrics(entered.symptom_ids)
    method = resources.method(entered.method)
    try:
        method = method.with_parameters(result["method"]["parameters"])
        ranking_case = stored_ranking_case(result, entered, rubrics, resources.repertory.statistics)
        if ranking_case is None:
            return None
        text = result_text(
            case,
            entered,
            nonce=result["nonce"],
            ranking_case=ranking_case,
            ranking=method.rank(ranking_case),
            parameters=method.parameters,
            repertory=result["repertory"],
        )
    except _UNREADABLE:
        return None
    return signature_of(text)
