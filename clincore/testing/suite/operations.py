"""Every operation of every store, so that a law can be said of all of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

from attrs import evolve, frozen

from clincore.domain.access import AccessFilter, Action, RecordType
from clincore.domain.call import Record
from clincore.domain.errors import ClinCoreError
from clincore.domain.idempotency import FirstAnswer
from clincore.domain.identity import ApiKeyRecord, Plan, Role, Tenant
from clincore.domain.replay import Replay, Verdict
from clincore.domain.usage import Endpoint
from clincore.testing.suite.records import (
    ALL,
    NOW,
    digest_of,
    edited,
    finalized,
    new_case,
    new_id,
    new_patient,
    renamed,
)

if TYPE_CHECKING:
    from clincore.domain.case import Case
    from clincore.domain.patient import Patient
    from clincore.ports.database import UnitOfWork
    from clincore.ports.pending import Pending
    from clincore.testing.suite.members import Member

Ask: TypeAlias = "Callable[[UnitOfWork, Aim], Pending[Any] | None]"


@frozen(kw_only=True)
class Aim:
    """What an operation is aimed at: records as the asking tenant would have them, whosever their ids are."""

    patient: Patient
    draft: Case
    closed: Case
    key: ApiKeyRecord
    token: str
    """An idempotency key."""

    @classmethod
    def nowhere(cls, member: Member) -> Aim:
        """Records that nobody has."""
        patient = new_patient(member)
        key_id = new_id()
        return cls(
            patient=patient,
            draft=new_case(member, patient.id),
            closed=finalized(new_case(member, patient.id)),
            key=ApiKeyRecord(
                tenant_id=member.tenant_id,
                id=key_id,
                key_hash=digest_of(member.tenant_id, key_id),
                label="front desk",
                role=Role.ADMIN,
                created_at=NOW,
            ),
            token=str(new_id()),
        )

    def by(self, tenant_id: UUID) -> Aim:
        """The same ids, as another tenant asks for them."""
        return evolve(
            self,
            patient=evolve(self.patient, tenant_id=tenant_id),
            draft=evolve(self.draft, tenant_id=tenant_id),
            closed=evolve(self.closed, tenant_id=tenant_id),
            key=evolve(self.key, tenant_id=tenant_id, key_hash=digest_of(tenant_id, self.key.id)),
        )

    async def entered_by(self, member: Member) -> None:
        """Let all of it be, with a line in the log, a call counted and the idempotency key used."""
        record = Record(RecordType.CASE, self.closed.id)
        steps: list[Callable[[UnitOfWork], object]] = [
            lambda work: work.patients.add(self.patient),
            lambda work: work.cases.add(self.draft),
            lambda work: work.cases.add(evolve(self.closed, finalization=None, revision=1, updated_at=NOW)),
            lambda work: work.cases.replace(self.closed),
            lambda work: work.keys.add(self.key),
            lambda work: work.access_log.touched(Action.FINALIZE, record),
            lambda work: work.usage.count(record),
            lambda work: work.idempotency.keep(self.token, self.answer),
        ]
        async with member.work(Endpoint.CREATE_CASE) as work:
            for step in steps:
                step(work)
            await work.commit()

    @property
    def answer(self) -> FirstAnswer:
        return FirstAnswer(record_id=self.draft.id, payload_digest=digest_of(self.draft.id), at=NOW)

    @property
    def replay(self) -> Replay:
        return Replay(case_id=self.closed.id, expected="", computed=None, verdict=Verdict.VERIFIED, verified_at=NOW)


READS: Final[dict[str, Ask]] = {
    "patients.get": lambda work, aim: work.patients.get(aim.patient.id),
    "patients.list": lambda work, _: work.patients.list(None, ALL),
    "cases.get": lambda work, aim: work.cases.get(aim.draft.id),
    "cases.get, finalized": lambda work, aim: work.cases.get(aim.closed.id),
    "cases.lock": lambda work, aim: work.cases.lock(aim.draft.id),
    "cases.list": lambda work, _: work.cases.list(patient_id=None, status=None, page=ALL),
    "cases.list, of a patient": lambda work, aim: work.cases.list(patient_id=aim.patient.id, status=None, page=ALL),
    "cases.count_since": lambda work, _: work.cases.count_since(NOW - timedelta(days=1)),
    "keys.get": lambda work, aim: work.keys.get(aim.key.id),
    "keys.hold_admins": lambda work, _: work.keys.hold_admins(),
    "keys.list": lambda work, _: work.keys.list(ALL),
    "tenants.get": lambda work, _: work.tenants.get(),
    "tenants.hold_plan": lambda work, _: work.tenants.hold_plan(),
    "access_log.list": lambda work, _: work.access_log.list(ALL),
    "access_log.list, of a key": lambda work, aim: work.access_log.list(ALL, AccessFilter(key_id=aim.key.id)),
    "access_log.list, of a record": lambda work, aim: work.access_log.list(ALL, AccessFilter(record_id=aim.closed.id)),
    "usage.report": lambda work, _: work.usage.report(),
    "idempotency.hold": lambda work, aim: work.idempotency.hold(aim.token),
    "idempotency.find": lambda work, aim: work.idempotency.find(aim.token),
}

CHANGES: Final[dict[str, Ask]] = {
    "patients.replace": lambda work, aim: work.patients.replace(renamed(aim.patient, "Taken")),
    "cases.replace": lambda work, aim: work.cases.replace(edited(aim.draft)),
    "cases.replace, finalizing": lambda work, aim: work.cases.replace(finalized(aim.draft)),
    "cases.replace, finalized": lambda work, aim: work.cases.replace(
        evolve(aim.closed, revision=aim.closed.revision + 1)
    ),
    "cases.record_replay": lambda work, aim: work.cases.record_replay(aim.replay),
    "keys.retire": lambda work, aim: work.keys.retire(aim.key.id, at=NOW, expires_at=NOW),
    "keys.revoke": lambda work, aim: work.keys.revoke(aim.key.id, at=NOW),
    "access_log.touched, a patient": lambda work, aim: work.access_log.touched(
        Action.VIEW, Record(RecordType.PATIENT, aim.patient.id)
    ),
    "access_log.touched, a case": lambda work, aim: work.access_log.touched(
        Action.VIEW, Record(RecordType.CASE, aim.closed.id)
    ),
    "usage.count, a patient": lambda work, aim: work.usage.count(Record(RecordType.PATIENT, aim.patient.id)),
    "usage.count, a case": lambda work, aim: work.usage.count(Record(RecordType.CASE, aim.draft.id)),
}
"""Of records that are there; where they are not, nothing happens."""

ENTRIES: Final[dict[str, Ask]] = {
    "patients.add": lambda work, aim: work.patients.add(evolve(aim.patient, id=new_id())),
    "cases.add": lambda work, aim: work.cases.add(evolve(aim.draft, id=new_id())),
    "keys.add": lambda work, aim: work.keys.add(
        evolve(aim.key, id=(new := new_id()), key_hash=digest_of(aim.key.tenant_id, new))
    ),
    "access_log.listed": lambda work, _: work.access_log.listed(RecordType.PATIENT, "q=a"),
    "usage.count": lambda work, _: work.usage.count(),
    "idempotency.keep": lambda work, aim: work.idempotency.keep(str(new_id()), aim.answer),
}
"""What makes something new, for a tenant that has the aim's records."""

OPERATORS: Final[dict[str, Ask]] = {
    "tenants.add": lambda work, aim: work.tenants.add(Tenant(id=aim.patient.tenant_id, name="Another", created_at=NOW)),
    "tenants.set_plan": lambda work, _: work.tenants.set_plan(Plan.SUBSCRIPTION),
    "tenants.claim_bootstrap": lambda work, _: work.tenants.claim_bootstrap(NOW),
}
"""What an operator does; a database may let only its owner."""

OPERATIONS: Final = READS | CHANGES | ENTRIES | OPERATORS


async def answer_to(member: Member, name: str, aim: Aim, *, commit: bool = False) -> object:
    """Return what an operation answers in a unit of work of its own, or the class of its refusal."""
    try:
        async with member.work(Endpoint.CREATE_CASE) as work:
            pending = OPERATIONS[name](work, aim)
            await (work.commit() if commit else work.flush())
            return None if pending is None else pending.result()
    except ClinCoreError as error:
        return type(error)
