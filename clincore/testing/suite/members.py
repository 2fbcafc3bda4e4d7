"""What a database is put to its laws with: tenants with keys, and everything that a tenant holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID, uuid4

from attrs import evolve, frozen

from clincore.domain.call import Call
from clincore.domain.identity import ApiKeyRecord, Plan, Role, Tenant
from clincore.domain.usage import Endpoint
from clincore.testing.suite.records import ALL, NOW, digest_of, finalized, new_case, new_id, new_patient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from clincore.domain.access import AccessEntry
    from clincore.domain.case import Case
    from clincore.domain.patient import Patient
    from clincore.domain.usage import UsageReport
    from clincore.ports.database import Database, UnitOfWork
    from clincore.ports.pending import Pending

T = TypeVar("T")

ASKING: Final = "asks for the usage"


async def set_up(database: Database, *, role: Role = Role.ADMIN, plan: Plan = Plan.FREE) -> Member:
    """Set up a tenant with one key, and return the key's holder."""
    tenant_id = uuid4()
    async with database.provisioning(tenant_id) as work:
        work.tenants.add(Tenant(id=tenant_id, name="Klinik Ä", plan=plan, created_at=NOW))
        await work.commit()
    return await Member(database, tenant_id, new_id(), digest_of(new_id())).with_key(role=role)


@frozen
class Member:
    """The holder of one key of one tenant."""

    database: Database
    tenant_id: UUID
    key_id: UUID
    digest: str

    def work(
        self, endpoint: Endpoint = Endpoint.VIEW_PATIENT, *, at: datetime = NOW, admin_only: bool = False
    ) -> AbstractAsyncContextManager[UnitOfWork]:
        call = Call(
            tenant_id=self.tenant_id,
            key_digest=self.digest,
            endpoint=endpoint,
            admin_only=admin_only,
            request_id="request-1",
            at=at,
        )
        return self.database.unit_of_work(call)

    async def with_key(self, **changes: Any) -> Member:
        """Enter another key of the tenant, and return its holder."""
        key_id = new_id()
        fields: dict[str, Any] = {
            "tenant_id": self.tenant_id,
            "id": key_id,
            "key_hash": digest_of(self.tenant_id, key_id),
            "label": "front desk",
            "role": Role.USER,
            "created_at": NOW,
        }
        record = ApiKeyRecord(**(fields | changes))
        async with self.database.provisioning(self.tenant_id) as work:
            work.keys.add(record)
            await work.commit()
        return evolve(self, key_id=record.id, digest=record.key_hash)

    async def key(self) -> ApiKeyRecord | None:
        async with self.database.provisioning(self.tenant_id) as work:
            found = work.keys.get(self.key_id)
            await work.flush()
        return found.result()

    async def ask(self, question: Callable[[UnitOfWork], Pending[T]]) -> T:
        """Ask one question in a transaction of its own, without a key, that ends with it."""
        async with self.database.provisioning(self.tenant_id) as work:
            found = question(work)
            await work.flush()
        return found.result()

    async def ask_committed(self, question: Callable[[UnitOfWork], Pending[T]]) -> T:
        """Do one thing in a committed transaction of its own, without a key, and return its result."""
        async with self.database.provisioning(self.tenant_id) as work:
            found = question(work)
            await work.commit()
        return found.result()

    async def do(self, *steps: Callable[[UnitOfWork], object], at: datetime = NOW) -> None:
        """Do something in one committed unit of work."""
        async with self.work(at=at) as work:
            for step in steps:
                step(work)
            await work.commit()

    async def held(self) -> Contents:
        """Return everything that the tenant holds, without leaving a trace."""
        async with self.database.provisioning(self.tenant_id) as work:
            patients = work.patients.list(None, ALL)
            cases = work.cases.list(patient_id=None, status=None, page=ALL)
            log = work.access_log.list(ALL)
            tenant = work.tenants.hold_plan()
            keys = work.keys.list(ALL)
            await work.flush()
        return Contents(
            tenant=tenant.result(),
            patients=patients.result().items,
            cases=cases.result().items,
            log=log.result().items,
            keys=tuple(key for key in keys.result().items if key.label != ASKING),
            usage=await self.usage(),
        )

    async def usage(self, at: datetime = NOW) -> UsageReport:
        """Ask for the usage with a key that is there for this question alone."""
        other = await self.with_key(label=ASKING)
        async with other.work(at=at) as work:
            report = work.usage.report()
            await work.flush()
        return report.result()

    async def patient(self, name: str = "Anna Example", *, at: datetime = NOW) -> Patient:
        """Enter a patient, without a trace in log and usage."""
        entered = new_patient(self, name, at=at)
        await self.do(lambda work: work.patients.add(entered))
        return entered

    async def case(self, patient: Patient, payload: Mapping[str, Any] | None = None, *, at: datetime = NOW) -> Case:
        """Enter a draft, without a trace in log and usage."""
        entered = new_case(self, patient.id, payload, at=at)
        await self.do(lambda work: work.cases.add(entered))
        return entered

    async def finalized(self, patient: Patient) -> Case:
        """Enter a case and finalize it, without a trace in log and usage."""
        case = finalized(await self.case(patient))
        await self.do(lambda work: work.cases.replace(case))
        return case


@frozen(kw_only=True)
class Contents:
    """Everything that a tenant holds but its idempotency keys, which only their own endpoint is told of."""

    tenant: Tenant | None
    patients: tuple[Patient, ...]
    cases: tuple[Case, ...]
    log: tuple[AccessEntry, ...]
    keys: tuple[ApiKeyRecord, ...]
    usage: UsageReport
