"""Replaying a finalized case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clincore.domain.replay import Replay, Verdict
from clincore.domain.result import result_text, stored_ranking_case
from clincore.domain.signature import signature_of
from clincore.domain.stored_result import UNREADABLE, stored_result

if TYPE_CHECKING:
    from datetime import datetime

    from clincore.domain.case import Case
    from clincore.domain.stored_result import StoredResult
    from clincore.services.resources import Resources


async def replay_case(resources: Resources, case: Case, at: datetime) -> Replay:
    """Return what a replay finds; raises CaseNotFinalized on a draft and UnknownMethod for a method not installed."""
    signed = case.require_finalized().signed
    computed: str | None = signature_of(signed.text)
    stored = stored_result(case)
    if isinstance(stored, Verdict):
        verdict = stored
    elif stored.result["repertory"]["fingerprint"] != resources.repertory.edition.fingerprint:
        verdict, computed = Verdict.REPERTORY_DIFFERS, None
    else:
        computed = await _signed_again(resources, case, stored)
        verdict = Verdict.VERIFIED if computed == signed.signature else Verdict.RANKING_DIFFERS
    return Replay(case_id=case.id, expected=signed.signature, computed=computed, verdict=verdict, verified_at=at)


async def _signed_again(resources: Resources, case: Case, stored: StoredResult) -> str | None:
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
    except UNREADABLE:
        return None
    return signature_of(text)
