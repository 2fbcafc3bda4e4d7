"""The services in this process as a target, on any database behind the ports."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID, uuid4

from attrs import define, evolve, field, frozen

from clincore.domain import errors
from clincore.testing.model.as_json import new_key_json
from clincore.testing.model.engine import Engine
from clincore.testing.model.operator import ServicesOperator
from clincore.testing.model.problems import refusal_of
from clincore.testing.model.services_calls import CALLS
from clincore.wiring import open_clincore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from clincore.ports.database import Database
    from clincore.services.core import ClinCore
    from clincore.testing.model.calls import Answer, Call
    from clincore.testing.model.target import Operator, Tamper

OpenDatabase: TypeAlias = "Callable[[], AbstractAsyncContextManager[Database]]"

BEGINNING: Final = datetime(2026, 1, 30, 23, 59, 59, 999999, tzinfo=UTC)
"""Shortly before a day ends, and a day later a month."""
FREE_TIER_LIMIT: Final = 2
BOOTSTRAP_TOKEN: Final = "the operator's token of the model"  # noqa: S105


@define
class SettableClock:
    """Tells the time that it was set to."""

    at: datetime = BEGINNING

    def now(self) -> datetime:
        return self.at


@define
class CountedEntropy:
    """Ids that stand in the order asked for: records of one moment are listed by id, and run again they come alike."""

    _seed: str = field(factory=lambda: uuid4().hex)
    _asked: int = 0

    def begin(self) -> None:
        self._seed, self._asked = uuid4().hex, 0

    def uuid(self) -> UUID:
        unique = self.secret(12)
        return UUID(bytes=self._asked.to_bytes(4, "big") + unique)

    def secret(self, size: int) -> bytes:
        self._asked += 1
        return sha256(f"{self._seed} {self._asked}".encode()).digest()[:size]


@frozen
class ServicesTarget:
    """ClinCore opened on one database, by a clock and an entropy of the model's."""

    _core: ClinCore
    _runner: asyncio.Runner
    _clock: SettableClock
    _entropy: CountedEntropy
    operator: Operator
    engine: Engine
    tamper: Tamper | None = None
    free_tier_limit: int = FREE_TIER_LIMIT
    bootstrap_token: str = BOOTSTRAP_TOKEN
    moves_time: bool = True

    def begin(self) -> None:
        self._clock.at = BEGINNING
        self._entropy.begin()

    def now(self) -> datetime:
        return self._clock.at

    def let_pass(self, duration: timedelta) -> None:
        self._clock.at += duration

    def bootstrap(self, name: str, token: str | None) -> Answer:
        try:
            return new_key_json(self._runner.run(self._core.tenants.bootstrap(name, token)))
        except errors.ClinCoreError as error:
            return refusal_of(error)

    def answer(self, call: Call) -> Answer:
        async def served() -> Answer:
            return await CALLS[call.endpoint](self._core.clinic(call.key, request_id=call.request_id), call)

        try:
            return self._runner.run(served())
        except errors.ClinCoreError as error:
            return refusal_of(error)


@contextmanager
def services_target(
    open_database: OpenDatabase,
    *,
    open_as_operator: OpenDatabase | None = None,
    tamper: Tamper | None = None,
    cache_directory: Path | None = None,
) -> Iterator[ServicesTarget]:
    """Open the services on a database, and its operator on the same one (opened as its owner where that differs).

    Both are opened once, on an event loop of the target's own, and closed in the end. The repertory is the starter
    repertory, whose cache is kept in ``cache_directory``.
    """
    clock, entropy = SettableClock(), CountedEntropy()
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            database = runner.run(stack.enter_async_context(open_database()))
            opening = open_clincore(
                database,
                clock=clock,
                entropy=entropy,
                free_tier_limit=FREE_TIER_LIMIT,
                bootstrap_token=BOOTSTRAP_TOKEN,
                cache_directory=cache_directory,
            )
            core = runner.run(stack.enter_async_context(opening))
            owner = core
            if open_as_operator is not None:
                owned = runner.run(stack.enter_async_context(open_as_operator()))
                owner = evolve(core, resources=evolve(core.resources, database=owned))
            yield ServicesTarget(
                core, runner, clock, entropy, ServicesOperator(owner, runner), engine_of(core, runner), tamper
            )
        finally:
            runner.run(stack.aclose())


def engine_of(core: ClinCore, runner: asyncio.Runner) -> Engine:
    return Engine(core.resources.repertory, core.resources.methods, runner)
