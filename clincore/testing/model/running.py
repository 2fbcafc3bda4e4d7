"""Running the model on a target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis.stateful import run_state_machine_as_test

from clincore.testing.model.machine import ModelMachine
from clincore.testing.model.stepping import Ground
from clincore.testing.profiles import model_settings

if TYPE_CHECKING:
    from hypothesis import settings

    from clincore.testing.model.target import Target


def run_model(target: Target, chosen: settings | None = None) -> Ground:
    """Let three tenants do anything on the target, and require after each step that it did what the model does.

    How many examples and steps is what the profile says (see ``clincore.testing.profiles``), or ``chosen``. Returns
    how much was done; raises AssertionError, with the shortest sequence of steps that was found, where the target and
    the model do not agree.
    """
    ground = Ground(target)
    run_state_machine_as_test(lambda: ModelMachine(ground), settings=chosen or model_settings())  # type: ignore[arg-type]
    return ground
