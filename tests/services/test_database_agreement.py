"""Memory and PostgreSQL, driven in lock step through the services by three clinics: whatever is done, they agree."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from attrs import astuple, define, evolve, frozen
from clinics import NOW, Ground, opened
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from clincore.domain.case import CaseStatus
from clincore.domain.errors import ClinCoreError
from clincore.domain.identity import Role
from clincore.domain.page import PageRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from databases import NewDatabase

    from clincore import ClinCore, Clinic

_SEEDS = count()


def _symptom_id(choice: Any) -> int:
    return int(choice["symptom_id"])


texts = st.text("aä %_ßΣ", min_size=0, max_size=3)
weights = st.sampled_from([1, 2, 0.5, 9.999])
payloads = st.one_of(
    st.fixed_dictionaries(
        {"symptom_ids": st.lists(st.sampled_from([3, 5, 7, 12, 999_999]), min_size=1, max_size=3, unique=True)}
    ),
    st.fixed_dictionaries(
        {
            "rubrics": st.lists(
                st.fixed_dictionaries({"symptom_id": st.sampled_from([3, 5, 7]), "weight": weights}),
                min_size=1,
                max_size=3,
                unique_by=_symptom_id,
            ),
            "notes": texts,
        }
    ),
)
revisions = st.sampled_from([1, 1, 1, 2, 3])
idempotency_keys = st.sampled_from([None, None, "once", "twice"])
limits = st.integers(1, 4)


@define
class CountedEntropy:
    """Gives the same to two that ask the same number of times.

    Ids stand in the order asked for, whatever the seed: records of one moment are listed by id, and an example that is
    run again must find them in the same order.
    """

    seed: str
    asked: int = 0

    def uuid(self) -> UUID:
        unique = self.secret(12)
        return UUID(bytes=self.asked.to_bytes(4, "big") + unique)

    def secret(self, size: int) -> bytes:
        self.asked += 1
        return sha256(f"{self.seed} {self.asked}".encode()).digest()[:size]


@frozen
class Pair:
    """The two that are to agree."""

    memory: Ground
    postgres: Ground


@pytest.fixture(scope="module")
def pair(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    cache = tmp_path_factory.mktemp("cache")
    with opened(None, cache) as memory, new_database() as database, opened(database, cache) as postgres:
        yield Pair(memory, postgres)


class Agreement(RuleBasedStateMachine):
    """What each call returns or refuses must be the same on both, whoever's key and whoever's record it is."""

    keys = Bundle("keys")
    patients = Bundle("patients")
    cases = Bundle("cases")

    def __init__(self, pair: Pair) -> None:
        super().__init__()
        self.grounds = (pair.memory, pair.postgres)
        seed = f"{next(_SEEDS)} {uuid4()}"
        self.cores = [
            evolve(
                ground.core,
                resources=evolve(ground.core.resources, entropy=CountedEntropy(seed), free_tier_limit=3),
            )
            for ground in self.grounds
        ]
        self.tenants: list[UUID] = []
        self.set_clocks(timedelta(0))

    def set_clocks(self, later: timedelta | None) -> None:
        for ground in self.grounds:
            ground.clock.at = NOW if not later else ground.clock.at + later

    def both(self, call: Callable[[ClinCore], Awaitable[Any]]) -> Any:
        """Make a call on both; return what it returned, or None where it was refused."""
        answers: list[tuple[Any, str, Any]] = []
        for ground, core in zip(self.grounds, self.cores, strict=True):
            ground.run(self.answer(call, core, answers))
        assert answers[0] == answers[1]
        entropies = [core.resources.entropy for core in self.cores]
        assert entropies[0] == entropies[1]
        return answers[0][2]

    @staticmethod
    async def answer(
        call: Callable[[ClinCore], Awaitable[Any]], core: ClinCore, answers: list[tuple[Any, str, Any]]
    ) -> None:
        try:
            answers.append((None, "", await call(core)))
        except ClinCoreError as error:
            answers.append((type(error), str(error), None))

    def by(self, key: str, call: Callable[[Clinic], Awaitable[Any]]) -> Any:
        """Make a call with a key on both."""
        return self.both(lambda core: call(core.clinic(key, request_id="request")))

    # --- who there is -------------------------------------------------------------------------------------------

    @initialize(target=keys)
    def found(self) -> Any:
        made = [self.both(lambda core, name=name: core.tenants.create(name)) for name in "ABC"]  # type: ignore[misc]
        self.tenants = [key.tenant_id for key in made]
        return multiple(*(key.api_key for key in made))

    @rule(target=keys, key=keys, grace=st.sampled_from([0, 0, 3600]))
    def rotate(self, key: str, grace: int) -> Any:
        made = self.by(key, lambda clinic: clinic.keys.rotate(grace_seconds=grace))
        return made.api_key if made else multiple()

    @rule(target=keys, number=st.integers(0, 2), role=st.sampled_from(Role), days=st.sampled_from([None, 0, 1]))
    def make_key(self, number: int, role: Role, days: int | None) -> Any:
        ends = None if days is None else self.grounds[0].clock.at + timedelta(days=days)
        tenant_id = self.tenants[number]
        made = self.both(lambda core: core.tenants.keys.create(tenant_id, label="Ä", role=role, expires_at=ends))
        return made.api_key if made else multiple()

    @rule(number=st.integers(0, 2), choice=st.integers(0, 9))
    def revoke_key(self, number: int, choice: int) -> None:
        tenant_id = self.tenants[number]
        listed = self.both(lambda core: core.tenants.keys.list(tenant_id))
        key_id = listed[choice % len(listed)].record.id
        self.both(lambda core: core.tenants.keys.revoke(tenant_id, key_id))

    @rule(target=keys, key=keys, role=st.sampled_from(Role), days=st.sampled_from([None, 0, 1]))
    def make_key_as_admin(self, key: str, role: Role, days: int | None) -> Any:
        ends = None if days is None else self.grounds[0].clock.at + timedelta(days=days)
        made = self.by(key, lambda clinic: clinic.administration.keys.create(label="Ö", role=role, expires_at=ends))
        return made.key.api_key if made else multiple()

    @rule(key=keys, choice=st.integers(0, 9), limit=limits)
    def revoke_key_as_admin(self, key: str, choice: int, limit: int) -> None:
        listed = self.by(key, lambda clinic: clinic.administration.keys.list(limit=limit))
        key_id = listed.items[choice % len(listed.items)].record.id if listed else uuid4()
        self.by(key, lambda clinic: clinic.administration.keys.revoke(key_id))

    @rule(seconds=st.sampled_from([0, 1, 59, 3599, 3600, 86_400, 31 * 86_400]))
    def time_goes_by(self, seconds: int) -> None:
        self.set_clocks(timedelta(seconds=seconds, microseconds=1))

    # --- patients -------------------------------------------------------------------------------------------------

    @rule(target=patients, key=keys, name=texts, once=idempotency_keys)
    def enter_patient(self, key: str, name: str, once: str | None) -> Any:
        made = self.by(key, lambda clinic: clinic.patients.create(full_name=name, idempotency_key=once))
        return made.id if made else multiple()

    @rule(key=keys, patient=patients)
    def view_patient(self, key: str, patient: UUID) -> None:
        self.by(key, lambda clinic: clinic.patients.get(patient))

    @rule(key=keys, patient=patients, revision=revisions, name=texts)
    def edit_patient(self, key: str, patient: UUID, revision: int, name: str) -> None:
        self.by(key, lambda clinic: clinic.patients.edit(patient, revision=revision, full_name=name))

    @rule(key=keys, name=texts, limit=limits)
    def list_patients(self, key: str, name: str, limit: int) -> None:
        cursor = None
        while True:
            page = self.by(
                key,
                lambda clinic, cursor=cursor: clinic.patients.list(name, limit=limit, cursor=cursor),  # type: ignore[misc]
            )
            if page is None or page.next is None:
                return
            cursor = page.next

    # --- cases ------------------------------------------------------------------------------------------------------

    @rule(target=cases, key=keys, patient=patients, payload=payloads, once=idempotency_keys)
    def enter_case(self, key: str, patient: UUID, payload: dict[str, Any], once: str | None) -> Any:
        made = self.by(key, lambda clinic: clinic.cases.create(patient, payload, idempotency_key=once))
        return made.id if made else multiple()

    @rule(key=keys, case=cases)
    def view_case(self, key: str, case: UUID) -> None:
        self.by(key, lambda clinic: clinic.cases.get(case))

    @rule(key=keys, case=cases, payload=payloads, revision=revisions)
    def edit_case(self, key: str, case: UUID, payload: dict[str, Any], revision: int) -> None:
        self.by(key, lambda clinic: clinic.cases.edit(case, payload, revision=revision))

    @rule(key=keys, case=cases)
    def rank_case(self, key: str, case: UUID) -> None:
        async def rank(clinic: Clinic) -> object:
            return (await clinic.cases.rank(case)).ranking.to_json(0)

        self.by(key, rank)

    @rule(key=keys, case=cases)
    def finalize_case(self, key: str, case: UUID) -> None:
        async def finalize(clinic: Clinic) -> object:
            return (await clinic.cases.finalize(case)).case

        self.by(key, finalize)

    @rule(key=keys, case=cases)
    def verify_case(self, key: str, case: UUID) -> None:
        replay = self.by(key, lambda clinic: clinic.cases.verify_replay(case))
        assert replay is None or replay.ok is True

    @rule(key=keys, patient=st.none() | patients, status=st.none() | st.sampled_from(CaseStatus), limit=limits)
    def list_cases(self, key: str, patient: UUID | None, status: CaseStatus | None, limit: int) -> None:
        self.by(key, lambda clinic: clinic.cases.list(patient_id=patient, status=status, limit=limit))

    @rule(key=keys)
    def see_usage(self, key: str) -> None:
        self.by(key, lambda clinic: clinic.administration.usage())

    # --- what is there ----------------------------------------------------------------------------------------------

    @invariant()
    def both_hold_the_same_and_each_tenant_its_own(self) -> None:
        for tenant_id in self.tenants:
            one, other = (ground.run(held(ground, tenant_id)) for ground in self.grounds)
            assert one == other
            assert {record.tenant_id for records in one for record in records} <= {tenant_id}


async def held(ground: Ground, tenant_id: UUID) -> list[list[Any]]:
    """Everything that a tenant holds on one of the two, in an order that does not go by a log entry's random id."""
    everything = PageRequest(limit=200)
    nobody = UUID(int=0)
    async with ground.core.resources.database.provisioning(tenant_id) as work:
        patients = work.patients.list(None, everything)
        cases = work.cases.list(patient_id=None, status=None, page=everything)
        log = work.access_log.list(everything)
        keys = work.keys.list(everything)
        await work.flush()
    entries = [evolve(entry, id=nobody) for entry in log.result().items]
    return [
        list(patients.result().items),
        list(cases.result().items),
        list(keys.result().items),
        sorted(entries, key=lambda entry: repr(astuple(entry))),
    ]


def test_memory_and_postgresql_agree(pair: Pair) -> None:
    run_state_machine_as_test(
        lambda: Agreement(pair),  # type: ignore[arg-type]
        settings=settings(max_examples=30, stateful_step_count=30),
    )
