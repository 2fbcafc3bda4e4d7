"""The strategies make what they say: every type of the domain, valid; whole worlds; and twins with one thing wrong."""

from __future__ import annotations

import enum
import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import clincore.domain
from clincore.domain.access import AccessFilter
from clincore.domain.api_key import parse_api_key
from clincore.domain.call import is_request_id
from clincore.domain.canonical_json import canonical_json
from clincore.domain.case import Case, CaseStatus
from clincore.domain.case_input import CaseInput
from clincore.domain.errors import InvalidCursor, InvalidInput, InvalidQuery, Unauthenticated
from clincore.domain.idempotency import Repeatable
from clincore.domain.identity import KeyState
from clincore.domain.page import PageRequest
from clincore.domain.patient import PatientDetails
from clincore.domain.ranking.parameters import McareParameters
from clincore.domain.search_query import parse_search_query
from clincore.domain.stored_result import StoredResult, stored_result
from clincore.domain.text import clean_name
from clincore.testing import strategies as made
from clincore.testing.strategies.types import STRATEGIES, strategy_of

if TYPE_CHECKING:
    from datetime import datetime

    from clincore.testing.strategies import RepertoryContent, Tampered, World

FEW = settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
RECKONING = {"McareScores", "FrequencyFactors", "Tallies", "Worth"}
"""What a method reckons with, and nobody gives or gets."""


def domain_types() -> list[type]:
    """Every type of the domain that holds data, or names its kinds."""
    found = []
    for module in pkgutil.walk_packages(clincore.domain.__path__, "clincore.domain."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and value.__module__ == module.name and not value.__name__.startswith("_"):
                is_tuple = issubclass(value, tuple)
                if attrs.has(value) or issubclass(value, enum.Enum) or is_tuple:
                    found.append(value)
    return [kind for kind in found if kind.__name__ not in RECKONING and not issubclass(kind, BaseException)]


def test_every_type_of_the_domain_has_a_strategy_and_no_other() -> None:
    kinds = domain_types()
    assert len(kinds) > 60
    assert STRATEGIES.keys() == {kind for kind in kinds if not issubclass(kind, enum.Enum)}


@pytest.mark.parametrize("kind", domain_types(), ids=lambda kind: kind.__name__)
def test_a_type_s_strategy_makes_values_of_it(kind: type) -> None:
    @settings(max_examples=3, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy_of(kind))
    def makes(value: object) -> None:
        assert isinstance(value, kind)

    makes()


# --- valid by construction ---


@FEW
@given(made.patient_details(), made.names())
def test_details_and_names_are_accepted_as_they_are(details: PatientDetails, name: str) -> None:
    given: dict[str, Any] = details.to_canonical()  # type: ignore[assignment]
    assert PatientDetails.parse(**given, this_year=made.THIS_YEAR) == details
    assert clean_name(name, "name") == name


@FEW
@given(made.cases())
def test_a_case_is_one_that_its_own_methods_make(case: Case) -> None:
    """Its input is valid, and where it is finalized what is stored is what was signed."""
    assert CaseInput.parse(case.input_payload).payload == case.input_payload
    if case.status is CaseStatus.FINALIZED:
        assert isinstance(stored_result(case), StoredResult)
        assert case.revision >= 2
    else:
        assert (case.verdict, case.verified_at) == (None, None)


@FEW
@given(made.worlds())
def test_a_world_hangs_together(world: World) -> None:
    """Every record is its clinic's, every case a patient's, and of rubrics that the repertory has."""
    assert len({clinic.tenant.id for clinic in world.clinics}) == len(world.clinics)
    for clinic in world.clinics:
        records: list[Any] = [*clinic.keys, *clinic.patients, *clinic.cases]
        assert {record.tenant_id for record in records} <= {clinic.tenant.id}
        assert {case.patient_id for case in clinic.cases} <= {patient.id for patient in clinic.patients}
        for case in clinic.cases:
            assert set(CaseInput.parse(case.input_payload).symptom_ids) <= world.repertory.texts.keys()


@FEW
@given(made.repertories())
def test_a_repertory_s_proofs_and_numbers_are_its_own(content: RepertoryContent) -> None:
    edition = content.identity
    assert edition.rubrics == len(content.leaves) == len(content.rubrics)
    assert edition.grades == sum(len(rubric.grades) for rubric in content.rubrics.values())
    assert edition.remedies == len(content.statistics.remedies)


@pytest.mark.parametrize("state", KeyState)
def test_a_key_is_in_the_state_that_was_asked_for(state: KeyState) -> None:
    @FEW
    @given(made.moments().flatmap(lambda at: st.tuples(made.api_key_records(state=st.just(state), at=at), st.just(at))))
    def is_in_it(drawn: tuple[Any, datetime]) -> None:
        assert drawn[0].state(drawn[1]) is state

    is_in_it()


@FEW
@given(made.inclusion_proofs(), made.invalid_inclusion_proofs())
def test_proofs_hold_and_their_twins_do_not(proof: Any, twin: Any) -> None:
    assert proof[0].holds(proof[1])
    assert not twin[0].holds(twin[1])


@FEW
@given(made.request_ids(), made.invalid_request_ids(), made.json_values(), made.idempotency_keys())
def test_small_things_are_accepted_and_their_twins_are_not(request_id: str, wrong: str, value: Any, key: str) -> None:
    assert is_request_id(request_id)
    assert not is_request_id(wrong)
    canonical_json(value)
    assert Repeatable.parse(key, value).key == key


# --- exactly one thing wrong ---


@FEW
@given(made.invalid_patient_details())
def test_wrong_details_are_refused_for_that_field_alone(wrong: tuple[dict[str, Any], str]) -> None:
    given, field = wrong
    with pytest.raises(InvalidInput) as refused:
        PatientDetails.parse(**given, this_year=made.THIS_YEAR)
    assert [problem.path for problem in refused.value.problems] == [field]


@settings(FEW, max_examples=60)
@given(made.invalid_api_keys())
def test_wrong_api_keys_are_refused(text: str) -> None:
    with pytest.raises(Unauthenticated):
        parse_api_key(text)


@FEW
@given(made.invalid_queries())
def test_wrong_queries_are_refused_at_their_place(wrong: tuple[str, int]) -> None:
    with pytest.raises(InvalidQuery) as refused:
        parse_search_query(wrong[0])
    assert refused.value.position == wrong[1]


@FEW
@given(made.invalid_cursors(), made.invalid_page_sizes())
def test_wrong_cursors_and_page_sizes_are_refused(cursor: str, size: Any) -> None:
    with pytest.raises(InvalidCursor):
        PageRequest.parse(10, cursor)
    with pytest.raises(InvalidInput):
        PageRequest.parse(size, None)


@FEW
@given(made.invalid_access_filters(), made.invalid_mcare_overrides())
def test_wrong_filters_and_parameters_are_refused_by_name(
    wrong: tuple[dict[str, Any], str], overrides: tuple[dict[str, Any], str]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        AccessFilter(**wrong[0])
    assert [problem.path for problem in refused.value.problems] == [wrong[1]]
    with pytest.raises(InvalidInput) as refused:
        McareParameters.from_json(overrides[0])
    assert [problem.path for problem in refused.value.problems] == [overrides[1]]


@FEW
@given(made.invalid_json_values(), made.invalid_names(), made.invalid_idempotency_keys())
def test_wrong_values_names_and_keys_are_refused(value: Any, name: Any, key: str) -> None:
    with pytest.raises((TypeError, ValueError)):
        canonical_json(value)
    with pytest.raises(InvalidInput):
        clean_name(name, "name")
    with pytest.raises(InvalidInput):
        Repeatable.parse(key, None)


@settings(FEW, max_examples=60)
@given(made.tampered_cases(), made.invalid_signed_results())
def test_what_was_tampered_with_is_told(tampered: Tampered, signed: Any) -> None:
    assert (tampered.what, stored_result(tampered.case)) == (tampered.what, tampered.verdict)
    assert not signed.is_intact
