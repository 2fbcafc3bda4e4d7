"""Cases in any state, with results that are really signed."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from attrs import evolve, frozen
from hypothesis import strategies as st

from clincore.domain.case import Case, CaseStatus
from clincore.domain.case_input import CaseInput
from clincore.domain.ranking.case import CaseRubric, RankingCase
from clincore.domain.ranking.mcare import Mcare
from clincore.domain.ranking.plain import Coverage, SumOfGrades
from clincore.domain.replay import Replay, Verdict
from clincore.domain.result import result_text
from clincore.domain.signature import SignedResult
from clincore.domain.stored_result import StoredResult, stored_result
from clincore.testing.strategies.basics import digests, moments, plain_texts
from clincore.testing.strategies.case_input import case_inputs, case_payloads
from clincore.testing.strategies.identity import tenant_ids
from clincore.testing.strategies.repertory import RepertoryContent, repertories

if TYPE_CHECKING:
    from clincore.domain.case import Finalization

_METHODS = {method.name: method for method in (Mcare(), SumOfGrades(), Coverage())}


@st.composite
def drafts(draw: st.DrawFn) -> Case:
    """Drafts, just entered."""
    return Case.draft(
        draw(case_inputs()),
        tenant_id=draw(tenant_ids()),
        patient_id=draw(st.uuids()),
        case_id=draw(st.uuids()),
        at=draw(moments()),
    )


def finalized(draft: Case, content: RepertoryContent, *, nonce: str, at: datetime) -> Case:
    """Return the case finalized on a repertory that has its rubrics, with everything that is signed of it."""
    entered = CaseInput.parse(draft.input_payload)
    method = _METHODS[entered.method]
    known = content.rubrics
    case = RankingCase(
        rubrics=tuple(
            CaseRubric.of(known[choice.symptom_id], None, weight=choice.weight, eliminate=choice.eliminate)
            for choice in entered.rubrics
        ),
        course=entered.course,
        requested_type=entered.case_type,
        statistics=content.statistics,
        fingerprint=content.identity.fingerprint,
    )
    ranking = method.rank(case)
    text = result_text(
        draft,
        entered,
        nonce=nonce,
        ranking_case=case,
        ranking=ranking,
        parameters=method.parameters,
        repertory=content.identity.identity(),
    )
    return draft.finalize(SignedResult.sign(text), [row.to_json() for row in ranking.rows], at)


@st.composite
def cases(
    draw: st.DrawFn,
    *,
    status: CaseStatus | None = None,
    content: RepertoryContent | None = None,
    tenant_id: UUID | None = None,
    patient_id: UUID | None = None,
) -> Case:
    """Cases of a repertory in any state, or in one: drafts after some edits, finalized ones, replayed or not yet."""
    content = content or draw(repertories(longest=6))
    payloads = case_payloads(among=content.texts).map(CaseInput.parse)
    at = draw(moments())
    case = Case.draft(
        draw(payloads),
        tenant_id=tenant_id or draw(tenant_ids()),
        patient_id=patient_id or draw(st.uuids()),
        case_id=draw(st.uuids()),
        at=at,
    )
    for minute in range(1, draw(st.integers(0, 2)) + 1):
        case = case.edit(draw(payloads), at + timedelta(minutes=minute))
    if (status or draw(st.sampled_from(CaseStatus))) is CaseStatus.DRAFT:
        return case
    case = finalized(case, content, nonce=draw(digests()), at=at + timedelta(hours=1))
    verdict = draw(st.none() | st.sampled_from(Verdict))
    return evolve(case, verdict=verdict.value, verified_at=at + timedelta(hours=2)) if verdict else case


def finalizations() -> st.SearchStrategy[Finalization]:
    return cases(status=CaseStatus.FINALIZED).map(Case.require_finalized)


def signed_results() -> st.SearchStrategy[SignedResult]:
    """Any text with its signature, and those of cases."""
    return plain_texts(longest=30).map(SignedResult.sign) | finalizations().map(lambda found: found.signed)


@st.composite
def invalid_signed_results(draw: st.DrawFn) -> SignedResult:
    """A text or a signature changed in one place."""
    signed = draw(signed_results())
    if draw(st.booleans()):
        at = draw(st.integers(0, len(signed.text)))
        return SignedResult(f"{signed.text[:at]}x{signed.text[at:]}", signed.signature)
    return SignedResult(signed.text, f"{int(signed.signature, 16) ^ (1 << draw(st.integers(0, 255))):064x}")


def stored_results() -> st.SearchStrategy[StoredResult]:
    """What is read of cases whose text and row are whole."""

    def of(case: Case) -> StoredResult:
        found = stored_result(case)
        assert isinstance(found, StoredResult)
        return found

    return cases(status=CaseStatus.FINALIZED).map(of)


@frozen
class Tampered:
    """A finalized case in which somebody changed something, and the verdict that is due."""

    case: Case
    what: str
    verdict: Verdict


@st.composite
def tampered_cases(draw: st.DrawFn) -> Tampered:
    """Finalized cases changed behind ClinCore's back: the text, the signature, or a column beside it."""
    case = draw(cases(status=CaseStatus.FINALIZED))
    finalization = case.require_finalized()
    signed = finalization.signed
    result: dict[str, Any] = json.loads(signed.text)
    other: dict[str, Any] = {"symptom_ids": [max(each["symptom_id"] for each in result["rubrics"]) - 1 or 2]}
    rows: list[Any] = [*finalization.ranking_snapshot]
    longer = [*rows, {"rank": 1}] if not rows else [{**rows[0], "rank": 2}, *rows[1:]]
    changes: dict[str, tuple[Case, Verdict]] = {
        "the text": (
            evolve(case, finalization=evolve(finalization, signed=SignedResult(signed.text + " ", signed.signature))),
            Verdict.SIGNATURE_MISMATCH,
        ),
        "the signature": (
            evolve(case, finalization=evolve(finalization, signed=SignedResult(signed.text, "0" * 64))),
            Verdict.SIGNATURE_MISMATCH,
        ),
        "the patient": (evolve(case, patient_id=UUID(int=case.patient_id.int ^ 1)), Verdict.ROW_DIFFERS),
        "the tenant": (evolve(case, tenant_id=UUID(int=case.tenant_id.int ^ 1)), Verdict.ROW_DIFFERS),
        "the input": (evolve(case, input_payload=other), Verdict.ROW_DIFFERS),
        "the ranking": (
            evolve(case, finalization=evolve(finalization, ranking_snapshot=longer)),
            Verdict.ROW_DIFFERS,
        ),
    }
    what = draw(st.sampled_from(sorted(changes)))
    return Tampered(changes[what][0], what, changes[what][1])


def replays() -> st.SearchStrategy[Replay]:
    """What a replay may find; nothing is computed where the repertory is another one."""

    def of(case_id: UUID, expected: str, other: str, verdict: Verdict, at: datetime) -> Replay:
        computed = {Verdict.VERIFIED: expected, Verdict.REPERTORY_DIFFERS: None}.get(verdict, other)
        return Replay(case_id=case_id, expected=expected, computed=computed, verdict=verdict, verified_at=at)

    return st.builds(of, st.uuids(), digests(), digests(), st.sampled_from(Verdict), moments())
