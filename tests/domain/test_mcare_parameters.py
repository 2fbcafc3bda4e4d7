"""MCARE's parameters: their defaults, and a JSON file that overrides some of them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_mcare import DEFAULTS

from clincore.domain.canonical_json import canonical_json
from clincore.domain.errors import InvalidInput
from clincore.domain.ranking.case import Bucket, CaseType
from clincore.domain.ranking.mcare import Mcare
from clincore.domain.ranking.parameters import McareParameters
from clincore.testing.strategies import mcare_overrides, mcare_parameters


def as_decimals(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): as_decimals(item) for key, item in value.items()}
    return Decimal(value)


def paths(given: Any) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        McareParameters.from_json(given)
    return [problem.path for problem in refused.value.problems]


def test_the_defaults_are_those_of_mcare_6_1() -> None:
    assert as_decimals(McareParameters().to_json()) == as_decimals(DEFAULTS)


@given(mcare_parameters())
def test_parameters_survive_json(parameters: McareParameters) -> None:
    text = canonical_json(parameters.to_json())
    assert McareParameters.from_json(json.loads(text)) == parameters
    assert Mcare(parameters).parameters == parameters.to_json()
    assert Mcare().with_parameters(parameters.to_json()) == Mcare(parameters)


@given(mcare_overrides())
def test_what_is_given_is_put_over_the_defaults(overrides: dict[str, Any]) -> None:
    expected = as_decimals(DEFAULTS)
    for name, value in as_decimals(overrides).items():
        if name == "bucket_weights":
            for case_type, weights in value.items():
                expected[name][case_type] |= weights
        elif isinstance(value, dict):
            expected[name] |= value
        else:
            expected[name] = value
    assert as_decimals(McareParameters.from_json(overrides).to_json()) == expected


def test_overrides_are_merged_to_the_single_number() -> None:
    made = McareParameters.from_json({"grade_values": {"5": 3}, "bucket_weights": {"mixed": {"LOCAL": "0.2"}}})
    assert made.grade_values[5] == 3
    assert made.grade_values[4] == 2
    assert made.bucket_weights[CaseType.MIXED][Bucket.LOCAL] == Decimal("0.2")
    assert made.bucket_weights[CaseType.MIXED][Bucket.MIND_CORE] == Decimal("0.40")
    assert made.bucket_weights[CaseType.CONSTITUTION] == McareParameters().bucket_weights[CaseType.CONSTITUTION]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (1, "1"),
        ("1", "1"),
        ("0.250", "0.25"),
        (Decimal("1E+1"), "10"),
        ("0", "0"),
        (0, "0"),
        ("999.999999", "999.999999"),
    ],
)
def test_numbers_are_json_numbers_or_decimal_texts(given: Any, written: str) -> None:
    assert McareParameters.from_json({"beta": given}).to_json()["beta"] == written


@pytest.mark.parametrize(("given", "written"), [(0.1, "0.1"), (1.005, "1.005"), (2.0, "2")])
def test_a_float_is_read_by_its_shortest_text(given: float, written: str) -> None:
    """A JSON number is a float to whoever reads the file with json.load, as a case's weights may be."""
    assert McareParameters.from_json({"beta": given}).to_json()["beta"] == written  # type: ignore[dict-item]


@pytest.mark.parametrize("zero", ["-0", "0E-400000", "-0.0", Decimal("-0"), Decimal("0E+400000")])
def test_a_zero_is_a_plain_zero(zero: Any) -> None:
    """Neither a sign that would reach a grid's cells, nor an exponent that would be written out."""
    assert str(McareParameters.from_json({"alpha": zero}).alpha) == "0"


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"gamma": 1}, "gamma"),
        ({"grade_values": {"6": 1}}, "grade_values.6"),
        ({"grade_values": {"0": 1}}, "grade_values.0"),
        ({"bucket_weights": {"acute": {}}}, "bucket_weights.acute"),
        ({"bucket_weights": {"mixed": {"MIND": 1}}}, "bucket_weights.mixed.MIND"),
        ({"alpha": "NaN"}, "alpha"),
        ({"alpha": Decimal("sNaN")}, "alpha"),
        ({"alpha": "Infinity"}, "alpha"),
        ({"alpha": float("nan")}, "alpha"),
        ({"alpha": float("inf")}, "alpha"),
        ({"alpha": "-0.1"}, "alpha"),
        ({"alpha": -1}, "alpha"),
        ({"alpha": "0.0000001"}, "alpha"),
        ({"alpha": "1E-400000"}, "alpha"),
        ({"alpha": "1E+400000"}, "alpha"),
        ({"alpha": "1E+99999999999999999999"}, "alpha"),
        ({"alpha": "0." + "1" * 40}, "alpha"),
        ({"alpha": "a"}, "alpha"),
        ({"alpha": ""}, "alpha"),
        ({"alpha": True}, "alpha"),
        ({"alpha": None}, "alpha"),
        ({"alpha": []}, "alpha"),
        ({"alpha": {}}, "alpha"),
        ({"beta": 1000}, "beta"),
        ({"beta": 1 << 8000}, "beta"),
        ({"tau": 1}, "tau"),
        ({"tau": "1.5"}, "tau"),
        ({"grade_values": {"1": None}}, "grade_values.1"),
        ({"grade_values": []}, "grade_values"),
        ({"grade_values": None}, "grade_values"),
        ({"grade_values": "1"}, "grade_values"),
        ({"bucket_weights": {"mixed": []}}, "bucket_weights.mixed"),
        ({"bucket_weights": {"mixed": {"LOCAL": [1]}}}, "bucket_weights.mixed.LOCAL"),
        ([], ""),
        (None, ""),
        ("{}", ""),
    ],
)
def test_what_is_wrong_is_named_by_its_path(given: Any, path: str) -> None:
    assert paths(given) == [path]


def test_every_problem_is_named_at_once() -> None:
    wrong = {"tau": 1, "gamma": 0, "grade_values": {"1": -1, "9": 1}, "bucket_weights": {"mixed": {"LOCAL": "x"}}}
    assert set(paths(wrong)) == {"tau", "gamma", "grade_values.1", "grade_values.9", "bucket_weights.mixed.LOCAL"}


@given(st.dictionaries(st.text(max_size=5) | st.sampled_from(list(DEFAULTS)), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.decimals(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
), max_size=4))  # fmt: skip
def test_anything_else_is_refused_as_invalid_and_in_no_other_way(given: Any) -> None:
    try:
        McareParameters.from_json(given)
    except InvalidInput as refused:
        assert refused.problems
