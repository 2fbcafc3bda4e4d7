"""What a clinic does with its cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from clincore.domain.access import Action, RecordType
from clincore.domain.call import Record, require_one_of, require_uuid
from clincore.domain.case import Case, CaseStatus
from clincore.domain.case_input import CaseInput
from clincore.domain.errors import (
    CaseAlreadyFinalized,
    CaseNotFound,
    InvalidInput,
    PatientNotFound,
    PlanLimitReached,
    RevisionMismatch,
)
from clincore.domain.idempotency import Repeatable
from clincore.domain.limits import PAGE_SIZE
from clincore.domain.page import Page, PageRequest
from clincore.domain.plan import month_of, next_month
from clincore.domain.result import result_text
from clincore.domain.signature import SignedResult
from clincore.domain.usage import Endpoint
from clincore.services.idempotency import first_answer, keep_answer
from clincore.services.repertorization import Repertorization, check_rubrics, read_input, repertorize
from clincore.services.replay import replay_case

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.idempotency import FirstAnswer
    from clincore.domain.identity import Tenant
    from clincore.domain.replay import Replay
    from clincore.ports.database import UnitOfWork
    from clincore.services.session import Session

_INPUT = "input_payload"
_NONCE_BYTES = 32


@frozen(kw_only=True)
class FinalizedCase:
    """A case that was just finalized, and the ranking it was finalized with."""

    case: Case
    repertorization: Repertorization

    @property
    def signature(self) -> str:
        return self.case.require_finalized().signed.signature


@frozen
class Cases:
    """The cases of the session's tenant. Every method raises Unauthenticated and DatabaseUnavailable."""

    _session: Session

    async def create(
        self, patient_id: UUID, input_payload: Mapping[str, object], *, idempotency_key: str | None = None
    ) -> Case:
        """Enter a draft for a patient.

        Raises InvalidInput naming all that is wrong, PatientNotFound, and PlanLimitReached. A call repeated within 24
        hours with the same ``idempotency_key`` and input returns what the first one returned, and raises StillRunning
        while that runs; with another input it raises IdempotencyKeyReused.
        """
        require_uuid(patient_id, "patient_id")
        entered = await read_input(self._session, Endpoint.CREATE_CASE, input_payload, _INPUT)
        at = self._session.now()
        repeatable = _repeatable(idempotency_key, patient_id, entered)
        problem = await self._problem_with(entered)
        async with self._session.begin(Endpoint.CREATE_CASE, at=at) as work:
            patient = work.patients.get(patient_id)
            tenant = work.tenants.hold_plan()
            first = await first_answer(work, repeatable)
            case = self._draft(entered, patient_id, first, at)
            if first is None:
                if problem:
                    raise problem
                if patient.result() is None:
                    raise PatientNotFound(patient_id)
                await self._guard_plan(work, tenant.result(), at)
                work.cases.add(case)
                keep_answer(work, repeatable, case.id, at)
            record = Record(RecordType.CASE, case.id)
            work.access_log.touched(Action.VIEW if first else Action.CREATE, record)
            work.usage.count(record)
            await work.commit()
        return case

    async def get(self, case_id: UUID) -> Case:
        """Return a case; raises CaseNotFound."""
        record = Record(RecordType.CASE, case_id)
        async with self._session.begin(Endpoint.VIEW_CASE) as work:
            found = work.cases.get(case_id)
            work.access_log.touched(Action.VIEW, record)
            work.usage.count(record)
            await work.commit()
        return _existing(found.result(), case_id)

    async def list(
        self,
        *,
        patient_id: UUID | None = None,
        status: CaseStatus | None = None,
        limit: int = PAGE_SIZE,
        cursor: str | None = None,
    ) -> Page[Case]:
        """Return a page of cases, newest first; raises InvalidInput for the limit, and InvalidCursor."""
        page = PageRequest.parse(limit, cursor)
        if patient_id is not None:
            require_uuid(patient_id, "patient_id")
        if status is not None:
            require_one_of(CaseStatus, status, "status")
        asked = {"patient_id": patient_id, "status": status}
        filter_text = "&".join(f"{name}={value}" for name, value in asked.items() if value is not None)
        async with self._session.begin(Endpoint.LIST_CASES) as work:
            found = work.cases.list(patient_id=patient_id, status=status, page=page)
            work.access_log.listed(RecordType.CASE, filter_text or None)
            work.usage.count()
            await work.commit()
        return found.result()

    async def edit(self, case_id: UUID, input_payload: Mapping[str, object], *, revision: int | None) -> Case:
        """Put another input in the place of a draft's that was read at ``revision`` (None: at any).

        Raises InvalidInput, CaseNotFound, CaseAlreadyFinalized, and RevisionMismatch where it was changed since.
        """
        entered = await read_input(self._session, Endpoint.EDIT_CASE, input_payload, _INPUT)
        at = self._session.now()
        problem = await self._problem_with(entered)
        record = Record(RecordType.CASE, case_id)
        async with self._session.begin(Endpoint.EDIT_CASE, at=at) as work:
            found = work.cases.lock(case_id)
            await work.flush()
            before = _existing(found.result(), case_id)
            if problem:
                raise problem
            after = before.edit(entered, at)
            if revision not in (None, before.revision):
                raise RevisionMismatch
            work.cases.replace(after)
            work.access_log.touched(Action.UPDATE, record)
            work.usage.count(record)
            await work.commit()
        return after

    async def rank(self, case_id: UUID, *, stability: bool = False) -> Repertorization:
        """Return the ranking that a draft would get now; raises CaseNotFound and CaseAlreadyFinalized.

        With ``stability`` also find how much one weight must change to put another remedy first.
        """
        record = Record(RecordType.CASE, case_id)
        async with self._session.begin(Endpoint.RANK_CASE) as work:
            found = work.cases.get(case_id)
            await work.flush()
            case = _existing(found.result(), case_id)
            if case.status is CaseStatus.FINALIZED:
                raise CaseAlreadyFinalized(case_id)
            entered = CaseInput.parse(case.input_payload, _INPUT)
            ranked = await repertorize(self._session.resources, entered, _INPUT, stability=stability)
            work.access_log.touched(Action.RANK, record)
            work.usage.count(record)
            await work.commit()
        return ranked

    async def finalize(self, case_id: UUID) -> FinalizedCase:
        """Rank a draft, sign the result, and close the case for good; of several at once one wins.

        Raises CaseNotFound, CaseAlreadyFinalized, and InvalidInput where the repertory lacks a rubric by now.
        """
        at = self._session.now()
        record = Record(RecordType.CASE, case_id)
        async with self._session.begin(Endpoint.FINALIZE_CASE, at=at) as work:
            found = work.cases.lock(case_id)
            await work.flush()
            draft = _existing(found.result(), case_id)
            if draft.status is CaseStatus.FINALIZED:
                raise CaseAlreadyFinalized(case_id)
            ranked = await repertorize(self._session.resources, CaseInput.parse(draft.input_payload, _INPUT), _INPUT)
            case = self._sign(draft, ranked, at)
            work.cases.replace(case)
            work.access_log.touched(Action.FINALIZE, record)
            work.usage.count(record)
            await work.commit()
        return FinalizedCase(case=case, repertorization=ranked)

    async def verify_replay(self, case_id: UUID) -> Replay:
        """Check a finalized case: its signature, its row, and that ranking its input again gives the same.

        Raises CaseNotFound, and CaseNotFinalized on a draft.
        """
        at = self._session.now()
        record = Record(RecordType.CASE, case_id)
        async with self._session.begin(Endpoint.VERIFY_CASE, at=at) as work:
            found = work.cases.get(case_id)
            await work.flush()
            replay = await replay_case(self._session.resources, _existing(found.result(), case_id), at)
            work.cases.record_replay(replay)
            work.access_log.touched(Action.VERIFY, record)
            work.usage.count(record)
            await work.commit()
        return replay

    def _draft(self, entered: CaseInput, patient_id: UUID, first: FirstAnswer | None, at: datetime) -> Case:
        """The draft that this call makes, or that the first one with its key made of the same input."""
        return Case.draft(
            entered,
            tenant_id=self._session.key.tenant_id,
            patient_id=patient_id,
            case_id=first.record_id if first else self._session.resources.entropy.uuid(),
            at=first.at if first else at,
        )

    async def _problem_with(self, entered: CaseInput) -> InvalidInput | None:
        """Look the rubrics up before a transaction is open; what is wrong is said once the key was checked."""
        try:
            await check_rubrics(self._session.resources, entered, _INPUT)
        except InvalidInput as problem:
            return problem
        return None

    async def _guard_plan(self, work: UnitOfWork, tenant: Tenant | None, at: datetime) -> None:
        """Count the month's cases where the plan limits them; it is held, so that no other call adds one meanwhile."""
        if tenant is None or not tenant.plan.is_limited:
            return
        used = work.cases.count_since(month_of(at))
        await work.flush()
        limit = self._session.resources.free_tier_limit
        if used.result() >= limit:
            raise PlanLimitReached(limit, used.result(), next_month(at))

    def _sign(self, draft: Case, ranked: Repertorization, at: datetime) -> Case:
        text = result_text(
            draft,
            ranked.entered,
            nonce=self._session.resources.entropy.secret(_NONCE_BYTES).hex(),
            ranking_case=ranked.case,
            ranking=ranked.ranking,
            parameters=ranked.method.parameters,
            repertory=self._session.resources.repertory.edition.identity(),
        )
        snapshot = [row.to_json() for row in ranked.ranking.rows]
        return draft.finalize(SignedResult.sign(text), snapshot, at)


def _repeatable(key: str | None, patient_id: UUID, entered: CaseInput) -> Repeatable | None:
    if key is None:
        return None
    return Repeatable.parse(key, {"patient_id": str(patient_id), "input_payload": entered.to_canonical()})


def _existing(case: Case | None, case_id: UUID) -> Case:
    if case is None:
        raise CaseNotFound(case_id)
    return case
