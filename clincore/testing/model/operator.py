"""The operator of a deployment, by way of the services, and a look at everything that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar
from uuid import UUID

from attrs import frozen

from clincore.domain.errors import ClinCoreError
from clincore.domain.limits import MAX_PAGE_SIZE
from clincore.domain.page import PageRequest
from clincore.services.keys import ListedKey
from clincore.testing.model.as_json import access_json, case_json, listed_key_json, new_key_json, patient_json
from clincore.testing.model.problems import refusal_of
from clincore.testing.model.target import Contents

if TYPE_CHECKING:
    from asyncio import Runner
    from collections.abc import Callable
    from datetime import datetime

    from clincore.domain.identity import Plan, Role
    from clincore.domain.page import Page
    from clincore.ports.database import UnitOfWork
    from clincore.ports.pending import Pending
    from clincore.services.core import ClinCore
    from clincore.testing.model.calls import Answer, Json

T = TypeVar("T")


@frozen
class ServicesOperator:
    """Works on the deployment's database, opened as its owner, beside what serves the tenants."""

    _core: ClinCore
    _runner: Runner

    def create_tenant(self, name: str, plan: Plan) -> Json:
        return new_key_json(self._runner.run(self._core.tenants.create(name, plan=plan)))

    def set_plan(self, tenant_id: str, plan: Plan) -> None:
        self._runner.run(self._core.tenants.set_plan(UUID(tenant_id), plan))

    def create_key(self, tenant_id: str, label: str, role: Role, expires_at: datetime | None) -> Answer:
        keys = self._core.tenants.keys
        try:
            made = self._runner.run(keys.create(UUID(tenant_id), label=label, role=role, expires_at=expires_at))
        except ClinCoreError as error:
            return refusal_of(error)
        return new_key_json(made)

    def revoke_key(self, tenant_id: str, key_id: str) -> Answer:
        try:
            left = self._runner.run(self._core.tenants.keys.revoke(UUID(tenant_id), UUID(key_id)))
        except ClinCoreError as error:
            return refusal_of(error)
        return {"admins": left}

    def contents(self, tenant_id: str) -> Contents:
        return self._runner.run(self._contents(UUID(tenant_id)))

    async def _contents(self, tenant_id: UUID) -> Contents:
        at = self._core.resources.clock.now()
        async with self._core.resources.database.provisioning(tenant_id) as work:
            tenant = work.tenants.get()
            asked_patients = _List(work, lambda page: work.patients.list(None, page))
            asked_cases = _List(work, lambda page: work.cases.list(patient_id=None, status=None, page=page))
            asked_keys, asked_log = _List(work, work.keys.list), _List(work, work.access_log.list)
            await work.flush()
            patients, cases = await asked_patients.whole(), await asked_cases.whole()
            keys, log = await asked_keys.whole(), await asked_log.whole()
        held = tenant.result()
        assert held is not None
        foreign = {record.tenant_id for records in (patients, cases, keys, log) for record in records} - {tenant_id}
        assert foreign == set()
        return Contents(
            plan=held.plan.value,
            patients=[patient_json(patient) for patient in patients],
            cases=[case_json(case) for case in cases],
            keys=[listed_key_json(ListedKey(key, key.state(at))) for key in keys],
            access_log=[access_json(entry) for entry in log],
        )


class _List(Generic[T]):
    """A whole list, whose first page is asked for at once and comes with the next flush."""

    def __init__(self, work: UnitOfWork, ask: Callable[[PageRequest], Pending[Page[T]]]) -> None:
        self._work, self._ask = work, ask
        self._page = ask(PageRequest(limit=MAX_PAGE_SIZE))

    async def whole(self) -> list[T]:
        found = list(self._page.result().items)
        while (cursor := self._page.result().next) is not None:
            self._page = self._ask(PageRequest.parse(MAX_PAGE_SIZE, cursor))
            await self._work.flush()
            found += self._page.result().items
        return found
