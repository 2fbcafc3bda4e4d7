"""Which strategy makes what type of the domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from clincore.domain import (
    access,
    api_key,
    backup,
    call,
    case,
    case_input,
    errors,
    finding,
    idempotency,
    identity,
    inclusion,
    migration,
    page,
    patient,
    repertory,
    replay,
    search_query,
    signature,
    stored_result,
    usage,
)
from clincore.domain.ranking import case as ranking_case
from clincore.domain.ranking import grid, mcare, parameters, plain, ranking, stability
from clincore.testing import strategies as made

if TYPE_CHECKING:
    from collections.abc import Mapping

_FAMILIES = made.rubric_families()

STRATEGIES: Final[Mapping[type, st.SearchStrategy[Any]]] = {
    access.AccessEntry: made.access_entries(),
    access.AccessFilter: made.access_filters(),
    api_key.ApiKey: made.api_keys(),
    backup.CountDifference: made.count_differences(),
    backup.FailedSignature: made.failed_signatures(),
    backup.Manifest: made.manifests(),
    backup.RestoreReport: made.restore_reports(),
    backup.Signatures: made.signatures(),
    call.Call: made.calls(),
    call.Record: made.records(),
    case.Case: made.cases(),
    case.Finalization: made.finalizations(),
    case_input.CaseInput: made.case_inputs(),
    case_input.RubricChoice: made.rubric_choices(),
    errors.Problem: made.problems(),
    finding.Finding: made.findings(),
    grid.Cell: made.grids().filter(bool).map(lambda rows: rows[0].cells[0]),
    grid.GridRow: made.grids().filter(bool).map(lambda rows: rows[0]),
    idempotency.FirstAnswer: made.first_answers(),
    idempotency.Repeatable: made.repeatables(),
    identity.ApiKeyRecord: made.api_key_records(),
    identity.Principal: made.principals(),
    identity.Tenant: made.tenants(),
    inclusion.InclusionProof: made.inclusion_proofs().map(lambda pair: pair[0]),
    inclusion.TreeHead: made.inclusion_proofs().map(lambda pair: pair[1]),
    mcare.Mcare: made.mcare_parameters().map(mcare.Mcare),
    migration.ChangedFile: made.changed_files(),
    migration.Revision: made.revisions(),
    migration.Step: made.steps(),
    migration.Verification: made.verifications(),
    page.Page: made.pages(made.patients()),
    page.PageRequest: made.page_requests(),
    page.Position: made.positions(),
    parameters.McareParameters: made.mcare_parameters(),
    patient.Patient: made.patients(),
    patient.PatientDetails: made.patient_details(),
    plain.Coverage: st.just(plain.Coverage()),
    plain.SumOfGrades: st.just(plain.SumOfGrades()),
    ranking.RankedRemedy: made.rankings().filter(lambda found: found.rows).map(lambda found: found.rows[0]),
    ranking.Ranking: made.rankings(),
    ranking.Score: made.rankings().filter(lambda found: found.rows).map(lambda found: found.rows[0].score),
    ranking_case.CaseRubric: made.case_rubrics(),
    ranking_case.RankingCase: made.ranking_cases(),
    replay.Replay: made.replays(),
    repertory.CrossReference: _FAMILIES.filter(lambda it: it.cross_references).map(lambda it: it.cross_references[0]),
    repertory.Edition: made.editions(),
    repertory.Remedy: made.remedies(),
    repertory.RemedyStatistics: made.remedy_statistics(),
    repertory.Rubric: made.rubrics(),
    repertory.RubricFamily: _FAMILIES,
    repertory.RubricHit: made.rubric_hits(),
    repertory.RubricLine: made.rubric_lines(),
    repertory.RubricPage: made.rubric_pages(),
    repertory.RubricTag: made.rubric_tags(),
    search_query.RemedyFilter: made.search_queries().filter(lambda it: it.remedies).map(lambda it: it.remedies[0]),
    search_query.SearchQuery: made.search_queries(),
    search_query.Term: made.search_queries().map(lambda it: it.terms[0]),
    signature.SignedResult: made.signed_results(),
    stability.Contender: made.contests().map(lambda it: it.contenders[0]),
    stability.Contest: made.contests(),
    stability.Margin: made.margins(),
    stability.Stability: made.stabilities(),
    stored_result.StoredResult: made.stored_results(),
    usage.UsageReport: made.usage_reports(),
}
"""By type; of an enumeration any of its members, ``strategy_of`` says."""


def strategy_of(kind: type) -> st.SearchStrategy[Any]:
    """Return the strategy of a type of the domain; raises KeyError where it has none."""
    members = getattr(kind, "__members__", None)
    return STRATEGIES[kind] if members is None else st.sampled_from(sorted(members.values()))
