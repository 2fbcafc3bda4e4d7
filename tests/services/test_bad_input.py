"""Bad input of every kind is a clear error of the right kind, and nothing is written."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from attrs import frozen
from clinics import ANOTHER_PAYLOAD, NOW, PAYLOAD, TOKEN, Ground, finalized_case, new_case, opened
from hypothesis import given, settings

from clincore.domain.api_key import make_api_key
from clincore.domain.errors import (
    AlreadyBootstrapped,
    BootstrapDisabled,
    BootstrapTokenWrong,
    CaseAlreadyFinalized,
    CaseNotFinalized,
    CaseNotFound,
    ClinCoreError,
    Forbidden,
    InvalidCursor,
    InvalidInput,
    PatientNotFound,
    RevisionMismatch,
    Unauthenticated,
)
from clincore.domain.identity import ApiKeyRecord, Role
from clincore.testing.strategies import invalid_case_payloads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from databases import NewDatabase

    from clincore import Case, ClinCore, Clinic


@frozen
class Scene:
    """A clinic with a patient, a draft and a finalized case, and another clinic with the same."""

    ground: Ground
    clinic: Clinic
    draft: Case
    finalized: Case
    foreign: Case
    user: Clinic
    """A key of the clinic that is no admin's."""

    @property
    def core(self) -> ClinCore:
        return self.ground.core


@pytest.fixture(scope="module")
def scene(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with new_database() as database, opened(database, tmp_path_factory.mktemp("cache")) as ground:
        yield ground.run(_scene(ground))


async def _scene(ground: Ground) -> Scene:
    await ground.core.tenants.bootstrap("First", TOKEN)
    clinic, key = await ground.new_clinic()
    other, _ = await ground.new_clinic()
    return Scene(
        ground,
        clinic,
        await new_case(clinic),
        await finalized_case(clinic),
        await new_case(other),
        await user_of(ground, key.tenant_id),
    )


async def user_of(ground: Ground, tenant_id: Any) -> Clinic:
    """Enter a key with the role user."""
    key = make_api_key(tenant_id, ground.core.resources.entropy.secret(32))
    async with ground.core.resources.database.provisioning(tenant_id) as work:
        work.keys.add(
            ApiKeyRecord(
                tenant_id=tenant_id,
                id=uuid4(),
                key_hash=key.digest,
                label="front desk",
                role=Role.USER,
                created_at=NOW,
            )
        )
        await work.commit()
    return ground.core.clinic(key.text)


def refused(scene: Scene, call: Callable[[Scene], Awaitable[object]], error: type[ClinCoreError]) -> ClinCoreError:
    """Make the call, and return its error, of exactly that kind, once it is sure that nothing was written."""
    before = scene.ground.contents()

    async def make() -> object:
        return await call(scene)

    with pytest.raises(error) as caught:
        scene.ground.run(make())
    assert type(caught.value) is error
    assert scene.ground.contents() == before
    return caught.value


TEXTS_PAST_THE_LIMITS = ["", "  \n ", "x" * 201, "a\x00b", "a\tb", "\x1b[2J", "\ud800"]


@pytest.mark.parametrize("name", [*TEXTS_PAST_THE_LIMITS, None, 7, b"Anna"])
def test_a_name(scene: Scene, name: Any) -> None:
    assert "full_name" in str(refused(scene, lambda s: s.clinic.patients.create(full_name=name), InvalidInput))
    assert "tenant_name" in str(refused(scene, lambda s: s.core.tenants.create(name), InvalidInput))
    if name is not None:
        patient_id, revision = scene.draft.patient_id, 1
        refused(scene, lambda s: s.clinic.patients.edit(patient_id, revision=revision, full_name=name), InvalidInput)


@pytest.mark.parametrize("year", [1849, 2027, -1, True, "1969", 1969.0, 10**30])
def test_a_year_of_birth(scene: Scene, year: Any) -> None:
    error = refused(scene, lambda s: s.clinic.patients.create(full_name="Anna", birth_year=year), InvalidInput)
    assert str(error) == "birth_year: must be a whole number from 1850 to 2026"


def test_every_wrong_field_of_a_patient_is_named(scene: Scene) -> None:
    error = refused(
        scene,
        lambda s: s.clinic.patients.create(full_name="", birth_year=1, phone="1" * 41),
        InvalidInput,
    )
    assert isinstance(error, InvalidInput)
    assert [problem.path for problem in error.problems] == ["full_name", "phone", "birth_year"]


@pytest.mark.parametrize("limit", [0, -1, 201, True, 1.0, "50", 10**30])
def test_a_page_size(scene: Scene, limit: Any) -> None:
    refused(scene, lambda s: s.clinic.patients.list(limit=limit), InvalidInput)
    refused(scene, lambda s: s.clinic.cases.list(limit=limit), InvalidInput)


@pytest.mark.parametrize("cursor", ["", "x", "bm90IGpzb24", "W10", "e30", "\x00", "ü", "WyIyMDI2LTAxLTAxIiwgMV0"])
def test_a_cursor(scene: Scene, cursor: str) -> None:
    refused(scene, lambda s: s.clinic.patients.list(cursor=cursor), InvalidCursor)
    refused(scene, lambda s: s.clinic.cases.list(cursor=cursor), InvalidCursor)


@pytest.mark.parametrize("name", ["x" * 201, "a\x00", "\ud800"])
def test_a_search_for_a_name(scene: Scene, name: str) -> None:
    assert str(refused(scene, lambda s: s.clinic.patients.list(name), InvalidInput)).startswith("q: ")


@settings(max_examples=40)
@given(wrong=invalid_case_payloads())
def test_an_input_payload(scene: Scene, wrong: tuple[dict[str, Any], str]) -> None:
    payload, path = wrong
    error = refused(scene, lambda s: s.clinic.cases.create(s.draft.patient_id, payload), InvalidInput)
    assert f"input_payload.{path}" in str(error)
    refused(scene, lambda s: s.clinic.cases.edit(s.draft.id, payload, revision=1), InvalidInput)
    assert path in str(refused(scene, lambda s: s.clinic.rankings.rank(payload), InvalidInput))


@pytest.mark.parametrize("weight", [0, -1, 10.001, Decimal("NaN"), float("inf"), Decimal("1e400"), 10**400, "1", None])
def test_a_weight(scene: Scene, weight: Any) -> None:
    payload = {"rubrics": [{"symptom_id": 3, "weight": weight}]}
    error = refused(scene, lambda s: s.clinic.cases.create(s.draft.patient_id, payload), InvalidInput)
    assert str(error).startswith("input_payload.rubrics[0].weight: ")


@pytest.mark.parametrize("payload", [None, [], "{}", 7])
def test_an_input_that_is_no_object(scene: Scene, payload: Any) -> None:
    refused(scene, lambda s: s.clinic.cases.create(s.draft.patient_id, payload), InvalidInput)
    refused(scene, lambda s: s.clinic.rankings.rank(payload), InvalidInput)


def test_every_unknown_rubric_and_the_unknown_method_are_named(scene: Scene) -> None:
    payload = {"rubrics": [{"symptom_id": 3}, {"symptom_id": 999998}, {"symptom_id": 999999}], "method": "x/1"}
    for call in (
        lambda s: s.clinic.cases.create(s.draft.patient_id, payload),
        lambda s: s.clinic.cases.edit(s.draft.id, payload, revision=1),
    ):
        error = refused(scene, call, InvalidInput)
        assert isinstance(error, InvalidInput)
        assert [(problem.path, problem.message) for problem in error.problems] == [
            (
                "input_payload.method",
                "There is no ranking method 'x/1'; there are: coverage/1, mcare/6.1, sum-of-grades/1.",
            ),
            ("input_payload.rubrics[1]", "rubric 999998 is not in the repertory"),
            ("input_payload.rubrics[2]", "rubric 999999 is not in the repertory"),
        ]
    ranked = refused(scene, lambda s: s.clinic.rankings.rank(payload), InvalidInput)
    assert "rubrics[2]: rubric 999999 is not in the repertory" in str(ranked)


def test_ids_that_do_not_exist_and_another_tenants_are_refused_alike(scene: Scene) -> None:
    """The same kind of error, and the same words but for the id."""
    for patient_id in (uuid4(), scene.foreign.patient_id):
        calls: list[Callable[[Scene], Awaitable[object]]] = [
            lambda s, i=patient_id: s.clinic.patients.edit(i, revision=1, full_name="Taken"),  # type: ignore[misc]
            lambda s, i=patient_id: s.clinic.cases.create(i, PAYLOAD),  # type: ignore[misc]
            lambda s, i=patient_id: s.clinic.patients.get(i),  # type: ignore[misc]
        ]
        for call in calls:
            assert str(refused(scene, call, PatientNotFound)) == f"There is no patient {patient_id}."
    for case_id in (uuid4(), scene.foreign.id):
        calls = [
            lambda s, i=case_id: s.clinic.cases.get(i),  # type: ignore[misc]
            lambda s, i=case_id: s.clinic.cases.edit(i, ANOTHER_PAYLOAD, revision=1),  # type: ignore[misc]
            lambda s, i=case_id: s.clinic.cases.rank(i),  # type: ignore[misc]
            lambda s, i=case_id: s.clinic.cases.finalize(i),  # type: ignore[misc]
            lambda s, i=case_id: s.clinic.cases.verify_replay(i),  # type: ignore[misc]
        ]
        for call in calls:
            assert str(refused(scene, call, CaseNotFound)) == f"There is no case {case_id}."


def test_a_list_by_another_tenants_patient_is_empty(scene: Scene) -> None:
    foreign = scene.ground.run(scene.clinic.cases.list(patient_id=scene.foreign.patient_id))
    unknown = scene.ground.run(scene.clinic.cases.list(patient_id=uuid4()))
    assert (foreign.items, foreign.next) == (unknown.items, unknown.next) == ((), None)


def test_a_finalized_case_takes_nothing_more(scene: Scene) -> None:
    for call in (
        lambda s: s.clinic.cases.finalize(s.finalized.id),
        lambda s: s.clinic.cases.edit(s.finalized.id, ANOTHER_PAYLOAD, revision=2),
        lambda s: s.clinic.cases.edit(s.finalized.id, ANOTHER_PAYLOAD, revision=1),
        lambda s: s.clinic.cases.rank(s.finalized.id),
    ):
        refused(scene, call, CaseAlreadyFinalized)


def test_a_draft_cannot_be_replayed(scene: Scene) -> None:
    refused(scene, lambda s: s.clinic.cases.verify_replay(s.draft.id), CaseNotFinalized)


@pytest.mark.parametrize("revision", [0, 2, -1, 10**30])
def test_a_revision_that_is_not_the_stored_one(scene: Scene, revision: int) -> None:
    refused(scene, lambda s: s.clinic.cases.edit(s.draft.id, ANOTHER_PAYLOAD, revision=revision), RevisionMismatch)
    refused(
        scene,
        lambda s: s.clinic.patients.edit(s.draft.patient_id, revision=revision, full_name="Taken"),
        RevisionMismatch,
    )


@pytest.mark.parametrize("grace", [-1, 2_592_001, True, 1.0, "60", None])
def test_a_grace(scene: Scene, grace: Any) -> None:
    error = refused(scene, lambda s: s.clinic.keys.rotate(grace_seconds=grace), InvalidInput)
    assert str(error) == "grace_seconds: must be a whole number from 0 to 2592000"


@pytest.mark.parametrize("text", ["", "clc_", "x" * 76, "clc_" + "0" * 22 + "_" + "0" * 49, "Bearer x", "ключ"])
def test_a_malformed_key_is_refused_without_the_database(scene: Scene, text: str) -> None:
    with pytest.raises(Unauthenticated):
        scene.core.clinic(text)


def test_a_key_that_was_never_given_out(scene: Scene) -> None:
    for tenant_id in (scene.draft.tenant_id, uuid4()):
        stranger = scene.core.clinic(make_api_key(tenant_id, b"\x01" * 32).text)
        for call in (
            lambda s, who=stranger: who.patients.create(full_name="Anna"),
            lambda s, who=stranger: who.patients.get(s.draft.patient_id),
            lambda s, who=stranger: who.patients.list(),
            lambda s, who=stranger: who.cases.create(s.draft.patient_id, PAYLOAD),
            lambda s, who=stranger: who.cases.create(s.draft.patient_id, {"symptom_ids": [999999]}),
            lambda s, who=stranger: who.cases.get(s.draft.id),
            lambda s, who=stranger: who.cases.finalize(s.draft.id),
            lambda s, who=stranger: who.cases.verify_replay(s.finalized.id),
            lambda s, who=stranger: who.rankings.rank(PAYLOAD),
            lambda s, who=stranger: who.keys.rotate(),
            lambda s, who=stranger: who.administration.usage(),
        ):
            refused(scene, call, Unauthenticated)


def test_usage_is_for_admins(scene: Scene) -> None:
    refused(scene, lambda s: s.user.administration.usage(), Forbidden)


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN + " ", "токен", "\ud800"])
def test_a_bootstrap_token(scene: Scene, token: str | None) -> None:
    refused(scene, lambda s: s.core.tenants.bootstrap("Clinic", token), BootstrapTokenWrong)


def test_a_second_bootstrap(scene: Scene) -> None:
    refused(scene, lambda s: s.core.tenants.bootstrap("Clinic", TOKEN), AlreadyBootstrapped)


def test_a_bootstrap_where_no_token_is_set(scene: Scene) -> None:
    core = scene.ground.open(bootstrap_token=None)
    for token in (None, "", TOKEN):
        refused(scene, lambda _, given=token: core.tenants.bootstrap("Clinic", given), BootstrapDisabled)  # type: ignore[misc]


def test_input_that_was_refused_does_not_count_as_use(scene: Scene) -> None:
    before = scene.ground.run(scene.clinic.administration.usage())
    refused(scene, lambda s: s.clinic.cases.finalize(s.finalized.id), CaseAlreadyFinalized)
    refused(scene, lambda s: s.clinic.cases.get(uuid4()), CaseNotFound)
    after = scene.ground.run(scene.clinic.administration.usage())
    assert after.total_calls == before.total_calls + 1
    assert after.calls_by_endpoint["GET /admin/usage"] == before.calls_by_endpoint.get("GET /admin/usage", 0) + 1


def test_the_clock_of_these_tests_stands_still(scene: Scene) -> None:
    assert scene.ground.clock.now() - NOW == timedelta(0)
