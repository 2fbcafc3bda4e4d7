"""Hypothesis strategies for the domain's types: bounded, valid unless the name says otherwise, and small when shrunk.

from hypothesis import given
from clincore.testing.strategies import ranking_cases

@given(ranking_cases())
def test_my_method_ranks_every_case(case): ...
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from clincore.domain.api_key import SECRET_BYTES
from clincore.domain.case import Case
from clincore.domain.case_input import CaseInput
from clincore.domain.limits import (
    MAX_ID,
    MAX_WEIGHT,
    MIN_BIRTH_YEAR,
    MIN_WEIGHT,
    NAME_CHARACTERS,
    NOTES_CHARACTERS,
    PHONE_CHARACTERS,
    RUBRICS_PER_CASE,
    WEIGHT_DECIMALS,
)
from clincore.domain.patient import Patient, PatientDetails
from clincore.domain.ranking.case import Bucket, CaseRubric, CaseType, Course, RankingCase
from clincore.domain.ranking.parameters import McareParameters
from clincore.domain.repertory import MAX_GRADE, Edition, Remedy, RemedyStatistics, Rubric, RubricTag, median_of

if TYPE_CHECKING:
    from uuid import UUID

    from clincore.domain.canonical_json import JsonObject, JsonValue

ABBREVIATIONS: Final = (
    *("acon.", "ars.", "Aur.", "bell.", "bry.", "calc.", "carb-v.", "chin.", "Ign."),
    *("lach.", "lyc.", "nat-m.", "nux-v.", "phos.", "puls.", "sep.", "sil.", "sulph."),
)
"""The remedies of generated cases: 18, so that rubrics fall on both sides of 15; not in the order of code points."""
THIS_YEAR: Final = 2026
_THOUSANDTHS: Final = 10**WEIGHT_DECIMALS


# --- who and when -----------------------------------------------------------------------------------


def tenant_ids() -> st.SearchStrategy[UUID]:
    """Any UUID: a tenant's id is not bound to a version."""
    return st.uuids()


def api_key_secrets() -> st.SearchStrategy[bytes]:
    """The 32 random bytes of an API key."""
    return st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)


def moments() -> st.SearchStrategy[datetime]:
    """Aware times, UTC, of the years 2000 to 2099."""
    return st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def plain_texts(*, longest: int, shortest: int = 0, line_breaks: bool = False) -> st.SearchStrategy[str]:
    """Texts without control characters and lone surrogates; with ``line_breaks`` they may hold line feeds and CR."""
    letters = st.characters(exclude_categories=("Cc", "Cs"), include_characters="\n\r" if line_breaks else "")
    return st.text(letters, min_size=shortest, max_size=longest)


def names() -> st.SearchStrategy[str]:
    """Trimmed names of 1 to 200 characters; long ones are short texts repeated."""
    short = plain_texts(longest=12, shortest=1).map(str.strip).filter(bool)
    return short | st.builds(lambda text, times: (text * times)[:NAME_CHARACTERS].strip(), short, st.integers(1, 200))


# --- patients ---------------------------------------------------------------------------------------


def patient_details() -> st.SearchStrategy[PatientDetails]:
    return st.builds(
        PatientDetails,
        full_name=names(),
        birth_year=st.none() | st.integers(MIN_BIRTH_YEAR, THIS_YEAR),
        phone=st.none() | st.from_regex(r"\+?[0-9]{1,4}( [0-9]{1,4}){0,3}", fullmatch=True),
    ).filter(lambda details: details.phone is None or len(details.phone) <= PHONE_CHARACTERS)


@st.composite
def patients(draw: st.DrawFn) -> Patient:
    """Patients after up to five edits."""
    created = draw(moments())
    edits = draw(st.integers(0, 5))
    return Patient(
        tenant_id=draw(tenant_ids()),
        id=draw(st.uuids()),
        details=draw(patient_details()),
        revision=1 + edits,
        created_at=created,
        updated_at=created + timedelta(minutes=edits),
    )


# --- the repertory ----------------------------------------------------------------------------------


def grades() -> st.SearchStrategy[int]:
    """Grades that count: 1 to 5."""
    return st.integers(1, MAX_GRADE)


def graded_remedies() -> st.SearchStrategy[dict[str, int]]:
    """A rubric's remedies: none, a few, or 14 to 17 of them, around the size up to which a rubric is small."""
    few = st.dictionaries(st.sampled_from(ABBREVIATIONS), grades(), max_size=6)
    many = st.lists(grades(), min_size=14, max_size=17).map(lambda given: dict(zip(ABBREVIATIONS, given, strict=False)))
    return few | few | many


def symptom_ids() -> st.SearchStrategy[int]:
    """Rubric ids: small ones, and the largest that the contract allows."""
    return st.integers(1, 300) | st.integers(MAX_ID - 3, MAX_ID)


def rubric_paths() -> st.SearchStrategy[tuple[str, ...]]:
    """Paths of one to four texts, from a chapter down."""
    chapters = st.sampled_from(["Mind", "MIND", "Generals", "GENERALITIES", "Generalities", "Head", "Mindful", "Sleep"])
    below = st.sampled_from(["Anger", "night, at", "agg.", "Ängste", "Толпа", "pain, \U0001d538"])
    return st.builds(lambda chapter, texts: (chapter, *texts), chapters, st.lists(below, max_size=3))


def rubrics() -> st.SearchStrategy[Rubric]:
    """Rubrics of a repertory with graded remedies."""
    return st.builds(Rubric, id=symptom_ids(), path=rubric_paths(), grades=graded_remedies())


def rubric_tags() -> st.SearchStrategy[RubricTag]:
    """What a tags file may say of a rubric."""
    return st.builds(
        RubricTag,
        bucket=st.none() | st.sampled_from([bucket.value for bucket in Bucket]),
        ailments_from=st.booleans(),
        delusions=st.booleans(),
    )


def remedy_statistics() -> st.SearchStrategy[RemedyStatistics]:
    """Frequencies of all ``ABBREVIATIONS``, and of one more remedy or none, so that there may be an odd number."""

    def of(frequencies: list[int]) -> RemedyStatistics:
        known = zip((*ABBREVIATIONS, "zinc."), frequencies, strict=False)
        return RemedyStatistics(
            remedies={
                abbreviation: Remedy(abbreviation=abbreviation, name=f"{abbreviation} (Latin)", frequency=frequency)
                for abbreviation, frequency in known
            },
            median_frequency=median_of(frequencies),
        )

    size = len(ABBREVIATIONS)
    frequency = st.integers(1, 6) | st.integers(1, 2000)
    return st.lists(frequency, min_size=size, max_size=size + 1).map(of)


def editions() -> st.SearchStrategy[Edition]:
    return st.builds(
        Edition,
        name=names(),
        edition=names(),
        fingerprint=st.binary(min_size=32, max_size=32).map(bytes.hex),
        rubrics=st.integers(0, 300_000),
        remedies=st.integers(0, 5000),
        grades=st.integers(0, 2_000_000),
    )


# --- ranking ----------------------------------------------------------------------------------------


def weights() -> st.SearchStrategy[Decimal]:
    """Weights of the contract: 0.1 to 10 with at most three decimals; 1 is the simplest."""
    smallest, largest = int(MIN_WEIGHT * _THOUSANDTHS), int(MAX_WEIGHT * _THOUSANDTHS)
    any_weight = st.integers(smallest, largest).map(lambda thousandths: Decimal(thousandths) / _THOUSANDTHS)
    return st.just(Decimal(1)) | any_weight | st.sampled_from([MIN_WEIGHT, Decimal("0.5"), Decimal(2), MAX_WEIGHT])


def case_rubrics() -> st.SearchStrategy[CaseRubric]:
    """Rubrics of a case in every bucket, with and without flags; about one in eight eliminates."""
    return st.builds(
        CaseRubric,
        id=symptom_ids(),
        weight=weights(),
        eliminate=st.integers(0, 7).map(lambda drawn: drawn == 7),
        bucket=st.sampled_from(Bucket),
        ailments_from=st.booleans(),
        delusions=st.booleans(),
        grades=graded_remedies(),
    )


def ranking_cases(
    *, statistics: st.SearchStrategy[RemedyStatistics] | None = None, longest: int = 9
) -> st.SearchStrategy[RankingCase]:
    """Cases of 1 to ``longest`` rubrics, of both courses and every case type, ``auto`` included."""
    return st.builds(
        RankingCase,
        rubrics=st.lists(case_rubrics(), min_size=1, max_size=longest, unique_by=lambda rubric: rubric.id).map(tuple),
        course=st.sampled_from(Course),
        requested_type=st.none() | st.sampled_from(CaseType),
        statistics=statistics or remedy_statistics(),
        fingerprint=st.just("0f" * 32),
    )


def mcare_overrides() -> st.SearchStrategy[JsonObject]:
    """What a file may put over MCARE's defaults: some of the parameters, in numbers of ordinary size."""
    factor = _decimals(0, 4000, 3)
    fractions = _decimals(0, 999, 3)
    per_bucket = st.dictionaries(st.sampled_from([bucket.value for bucket in Bucket]), fractions, max_size=5)
    return st.fixed_dictionaries(
        {},
        optional={
            "grade_values": st.dictionaries(st.sampled_from("12345"), factor, max_size=5),
            "ailments_from": factor,
            "delusions": factor,
            "small_rubric": factor,
            "alpha": st.sampled_from(["0", "0.25", "0.5", "1"]) | fractions,
            "beta": fractions,
            "tau": fractions,
            "bucket_weights": st.dictionaries(
                st.sampled_from([case_type.value for case_type in CaseType]), per_bucket, max_size=3
            ),
        },
    )


def mcare_parameters() -> st.SearchStrategy[McareParameters]:
    """MCARE's defaults, or some of them overridden."""
    return st.just(McareParameters()) | mcare_overrides().map(McareParameters.from_json)


def _decimals(smallest: int, largest: int, places: int) -> st.SearchStrategy[JsonValue]:
    return st.integers(smallest, largest).map(lambda number: str(Decimal(number).scaleb(-places)))


# --- inputs -----------------------------------------------------------------------------------------


def notes() -> st.SearchStrategy[str]:
    """Notes up to 2,000 characters, which may hold line breaks."""
    short = plain_texts(longest=30, line_breaks=True)
    return short | st.just("ß" * NOTES_CHARACTERS)


@st.composite
def case_payloads(draw: st.DrawFn) -> dict[str, Any]:
    """Valid values of ``input_payload`` in JSON's types; weights are ints, Decimals or floats."""
    ids = draw(st.lists(symptom_ids(), min_size=1, max_size=6, unique=True))
    weight = weights() | st.integers(1, 10) | weights().map(float)
    choice = st.fixed_dictionaries({}, optional={"weight": weight, "eliminate": st.booleans()})
    payload: dict[str, Any] = (
        {"symptom_ids": ids}
        if draw(st.booleans())
        else {"rubrics": [{"symptom_id": symptom_id, **draw(choice)} for symptom_id in ids]}
    )
    settings: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "course": st.sampled_from(["chronic", "acute"]),
                "case_type": st.sampled_from(["auto", "mind_dominant", "constitution", "mixed"]),
                "method": st.sampled_from(["mcare/6.1", "sum-of-grades/1", "coverage/1"]),
                "top_n": st.integers(0, 50),
                "notes": notes(),
            },
        )
    )
    return payload | settings


def case_inputs() -> st.SearchStrategy[CaseInput]:
    return case_payloads().map(CaseInput.parse)


@st.composite
def invalid_case_payloads(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """A payload with exactly one thing wrong, and the path that names it."""
    payload = draw(case_payloads())
    rubrics = [{"symptom_id": 7}, {"symptom_id": 8}]
    wrong_id = st.sampled_from([0, -1, MAX_ID + 1, True, "7", 7.0, None, [7]])
    wrong_weight = st.sampled_from(
        [0, -1, 11, "1", True, None, Decimal("0.0999"), Decimal("1.0005"), Decimal("NaN"), float("inf"), 10.001]
    )
    put: dict[str, Any]
    put, path = draw(
        st.one_of(
            st.tuples(wrong_id.map(lambda wrong: {"rubrics": [*rubrics, {"symptom_id": wrong}]}), _SYMPTOM_ID),
            st.tuples(wrong_weight.map(lambda wrong: {"rubrics": [{**rubrics[0], "weight": wrong}]}), _WEIGHT),
            st.tuples(wrong_id.map(lambda wrong: {"symptom_ids": [1, wrong]}), st.just("symptom_ids[1]")),
            st.just(({"symptom_ids": [5, 6, 5]}, "symptom_ids[2]")),
            st.just(({"rubrics": [*rubrics, *rubrics[:1]]}, "rubrics[2]")),
            st.just(({"rubrics": []}, "rubrics")),
            st.just(({"symptom_ids": list(range(1, RUBRICS_PER_CASE + 2))}, "symptom_ids")),
            st.just(({"course": "slow"}, "course")),
            st.just(({"case_type": ""}, "case_type")),
            st.just(({"top_n": -1}, "top_n")),
            st.just(({"notes": "x" * (NOTES_CHARACTERS + 1)}, "notes")),
            st.just(({"notes": "\x00"}, "notes")),
        )
    )
    for other in {"symptom_ids", "rubrics"} if put.keys() & {"symptom_ids", "rubrics"} else set[str]():
        payload.pop(other, None)
    return payload | put, path


_SYMPTOM_ID: Final = st.just("rubrics[2].symptom_id")
_WEIGHT: Final = st.just("rubrics[0].weight")


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Drafts, just entered."""
    return Case.draft(
        draw(case_inputs()),
        tenant_id=draw(tenant_ids()),
        patient_id=draw(st.uuids()),
        case_id=draw(st.uuids()),
        at=draw(moments()),
    )
