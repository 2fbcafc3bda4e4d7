"""How thoroughly Hypothesis looks: ``dev`` for seconds, ``ci`` for a whole suite that can fail a change, ``soak``.

from clincore.testing.profiles import load_profile

load_profile(os.environ)    # in conftest.py: CLINCORE_PROFILE names it; without it CI makes it ci, else it is dev
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import Phase, settings

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE: Final = "CLINCORE_PROFILE"
# Where CI is set, Hypothesis's own default is to try the same examples every time.
_PROFILES: Final = {
    "dev": settings(deadline=None, max_examples=25, derandomize=False),
    "ci": settings(deadline=None, max_examples=100, derandomize=True),
    "soak": settings(
        deadline=None,
        max_examples=1000,
        derandomize=False,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    ),
}
_OF_THE_MODEL: Final = {"dev": (6, 30), "ci": (20, 40), "soak": (250, 50)}
"""Examples of the model, and steps of each."""


def load_profile(environment: Mapping[str, str]) -> str:
    """Register the profiles, load the one that the environment names, and return its name.

    Raises ValueError where it names none.
    """
    name = environment.get(VARIABLE) or ("ci" if environment.get("CI") else "dev")
    if name not in _PROFILES:
        raise ValueError(f"{VARIABLE} is {name!r}; it may be {', '.join(_PROFILES)}")
    for known, profile in _PROFILES.items():
        settings.register_profile(known, profile)
    settings.load_profile(name)
    return name


def model_settings() -> settings:
    """Return the settings of the model in the profile that is loaded; of another profile those of ``dev``."""
    examples, steps = _OF_THE_MODEL.get(settings.get_current_profile_name(), _OF_THE_MODEL["dev"])
    return settings(max_examples=examples, stateful_step_count=steps, deadline=None)
