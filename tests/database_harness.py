"""What the contract of a database is tested with: tenants with keys, records, and everything that a tenant holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeAlias, TypeVar
from uuid import UUID, uuid4

from attrs import evolve, frozen

from clincore.domain.access import AccessEntry
from clincore.domain.call import Call
from clincore.domain.case import Case
from clincore.domain.case_input import CaseInput
from clincore.domain.identity import ApiKeyRecord, Plan, Role, Tenant
from clincore.domain.page import Page, PageRequest
from clincore.domain.patient import Patient, PatientDetails
from clincore.domain.signature import SignedResult
from clincore.domain.usage import Endpoint, UsageReport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine, Mapping
    from contextlib import AbstractAsyncContextManager
    from typing import Any

    from clincore.ports.database import Database, UnitOfWork
    from clincore.ports.pending import Pending

T = TypeVar("T")
P = ParamSpec("P")

OpenDatabase: TypeAlias = "Callable[[], AbstractAsyncContextManager[Database]]"
"""Opens an empty database."""

NOW = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ALL = PageRequest(limit=200)


@frozen
class Harness:
    """A database shared by the tests of a module, each of which sets up tenants of its own."""

    database: Database
    runner: asyncio.Runner
    open_database: OpenDatabase

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    async def member(self, *, role: Role = Role.ADMIN, plan: Plan = Plan.FREE) -> Member:
        """Set up a tenant with one key, and return the key's holder."""
        return await set_up(self.database, role=role, plan=plan)


async def set_up(database: Database, *, role: Role = Role.ADMIN, plan: Plan = Plan.FREE) -> Member:
    """Set up a tenant with one key, and return the key's holder."""
    tenant_id = uuid4()
    async with database.provisioning(tenant_id) as work:
        work.tenants.add(Tenant(id=tenant_id, name="Klinik Ä", plan=plan, created_at=NOW))
        await work.commit()
    return await Member(database, tenant_id, uuid4(), digest_of(uuid4())).with_key(role=role)


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
        key_id = uuid4()
        fields: dict[str, Any] = {
            "tenant_id": self.tenant_id,
            "id": key_id,
            "key_hash": digest_of(key_id),
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
            key = work.keys.get(self.key_id)
            await work.flush()
        return Contents(
            tenant=tenant.result(),
            patients=patients.result().items,
            cases=cases.result().items,
            log=log.result().items,
            key=key.result(),
            usage=await self.usage(),
        )

    async def usage(self, at: datetime = NOW) -> UsageReport:
        """Ask for the usage with a key that is there for this question alone."""
        other = await self.with_key()
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
    """Everything that a tenant holds, and what is kept of one key."""

    tenant: Tenant | None
    patients: tuple[Patient, ...]
    cases: tuple[Case, ...]
    log: tuple[AccessEntry, ...]
    key: ApiKeyRecord | None
    usage: UsageReport


def digest_of(number: UUID) -> str:
    return number.hex * 2


def new_patient(member: Member, name: str = "Anna Example", *, at: datetime = NOW, id: UUID | None = None) -> Patient:
    details = PatientDetails(full_name=name, birth_year=1969, phone="+49 30 1234")
    return Patient.enter(details, tenant_id=member.tenant_id, patient_id=id or uuid4(), at=at)


def renamed(patient: Patient, name: str) -> Patient:
    """The patient's next revision under another name."""
    return patient.edit(evolve(patient.details, full_name=name), NOW + MINUTE)


def new_case(
    member: Member,
    patient_id: UUID,
    payload: Mapping[str, Any] | None = None,
    *,
    at: datetime = NOW,
    id: UUID | None = None,
) -> Case:
    entered = CaseInput.parse(payload or {"symptom_ids": [7, 8]})
    return Case.draft(entered, tenant_id=member.tenant_id, patient_id=patient_id, case_id=id or uuid4(), at=at)


def edited(case: Case, payload: Mapping[str, Any] | None = None) -> Case:
    return case.edit(CaseInput.parse(payload or {"symptom_ids": [9]}), NOW + MINUTE)


def finalized(case: Case, text: str = '{"ranking":[]}') -> Case:
    return case.finalize(SignedResult.sign(text), [{"rank": 1, "remedy": "Ars.", "tied": False}], NOW + MINUTE)


async def pages(ask: Callable[[PageRequest], Awaitable[Page[T]]], limit: int) -> list[T]:
    """Return a whole list, read page by page."""
    found: list[T] = []
    cursor: str | None = None
    while True:
        page = await ask(PageRequest.parse(limit, cursor))
        found += page.items
        assert len(page.items) == limit or page.next is None
        if page.next is None:
            return found
        cursor = page.next


async def outcomes(*attempts: Awaitable[T]) -> list[T | BaseException]:
    """Run attempts at once and return what each came to."""
    return list(await asyncio.gather(*attempts, return_exceptions=True))


def scenario(test: Callable[Concatenate[Harness, P], Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Let an asynchronous test run on the harness's event loop."""

    @wraps(test)
    def run(harness: Harness, *args: P.args, **kwargs: P.kwargs) -> None:
        harness.run(test(harness, *args, **kwargs))

    return run
