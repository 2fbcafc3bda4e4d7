"""Whole worlds: clinics that share one repertory and nothing else, with their keys, patients and cases."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from attrs import evolve, field, frozen
from hypothesis import strategies as st

from clincore.testing.strategies.case import cases
from clincore.testing.strategies.identity import api_key_records, tenants
from clincore.testing.strategies.patient import patients
from clincore.testing.strategies.repertory import RepertoryContent, repertories

if TYPE_CHECKING:
    from clincore.domain.case import Case
    from clincore.domain.identity import ApiKeyRecord, Tenant
    from clincore.domain.patient import Patient


@frozen
class ClinicContent:
    """One clinic and all that it has; every case is one of its patients'."""

    tenant: Tenant
    keys: tuple[ApiKeyRecord, ...] = field(repr=False)
    patients: tuple[Patient, ...] = field(repr=False)
    cases: tuple[Case, ...] = field(repr=False)


@frozen
class World:
    """A deployment: its repertory, and its clinics."""

    repertory: RepertoryContent
    clinics: tuple[ClinicContent, ...]


@st.composite
def clinics(draw: st.DrawFn, *, content: RepertoryContent | None = None, tenant: Tenant | None = None) -> ClinicContent:
    """Clinics with up to three keys, patients and cases, each in any state."""
    content = content or draw(repertories(longest=5))
    tenant = tenant or draw(tenants())
    ids = st.uuids() | st.integers(1, 3).map(lambda number: UUID(int=number))  # the same ids in several clinics
    people = [
        evolve(draw(patients()), tenant_id=tenant.id, id=id)
        for id in draw(st.lists(ids, min_size=1, max_size=3, unique=True))
    ]
    keys = draw(st.lists(api_key_records(), max_size=3, unique_by=(lambda key: key.id, lambda key: key.key_hash)))
    return ClinicContent(
        tenant=tenant,
        keys=tuple(evolve(key, tenant_id=tenant.id) for key in keys),
        patients=tuple(people),
        cases=tuple(
            draw(cases(content=content, tenant_id=tenant.id, patient_id=draw(st.sampled_from(people)).id))
            for _ in range(draw(st.integers(0, 3)))
        ),
    )


@st.composite
def worlds(draw: st.DrawFn, *, most: int = 3) -> World:
    """Deployments of 1 to ``most`` clinics on a repertory of their cases; ids may be the same in several clinics."""
    content = draw(repertories(longest=5))
    known = draw(st.lists(tenants(), min_size=1, max_size=most, unique_by=lambda tenant: tenant.id))
    return World(content, tuple(draw(clinics(content=content, tenant=tenant)) for tenant in known))
