"""Idempotency keys in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clincore.domain.idempotency import KEPT_FOR

if TYPE_CHECKING:
    from clincore.adapters.memory.transaction import MemoryTransaction
    from clincore.domain.idempotency import FirstAnswer
    from clincore.ports.pending import Pending


class MemoryIdempotencyStore:
    """The keys sent to one unit of work's endpoint by its tenant."""

    def __init__(self, work: MemoryTransaction) -> None:
        self._work = work
        self._rows = work.tables.idempotency_keys

    def hold(self, _key: str) -> Pending[bool]:
        return self._work.ask(lambda: True)  # one unit of work runs at a time

    def find(self, key: str) -> Pending[FirstAnswer | None]:
        def step() -> FirstAnswer | None:
            call = self._work.call
            found = self._rows.get((call.endpoint, key))
            return found if found is not None and found.at > call.at - KEPT_FOR else None

        return self._work.ask(step)

    def keep(self, key: str, answer: FirstAnswer) -> None:
        def step() -> None:
            call = self._work.call
            for place in [place for place, kept in self._rows.items() if kept.at <= call.at - KEPT_FOR]:
                self._work.remove(self._rows, place)
            self._work.put(self._rows, (call.endpoint, key), answer)

        self._work.ask(step)
