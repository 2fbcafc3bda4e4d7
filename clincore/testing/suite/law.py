"""One law: a function over a ground (an opened adapter), checked once or for many examples."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import Parameter, Signature, cleandoc, isawaitable, signature
from types import ModuleType
from typing import Any, Final, Protocol, TypeAlias

from attrs import field, frozen
from hypothesis import HealthCheck, settings

from clincore.testing.suite.expecting import LAW_TASK

TIME_LIMIT: Final = 120.0
"""Seconds after which one example counts as hung."""
_PROFILE: Final = 100
"""The examples of Hypothesis' default profile: a profile with half as many halves those of every law."""

Body: TypeAlias = Callable[..., Awaitable[None] | None]
Given: TypeAlias = Callable[[Callable[..., None]], Callable[..., None]]
"""What ``hypothesis.given(…)`` returns."""


class Ground(Protocol):
    """What a law is checked on."""

    def run(self, scene: Awaitable[None]) -> None:
        """Run a law that is a coroutine to its end."""
        ...


@frozen(eq=False)
class Law:
    """What every adapter of a port holds to; ``capability`` names what only some adapters promise."""

    name: str
    port: str
    says: str
    body: Body = field(repr=False)
    given: Given | None = field(repr=False)
    examples: int
    capability: str | None

    def check(self, ground: Ground, **choices: Any) -> None:
        """Raise what shows that the law does not hold; ``choices`` are put over the profile's Hypothesis settings."""

        def example(**drawn: object) -> None:
            returned = self.body(ground, **drawn)
            if isawaitable(returned):
                ground.run(returned)

        if self.given is None:
            example()
            return
        example.__name__ = example.__qualname__ = self.name
        example.__module__ = self.body.__module__
        _, *parameters = signature(self.body).parameters.values()
        drawn = [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in parameters]
        example.__signature__ = Signature(drawn)  # type: ignore[attr-defined]  # so that Hypothesis shows the example
        chosen = {
            "max_examples": max(1, self.examples * settings().max_examples // _PROFILE),
            "deadline": None,
            "suppress_health_check": [HealthCheck.too_slow],
        }
        settings(settings(), **(chosen | choices))(self.given(example))()


def law(given: Given | None = None, *, examples: int = 25, capability: str | None = None) -> Callable[[Body], Law]:
    """Make a law of a function of a ground; with ``given(…)`` it is checked for ``examples`` drawn examples."""

    def made(body: Body) -> Law:
        name = body.__name__
        says = cleandoc(body.__doc__ or "").replace("\n", " ")
        return Law(
            name=name,
            port=body.__module__.rpartition(".")[2],
            says=" ".join([f"{name[0].upper()}{name[1:]}.".replace("_", " "), says]).strip(),
            body=body,
            given=given,
            examples=examples,
            capability=capability,
        )

    return made


def laws_in(*modules: ModuleType) -> dict[str, Law]:
    """Return the laws of modules by name; raises ValueError where two have one name."""
    found: dict[str, Law] = {}
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, Law) and found.setdefault(value.name, value) is not value:
                raise ValueError(f"there are two laws {value.name}")
    return found


async def finished(scene: Awaitable[None]) -> None:
    """Await a law's scene within the time limit, and leave none of the tasks that it started behind."""
    try:
        async with asyncio.timeout(TIME_LIMIT):
            await scene
    finally:
        left = [task for task in asyncio.all_tasks() if task.get_name() == LAW_TASK]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
