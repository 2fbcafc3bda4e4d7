"""A case is a draft, is edited, is finalized once, and never changes again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from clincore.domain.case import Case, CaseStatus
from clincore.domain.case_input import CaseInput
from clincore.domain.errors import CaseAlreadyFinalized, CaseNotFinalized
from clincore.domain.signature import SignedResult
from clincore.testing.strategies import case_inputs, drafts

START = datetime(2026, 1, 1, tzinfo=UTC)


class CaseLife(RuleBasedStateMachine):
    """Keeps beside the case what its life must have made of it."""

    @initialize(entered=case_inputs(), tenant_id=st.uuids(), patient_id=st.uuids(), case_id=st.uuids())
    def begin(self, entered: CaseInput, tenant_id: UUID, patient_id: UUID, case_id: UUID) -> None:
        self.ids = (tenant_id, patient_id, case_id)
        self.case = Case.draft(entered, tenant_id=tenant_id, patient_id=patient_id, case_id=case_id, at=START)
        self.payload: Any = entered.payload
        self.changes = 1
        self.clock = START
        self.signed: SignedResult | None = None

    def later(self) -> datetime:
        return self.clock + timedelta(minutes=1)

    @precondition(lambda self: self.signed is None)
    @rule(entered=case_inputs())
    def edit(self, entered: CaseInput) -> None:
        self.clock = self.later()
        self.case = self.case.edit(entered, self.clock)
        self.payload, self.changes = entered.payload, self.changes + 1

    @precondition(lambda self: self.signed is None)
    @rule()
    def ask_a_draft_for_its_result(self) -> None:
        with pytest.raises(CaseNotFinalized, match="only finalized cases can be verified"):
            self.case.require_finalized()

    @precondition(lambda self: self.signed is None)
    @rule(text=st.text(st.characters(codec="utf-8"), max_size=5))
    def finalize(self, text: str) -> None:
        self.clock, self.signed = self.later(), SignedResult.sign(text)
        self.case = self.case.finalize(self.signed, [{"rank": 1}], self.clock)
        self.changes += 1
        self.final = self.case

    @precondition(lambda self: self.signed is not None)
    @rule(entered=case_inputs())
    def a_finalized_case_is_not_edited(self, entered: CaseInput) -> None:
        with pytest.raises(CaseAlreadyFinalized, match=str(self.case.id)):
            self.case.edit(entered, self.later())

    @precondition(lambda self: self.signed is not None)
    @rule()
    def a_finalized_case_is_not_finalized_again(self) -> None:
        with pytest.raises(CaseAlreadyFinalized):
            self.case.finalize(SignedResult.sign("other"), [], self.later())

    @invariant()
    def the_case_is_what_its_life_made_of_it(self) -> None:
        case = self.case
        assert (case.tenant_id, case.patient_id, case.id) == self.ids
        assert case.input_payload == self.payload
        assert (case.revision, case.created_at) == (self.changes, START)
        assert case.status == (CaseStatus.DRAFT if self.signed is None else CaseStatus.FINALIZED)
        if self.signed is not None:
            assert case == self.final
            found = case.require_finalized()
            assert (found.signed, list(found.ranking_snapshot), found.at) == (self.signed, [{"rank": 1}], self.clock)
        else:
            assert case.updated_at == self.clock


CaseLife.TestCase.settings = settings(max_examples=40, stateful_step_count=12)
TestCaseLife = CaseLife.TestCase


@given(drafts())
def test_a_case_begins_as_a_draft_at_revision_one(case: Case) -> None:
    assert (case.status, case.revision, case.finalization) == (CaseStatus.DRAFT, 1, None)
    assert (case.verdict, case.verified_at) == (None, None)
    assert case.created_at == case.updated_at


def test_a_case_does_not_show_its_input() -> None:
    entered = CaseInput.parse({"symptom_ids": [8675309], "notes": "Anna"})
    some = UUID(int=1)
    case = Case.draft(entered, tenant_id=some, patient_id=some, case_id=some, at=START)
    final = case.finalize(SignedResult.sign('{"notes":"Anna"}'), [{"remedy": "sulph."}], START)
    for shown in (repr(case), repr(final), repr(final.finalization)):
        assert not any(part in shown for part in ("Anna", "8675309", "sulph."))
