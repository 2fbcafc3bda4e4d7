"""Which of Hypothesis's profiles is loaded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from clincore.testing.profiles import load_profile, model_settings

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    load_profile(os.environ)


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "dev"),
        ({"CI": "true"}, "ci"),
        ({"CI": "true", "CLINCORE_PROFILE": "soak"}, "soak"),
        ({"CLINCORE_PROFILE": "ci"}, "ci"),
        ({"CLINCORE_PROFILE": ""}, "dev"),
    ],
)
def test_the_environment_names_the_profile(environment: dict[str, str], name: str) -> None:
    assert load_profile(environment) == name
    assert settings.get_current_profile_name() == name
    assert settings().deadline is None
    assert settings().derandomize == (name == "ci")


def test_another_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="CLINCORE_PROFILE is 'fast'; it may be dev, ci, soak"):
        load_profile({"CLINCORE_PROFILE": "fast"})


def test_a_soak_takes_ten_thousand_steps_and_more() -> None:
    load_profile({"CLINCORE_PROFILE": "soak"})
    chosen = model_settings()
    assert chosen.max_examples * chosen.stateful_step_count > 12_000  # an example may end before its last step
    assert chosen.database is None
