"""What a practitioner enters for a case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from clincore.domain.case_input import CaseInput, RubricChoice
from clincore.domain.limits import (
    MAX_ID,
    NOTES_CHARACTERS,
    RUBRICS_PER_CASE,
)
from clincore.testing.strategies.basics import plain_texts
from clincore.testing.strategies.ranking import invalid_weights, weights
from clincore.testing.strategies.repertory import symptom_ids

if TYPE_CHECKING:
    from collections.abc import Collection


def notes() -> st.SearchStrategy[str]:
    """Notes up to 2,000 characters, which may hold line breaks."""
    short = plain_texts(longest=30, line_breaks=True)
    return short | st.just("ß" * NOTES_CHARACTERS)


@st.composite
def case_payloads(draw: st.DrawFn, *, among: Collection[int] | None = None) -> dict[str, Any]:
    """Valid values of ``input_payload`` in JSON's types, of rubrics ``among`` those given, or of any ids.

    Weights are ints, Decimals or floats.
    """
    known = st.sampled_from(sorted(among)) if among else symptom_ids()
    ids = draw(st.lists(known, min_size=1, max_size=6, unique=True))
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


def rubric_choices() -> st.SearchStrategy[RubricChoice]:
    return st.builds(RubricChoice, symptom_id=symptom_ids(), weight=weights(), eliminate=st.booleans())


@st.composite
def invalid_case_payloads(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """A payload with exactly one thing wrong, and the path that names it."""
    payload = draw(case_payloads())
    rubrics = [{"symptom_id": 7}, {"symptom_id": 8}]
    wrong_id = st.sampled_from([0, -1, MAX_ID + 1, True, "7", 7.0, None, [7]])
    wrong_weight = invalid_weights()
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
