"""Each call of the contract as a call of the services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

from clincore.domain.access import Action, RecordType
from clincore.domain.case import CaseStatus
from clincore.domain.identity import Role
from clincore.domain.usage import Endpoint
from clincore.testing.model.as_json import (
    access_json,
    case_json,
    hit_json,
    listed_key_json,
    new_key_json,
    overview_json,
    patient_json,
    remedy_json,
    replay_json,
    rubric_json,
    usage_json,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from clincore.services.clinic import Clinic
    from clincore.testing.model.calls import Call, Json

    Served: TypeAlias = Callable[[Clinic, Call], Awaitable[Json]]

_PATIENT_FIELDS: Final = ("full_name", "birth_year", "phone")


# --- keys and what an administrator sees ----------------------------------------------------------------------------


async def check_key(clinic: Clinic, _call: Call) -> Json:
    await clinic.keys.check()
    return {"status": "ok"}


async def rotate_key(clinic: Clinic, call: Call) -> Json:
    made = new_key_json(await clinic.keys.rotate(**call.body))
    return {"new_key": made["api_key"], "key_id": made["key_id"], "tenant_id": made["tenant_id"]}


async def create_key(clinic: Clinic, call: Call) -> Json:
    body = dict(call.body)
    if "role" in body:
        body["role"] = Role(body["role"])
    made = await clinic.administration.keys.create(**body)
    record = made.record
    return {
        **new_key_json(made.key),
        "label": record.label,
        "role": record.role.value,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
    }


async def list_keys(clinic: Clinic, call: Call) -> Json:
    page = await clinic.administration.keys.list(**call.query)
    return _page(map(listed_key_json, page.items), page.next)


async def revoke_key(clinic: Clinic, call: Call) -> Json:
    await clinic.administration.keys.revoke(UUID(call.id))
    return {"revoked": call.id}


async def usage(clinic: Clinic, _call: Call) -> Json:
    return usage_json(await clinic.administration.usage())


async def list_access(clinic: Clinic, call: Call) -> Json:
    query = dict(call.query)
    for name, kind in (("key_id", UUID), ("record_id", UUID), ("action", Action), ("record_type", RecordType)):
        if name in query:
            query[name] = kind(query[name])
    page = await clinic.administration.access_log(**query)
    return _page(map(access_json, page.items), page.next)


# --- patients and cases ---------------------------------------------------------------------------------------------


async def create_patient(clinic: Clinic, call: Call) -> Json:
    return patient_json(await clinic.patients.create(**call.body, idempotency_key=call.once))


async def list_patients(clinic: Clinic, call: Call) -> Json:
    query = dict(call.query)
    page = await clinic.patients.list(query.pop("q", None), **query)
    return _page(map(patient_json, page.items), page.next)


async def view_patient(clinic: Clinic, call: Call) -> Json:
    return patient_json(await clinic.patients.get(UUID(call.id)))


async def edit_patient(clinic: Clinic, call: Call) -> Json:
    cleared = frozenset(name for name, value in call.body.items() if value is None)
    given = {name: value for name, value in call.body.items() if value is not None}
    assert given.keys() <= set(_PATIENT_FIELDS)
    return patient_json(await clinic.patients.edit(UUID(call.id), revision=call.revision, clear=cleared, **given))


async def create_case(clinic: Clinic, call: Call) -> Json:
    body = call.body
    case = await clinic.cases.create(UUID(body["patient_id"]), body["input_payload"], idempotency_key=call.once)
    return {"case_id": str(case.id), "status": case.status.value}


async def list_cases(clinic: Clinic, call: Call) -> Json:
    query = dict(call.query)
    for name, kind in (("patient_id", UUID), ("status", CaseStatus)):
        if name in query:
            query[name] = kind(query[name])
    page = await clinic.cases.list(**query)
    return _page(map(case_json, page.items), page.next)


async def view_case(clinic: Clinic, call: Call) -> Json:
    return case_json(await clinic.cases.get(UUID(call.id)))


async def edit_case(clinic: Clinic, call: Call) -> Json:
    payload = call.body["input_payload"]
    return case_json(await clinic.cases.edit(UUID(call.id), payload, revision=call.revision))


async def rank_case(clinic: Clinic, call: Call) -> Json:
    return dict((await clinic.cases.rank(UUID(call.id))).to_json())


async def finalize_case(clinic: Clinic, call: Call) -> Json:
    done = await clinic.cases.finalize(UUID(call.id))
    added = {"case_id": str(done.case.id), "status": done.case.status.value, "signature": done.signature}
    return {**done.repertorization.to_json(), **added}


async def verify_case(clinic: Clinic, call: Call) -> Json:
    return replay_json(await clinic.cases.verify_replay(UUID(call.id)))


# --- the repertory --------------------------------------------------------------------------------------------------


async def view_repertory(clinic: Clinic, _call: Call) -> Json:
    found = await clinic.repertory.overview()
    return overview_json(found.edition, found.chapters)


async def search_rubrics(clinic: Clinic, call: Call) -> Json:
    query = dict(call.query)
    page = await clinic.repertory.search(query.pop("q"), **query)
    return _page(map(hit_json, page.hits), page.next)


async def view_rubric(clinic: Clinic, call: Call) -> Json:
    assert call.id is not None
    view = await clinic.repertory.rubric(int(call.id))
    return rubric_json(view.rubric, view.remedies, view.family)


async def list_remedies(clinic: Clinic, call: Call) -> Json:
    page = await clinic.repertory.remedies(**call.query)
    return _page(map(remedy_json, page.items), page.next)


async def rank_rubrics(clinic: Clinic, call: Call) -> Json:
    return dict((await clinic.rankings.rank(call.body)).to_json())


def _page(items: Iterable[Json], following: str | None) -> Json:
    return {"items": list(items), "next": following}


CALLS: Final[dict[Endpoint, Served]] = {
    Endpoint.HEALTH: check_key,
    Endpoint.ROTATE_KEY: rotate_key,
    Endpoint.CREATE_KEY: create_key,
    Endpoint.LIST_KEYS: list_keys,
    Endpoint.REVOKE_KEY: revoke_key,
    Endpoint.USAGE: usage,
    Endpoint.LIST_ACCESS: list_access,
    Endpoint.CREATE_PATIENT: create_patient,
    Endpoint.LIST_PATIENTS: list_patients,
    Endpoint.VIEW_PATIENT: view_patient,
    Endpoint.EDIT_PATIENT: edit_patient,
    Endpoint.CREATE_CASE: create_case,
    Endpoint.LIST_CASES: list_cases,
    Endpoint.VIEW_CASE: view_case,
    Endpoint.EDIT_CASE: edit_case,
    Endpoint.RANK_CASE: rank_case,
    Endpoint.FINALIZE_CASE: finalize_case,
    Endpoint.VERIFY_CASE: verify_case,
    Endpoint.VIEW_REPERTORY: view_repertory,
    Endpoint.SEARCH_RUBRICS: search_rubrics,
    Endpoint.VIEW_RUBRIC: view_rubric,
    Endpoint.LIST_REMEDIES: list_remedies,
    Endpoint.RANK_RUBRICS: rank_rubrics,
}
