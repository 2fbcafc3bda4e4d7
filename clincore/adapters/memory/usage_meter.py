"""Usage in memory."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from clincore.domain.usage import UsageEvent, UsageReport, last_24h_start

if TYPE_CHECKING:
    from clincore.adapters.memory.transaction import MemoryTransaction
    from clincore.domain.call import Record
    from clincore.ports.pending import Pending


class MemoryUsageMeter:
    """The usage events of one unit of work's tenant."""

    def __init__(self, work: MemoryTransaction) -> None:
        self._work = work
        self._rows = work.tables.usage

    def count(self, about: Record | None = None) -> None:
        def step() -> None:
            if about is None or self._work.exists(about):
                call = self._work.call
                event = UsageEvent(key_id=self._work.principal.key_id, endpoint=call.endpoint, at=call.at)
                self._work.append(self._rows, event)

        self._work.ask(step)

    def report(self) -> Pending[UsageReport]:
        def step() -> UsageReport:
            start = last_24h_start(self._work.call.at)
            return UsageReport(
                total_calls=len(self._rows),
                calls_by_endpoint=dict(Counter(event.endpoint.value for event in self._rows)),
                last_24h_count=sum(event.at >= start for event in self._rows),
            )

        return self._work.ask(step)
