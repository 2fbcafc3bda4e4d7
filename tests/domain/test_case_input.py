"""What a practitioner enters: the payload survives as given, and everything that is wrong in it is named."""

from __future__ import annotations

import copy
import json
from collections import OrderedDict
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.canonical_json import canonical_json, decimal_text
from clincore.domain.case_input import CaseInput, RubricChoice
from clincore.domain.errors import InvalidInput
from clincore.domain.limits import MAX_ID
from clincore.domain.ranking.case import CaseType, Course
from clincore.testing.strategies import case_payloads, invalid_case_payloads

NAN, INFINITY = float("nan"), float("inf")


def problems(payload: Any, path: str = "") -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        CaseInput.parse(payload, path)
    return {problem.path: problem.message for problem in refused.value.problems}


def weighing(weight: Any) -> dict[str, Any]:
    return {"rubrics": [{"symptom_id": 1, "weight": weight}]}


def test_what_is_left_away_has_its_default() -> None:
    assert CaseInput.parse({"symptom_ids": [3, 1]}) == CaseInput(
        payload={"symptom_ids": [3, 1]},
        rubrics=(RubricChoice(symptom_id=3), RubricChoice(symptom_id=1)),
        course=Course.CHRONIC,
        case_type=None,
        method="mcare/6.1",
        top_n=20,
        notes=None,
    )
    assert CaseInput.parse({"rubrics": [{"symptom_id": 3}]}).rubrics == (
        RubricChoice(symptom_id=3, weight=Decimal(1), eliminate=False),
    )


def test_a_full_payload_means_what_it_says() -> None:
    entered = CaseInput.parse(
        {
            "rubrics": [{"symptom_id": MAX_ID, "weight": 2.5, "eliminate": True}, {"symptom_id": 1, "weight": 10}],
            "course": "acute",
            "case_type": "mixed",
            "method": "coverage/1",
            "top_n": 0,
            "notes": "worse at night\r\nbetter by warmth",
        }
    )
    assert entered.rubrics == (
        RubricChoice(symptom_id=MAX_ID, weight=Decimal("2.5"), eliminate=True),
        RubricChoice(symptom_id=1, weight=Decimal(10)),
    )
    assert (entered.course, entered.case_type) == (Course.ACUTE, CaseType.MIXED)
    assert (entered.method, entered.top_n) == ("coverage/1", 0)
    assert entered.notes == "worse at night\r\nbetter by warmth"
    assert entered.symptom_ids == (MAX_ID, 1)


@given(case_payloads())
def test_a_valid_payload_survives_as_given(payload: dict[str, Any]) -> None:
    before = copy.deepcopy(payload)
    entered = CaseInput.parse(payload)
    assert payload == before
    kept_payload: Mapping[str, Any] = entered.payload
    assert kept_payload.keys() == payload.keys()
    for name, value in payload.items():
        if name == "rubrics":
            for given_rubric, kept in zip(value, kept_payload[name], strict=True):
                assert kept.keys() == given_rubric.keys()
                assert all(
                    Decimal(str(kept[field])) == Decimal(str(item)) if field == "weight" else kept[field] == item
                    for field, item in given_rubric.items()
                )
        else:
            assert entered.payload[name] == value


@given(case_payloads())
def test_a_kept_payload_is_exact_and_is_read_again_as_the_same_input(payload: dict[str, Any]) -> None:
    entered = CaseInput.parse(payload)
    again = CaseInput.parse(entered.payload)
    again_payload: Mapping[str, Any] = again.payload
    assert again == entered
    assert again.to_canonical() == entered.to_canonical()
    assert not any(isinstance(rubric.get("weight"), float) for rubric in again_payload.get("rubrics", ()))


@given(case_payloads())
def test_a_payload_read_from_json_is_the_same_input(payload: dict[str, Any]) -> None:
    """Weights come back as floats or, from a database, as Decimals; neither loses a digit."""
    entered = CaseInput.parse(payload)
    text = json.dumps(payload, default=float)
    for read in (json.loads(text), json.loads(text, parse_float=Decimal)):
        again = CaseInput.parse(read)
        assert again.rubrics == entered.rubrics
        assert again.to_canonical() == entered.to_canonical()


@given(case_payloads())
def test_the_canonical_form_writes_weights_as_decimal_texts_and_the_rest_as_given(payload: dict[str, Any]) -> None:
    canonical = json.loads(canonical_json(CaseInput.parse(payload).to_canonical()))
    assert {name: value for name, value in canonical.items() if name != "rubrics"} == {
        name: value for name, value in payload.items() if name != "rubrics"
    }
    assert canonical.get("rubrics", []) == [
        {name: decimal_text(Decimal(str(value))) if name == "weight" else value for name, value in rubric.items()}
        for rubric in payload.get("rubrics", [])
    ]


def test_a_later_change_of_the_given_payload_does_not_reach_the_input() -> None:
    payload = {"rubrics": [{"symptom_id": 1, "weight": 2}], "notes": "a"}
    entered = CaseInput.parse(payload)
    payload["rubrics"][0]["weight"] = 5  # type: ignore[index]
    payload["rubrics"].append({"symptom_id": 1})  # type: ignore[attr-defined]
    payload["notes"] = "b"
    assert entered.payload == {"rubrics": [{"symptom_id": 1, "weight": 2}], "notes": "a"}


def test_any_mapping_and_a_tuple_are_read_like_a_dict_and_a_list() -> None:
    plain = {"rubrics": [{"symptom_id": 1, "weight": 2}]}
    other = MappingProxyType({"rubrics": (OrderedDict(plain["rubrics"][0]),)})
    assert CaseInput.parse(other) == CaseInput.parse(plain)


@pytest.mark.parametrize(
    ("weight", "exact"),
    [
        (0.1, "0.1"),
        (1.005, "1.005"),
        (2.675, "2.675"),
        (9.999, "9.999"),
        (10.0, "10"),
        (1, "1"),
        (Decimal("0.100"), "0.1"),
        (Decimal("1.0000000"), "1"),
        (Decimal("1E+1"), "10"),
    ],
)
def test_a_weight_is_the_number_that_was_written(weight: Any, exact: str) -> None:
    entered = CaseInput.parse(weighing(weight))
    assert entered.rubrics[0].weight == Decimal(exact)
    assert entered.to_canonical()["rubrics"] == [{"symptom_id": 1, "weight": exact}]


@given(st.integers(100, 10_000))
def test_every_float_weight_of_three_decimals_is_exact(thousandths: int) -> None:
    entered = CaseInput.parse(weighing(thousandths / 1000))
    assert entered.rubrics[0].weight * 1000 == thousandths


@pytest.mark.parametrize(
    "weight",
    [
        0,
        -1,
        0.099,
        10.001,
        11,
        1 << 8000,
        0.1 + 0.2,
        1.0005,
        1e-300,
        1e300,
        5e-324,
        NAN,
        INFINITY,
        -INFINITY,
        -0.0,
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("1." + "0" * 39 + "1"),
        Decimal("0.0999999999999999999999999999999999999999"),
        Decimal("10.0000000000000000000000000000000000000001"),
        Decimal("1E-400000"),
        Decimal("1E+400000"),
        "1",
        "",
        True,
        False,
        None,
        [],
        {},
        1j,
    ],
    ids=lambda weight: f"{type(weight).__name__}-{str(weight)[:12]}" if not isinstance(weight, int) else None,
)
def test_a_weight_outside_the_rule_is_refused(weight: Any) -> None:
    assert problems(weighing(weight)) == {
        "rubrics[0].weight": "must be a number from 0.1 to 10 with at most 3 decimals",
    }


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({}, ""),
        ({"symptom_ids": [1], "rubrics": [{"symptom_id": 1}]}, ""),
        ({"symptom_ids": []}, "symptom_ids"),
        ({"symptom_ids": None}, "symptom_ids"),
        ({"symptom_ids": "123"}, "symptom_ids"),
        ({"symptom_ids": {"1": 1}}, "symptom_ids"),
        ({"symptom_ids": 7}, "symptom_ids"),
        ({"symptom_ids": list(range(1, 202))}, "symptom_ids"),
        ({"rubrics": []}, "rubrics"),
        ({"rubrics": {}}, "rubrics"),
        ({"rubrics": [{"symptom_id": number} for number in range(1, 202)]}, "rubrics"),
        ({"symptom_ids": [0]}, "symptom_ids[0]"),
        ({"symptom_ids": [1, -1]}, "symptom_ids[1]"),
        ({"symptom_ids": [MAX_ID + 1]}, "symptom_ids[0]"),
        ({"symptom_ids": [1 << 8000]}, "symptom_ids[0]"),
        ({"symptom_ids": [True]}, "symptom_ids[0]"),
        ({"symptom_ids": ["7"]}, "symptom_ids[0]"),
        ({"symptom_ids": [7.0]}, "symptom_ids[0]"),
        ({"symptom_ids": [Decimal(7)]}, "symptom_ids[0]"),
        ({"symptom_ids": [None]}, "symptom_ids[0]"),
        ({"symptom_ids": [[7]]}, "symptom_ids[0]"),
        ({"symptom_ids": [{"symptom_id": 7}]}, "symptom_ids[0]"),
        ({"symptom_ids": [4, 5, 4]}, "symptom_ids[2]"),
        ({"rubrics": [7]}, "rubrics[0]"),
        ({"rubrics": [None]}, "rubrics[0]"),
        ({"rubrics": [[7, 1]]}, "rubrics[0]"),
        ({"rubrics": [{}]}, "rubrics[0].symptom_id"),
        ({"rubrics": [{"symptom_id": None}]}, "rubrics[0].symptom_id"),
        ({"rubrics": [{"symptom_id": True}]}, "rubrics[0].symptom_id"),
        ({"rubrics": [{"symptom_id": "7"}]}, "rubrics[0].symptom_id"),
        ({"rubrics": [{"symptom_id": 7, "eliminate": 1}]}, "rubrics[0].eliminate"),
        ({"rubrics": [{"symptom_id": 7, "eliminate": None}]}, "rubrics[0].eliminate"),
        ({"rubrics": [{"symptom_id": 7, "eliminate": "false"}]}, "rubrics[0].eliminate"),
        ({"rubrics": [{"symptom_id": 7, "wieght": 1}]}, "rubrics[0]"),
        ({"rubrics": [{"symptom_id": 7}, {"symptom_id": 7, "weight": 2}]}, "rubrics[1]"),
        ({"symptom_ids": [1], "course": "slow"}, "course"),
        ({"symptom_ids": [1], "course": None}, "course"),
        ({"symptom_ids": [1], "course": ["acute"]}, "course"),
        ({"symptom_ids": [1], "course": "Acute"}, "course"),
        ({"symptom_ids": [1], "case_type": "mind"}, "case_type"),
        ({"symptom_ids": [1], "case_type": 1}, "case_type"),
        ({"symptom_ids": [1], "method": ""}, "method"),
        ({"symptom_ids": [1], "method": 6.1}, "method"),
        ({"symptom_ids": [1], "method": None}, "method"),
        ({"symptom_ids": [1], "method": "m" * 65}, "method"),
        ({"symptom_ids": [1], "method": "mcare\x00"}, "method"),
        ({"symptom_ids": [1], "method": "\ud800"}, "method"),
        ({"symptom_ids": [1], "top_n": -1}, "top_n"),
        ({"symptom_ids": [1], "top_n": True}, "top_n"),
        ({"symptom_ids": [1], "top_n": "5"}, "top_n"),
        ({"symptom_ids": [1], "top_n": 5.0}, "top_n"),
        ({"symptom_ids": [1], "top_n": 1 << 8000}, "top_n"),
        ({"symptom_ids": [1], "top_n": None}, "top_n"),
        ({"symptom_ids": [1], "notes": None}, "notes"),
        ({"symptom_ids": [1], "notes": 7}, "notes"),
        ({"symptom_ids": [1], "notes": "x" * 2001}, "notes"),
        ({"symptom_ids": [1], "notes": "a\x00b"}, "notes"),
        ({"symptom_ids": [1], "notes": "a\tb"}, "notes"),
        ({"symptom_ids": [1], "notes": "a\x85b"}, "notes"),
        ({"symptom_ids": [1], "notes": "a\ud83d"}, "notes"),
        ({"symptom_ids": [1], "note": "x"}, ""),
        ({"symptom_ids": [1], 5: "x"}, ""),
        ([], ""),
        (None, ""),
        ("{}", ""),
        (7, ""),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else None,
)
def test_what_is_wrong_is_named_by_its_path(payload: Any, path: str) -> None:
    assert list(problems(payload)) == [path]
    below = {"": "input_payload"}.get(path, f"input_payload.{path}")
    assert list(problems(payload, "input_payload")) == [below]


@given(invalid_case_payloads())
def test_one_wrong_thing_in_a_valid_payload_is_the_one_that_is_named(wrong: tuple[dict[str, Any], str]) -> None:
    payload, path = wrong
    assert list(problems(payload)) == [path]


def test_all_problems_are_named_at_once_in_the_order_of_the_rubrics() -> None:
    wrong = {
        "rubrics": [
            {"symptom_id": 0, "weight": 0},
            {"symptom_id": 5},
            {"symptom_id": 5, "eliminate": "no", "weight": NAN},
            {"symptom_id": 5, "extra": 1},
            7,
        ],
        "course": 1,
        "case_type": 1,
        "method": 1,
        "top_n": -1,
        "notes": "\x00",
        "extra": 1,
    }
    with pytest.raises(InvalidInput) as refused:
        CaseInput.parse(wrong)
    paths = [problem.path for problem in refused.value.problems]
    assert sorted(paths) == sorted(
        [
            "",
            "rubrics[0].symptom_id",
            "rubrics[0].weight",
            "rubrics[2].eliminate",
            "rubrics[2].weight",
            "rubrics[2]",
            "rubrics[3]",
            "rubrics[3]",
            "rubrics[4]",
            "course",
            "case_type",
            "method",
            "top_n",
            "notes",
        ]
    )
    assert all(problem.message in str(refused.value) for problem in refused.value.problems)


def test_two_hundred_rubrics_and_two_thousand_characters_are_allowed() -> None:
    entered = CaseInput.parse({"symptom_ids": list(range(1, 201)), "notes": "ß" * 2000})
    assert len(entered.rubrics) == 200


PRIVATE = "Anna Müller"


@pytest.mark.parametrize(
    "payload",
    [
        {"symptom_ids": [1], "notes": PRIVATE * 300},
        {"symptom_ids": [1], "notes": PRIVATE + "\x00"},
        {"symptom_ids": [1], "notes": PRIVATE + "\ud800"},
        {"symptom_ids": [1], "notes": [PRIVATE]},
        {"symptom_ids": [1], "course": PRIVATE},
        {"symptom_ids": [1], "case_type": PRIVATE},
        {"symptom_ids": [1], "method": PRIVATE + "\n"},
        {"symptom_ids": [1], PRIVATE: 1},
        {"symptom_ids": PRIVATE},
        {"symptom_ids": [PRIVATE]},
        {"rubrics": [{"symptom_id": 1, PRIVATE: PRIVATE}]},
        {"rubrics": [{"symptom_id": PRIVATE, "weight": PRIVATE, "eliminate": PRIVATE}]},
        PRIVATE,
    ],
    ids=str,
)
def test_an_error_never_repeats_what_was_entered(payload: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        CaseInput.parse(payload)
    assert "Anna" not in str(refused.value) + repr(refused.value) + repr(refused.value.problems)


def test_an_input_does_not_show_its_rubrics_or_notes() -> None:
    shown = repr(CaseInput.parse({"symptom_ids": [8675309], "notes": PRIVATE}))
    assert "Anna" not in shown
    assert "8675309" not in shown


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
field_names = st.sampled_from(["symptom_ids", "rubrics", "course", "case_type", "method", "top_n", "notes", "x"])
rubric_fields = st.dictionaries(st.sampled_from(["symptom_id", "weight", "eliminate", "x"]), json_values, max_size=4)


@given(json_values | st.dictionaries(field_names, json_values | st.lists(rubric_fields | json_values, max_size=3)))
def test_anything_else_is_refused_as_invalid_and_in_no_other_way(payload: Any) -> None:
    try:
        entered = CaseInput.parse(payload)
    except InvalidInput as refused:
        assert refused.problems
    else:
        canonical_json(entered.to_canonical())


def test_words_of_the_domain_are_written_as_their_text() -> None:
    """A caller in Python may pass the enums; what is kept and signed is their text."""
    entered = CaseInput.parse({"symptom_ids": [1], "course": Course.ACUTE, "case_type": CaseType.MIXED})
    assert canonical_json(entered.to_canonical()) == '{"case_type":"mixed","course":"acute","symptom_ids":[1]}'
