"""What is said of a wrong body or query: where it is, and in plain words what would be right."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.errors import InvalidInput
from clincore.entrypoints.http.bodies import CaseBody, InputBody, KeyBody, PatientBody, RotationBody
from clincore.entrypoints.http.problems import HttpRefusal
from clincore.entrypoints.http.queries import AccessQuery, PageQuery, RankingQuery
from clincore.entrypoints.http.reading import parse
from clincore.entrypoints.http.routes import OPERATIONS
from clincore.entrypoints.http.wording import validation_problem

if TYPE_CHECKING:
    from msgspec import Struct

MOMENT = "must be a time with its time zone, such as 2026-03-14T09:26:53Z"
BODIES = {one.name: one for one in OPERATIONS if one.body is not None}
PLAIN = re.compile(r"(?:must be (?:a|null|true|one of) ?.*|is missing|has a field that does not exist; there are \w.*)")
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def said_of(kind: type[Struct], content: str | bytes) -> tuple[str, str]:
    with pytest.raises(InvalidInput) as refused:
        parse(content.encode() if isinstance(content, str) else content, kind)
    (problem,) = refused.value.problems
    return problem.path, problem.message


@pytest.mark.parametrize(
    ("kind", "content", "path", "message"),
    [
        (PatientBody, "[]", "", "must be a JSON object"),
        (PatientBody, "{}", "full_name", "is missing"),
        (PatientBody, '{"full_name": 7}', "full_name", "must be a text"),
        (PatientBody, '{"full_name": "A", "birth_year": "1980"}', "birth_year", "must be a whole number or null"),
        (PatientBody, '{"full_name": "A", "birth_year": 19.5}', "birth_year", "must be a whole number or null"),
        (
            PatientBody,
            '{"full_name": "A", "mail": 1}',
            "",
            "has a field that does not exist; there are full_name, birth_year, phone",
        ),
        (CaseBody, '{"patient_id": 1}', "patient_id", "must be a UUID"),
        (CaseBody, '{"patient_id": "x"}', "patient_id", "must be a UUID"),
        (InputBody, '{"symptom_ids": 5}', "symptom_ids", "must be a list"),
        (InputBody, '{"symptom_ids": ["8"]}', "symptom_ids[0]", "must be a whole number"),
        (InputBody, '{"symptom_ids": [8, 0]}', "symptom_ids[1]", "must be a whole number of at least 1"),
        (InputBody, '{"rubrics": [{"weight": 1}]}', "rubrics[0].symptom_id", "is missing"),
        (
            InputBody,
            '{"rubrics": [{"symptom_id": 8, "eliminate": 1}]}',
            "rubrics[0].eliminate",
            "must be true or false",
        ),
        (
            InputBody,
            '{"rubrics": [{"symptom_id": 8, "colour": 1}]}',
            "rubrics[0]",
            "has a field that does not exist; there are symptom_id, weight, eliminate",
        ),
        (InputBody, '{"symptom_ids": [8], "symptom_ids": [9]}', "", "has the field `symptom_ids` 2 times"),
        (KeyBody, '{"label": "x", "role": "owner"}', "role", "must be one of admin, user"),
        (KeyBody, '{"label": "x", "expires_at": "soon"}', "expires_at", MOMENT),
        (KeyBody, '{"label": "x", "expires_at": "2999-01-01T00:00:00"}', "expires_at", MOMENT),
        (KeyBody, '{"label": "x", "expires_at": 5}', "expires_at", f"{MOMENT} or null"),
        (RotationBody, '{"grace_seconds": 2592001}', "grace_seconds", "must be a whole number of at most 2592000"),
    ],
)
def test_a_wrong_body_is_told_by_its_path_and_what_was_expected(
    kind: type[Struct], content: str, path: str, message: str
) -> None:
    assert said_of(kind, content) == (path, message)


@pytest.mark.parametrize("end", [b"", b"]" * 100_000 + b"}]}"])
def test_a_body_nested_too_deep_is_refused(end: bytes) -> None:
    content = b'{"rubrics": [{"symptom_id": 8, "weight": ' + b"[" * 100_000 + end
    with pytest.raises(HttpRefusal, match="nested too deep"):
        parse(content, InputBody)


@pytest.mark.parametrize(
    ("kind", "given_value", "path", "message"),
    [
        (PageQuery, {"limit": "many"}, "limit", "must be a whole number"),
        (PageQuery, {"limit": 201}, "limit", "must be a whole number of at most 200"),
        (RankingQuery, {"grid": "yes"}, "grid", "must be true or false"),
        (AccessQuery, {"record_type": "tenant"}, "record_type", "must be one of patient, case"),
        (AccessQuery, {"since": "today"}, "since", MOMENT),
        (AccessQuery, {"key_id": "x"}, "key_id", "must be a UUID"),
    ],
)
def test_a_wrong_parameter_is_told_alike(
    kind: type[Struct], given_value: dict[str, Any], path: str, message: str
) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(given_value, kind)
    problem = validation_problem(str(refused.value), kind)
    assert (problem.path, problem.message) == (path, message)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON document, the document itself first."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for step, inner in below for place in places(inner, (*path, step)))]


@given(st.data())
def test_whatever_is_wrong_is_told_in_plain_words(data: st.DataObject) -> None:
    """One place of a valid body is something else: it is taken, or refused in words that hold no value of it."""
    one = BODIES[data.draw(st.sampled_from(sorted(BODIES)))]
    document = {"": deepcopy(one.sends["body"])}
    place = ("", *data.draw(st.sampled_from(places(document[""]))))
    spot: Any = document
    for step in place[:-1]:
        spot = spot[step]
    spot[place[-1]] = data.draw(JSON_VALUES)
    assert one.body is not None
    try:
        parse(json.dumps(document[""]).encode(), one.body)
    except InvalidInput as refused:
        (problem,) = refused.problems
        assert PLAIN.fullmatch(problem.message), problem
        assert "`" not in problem.message
