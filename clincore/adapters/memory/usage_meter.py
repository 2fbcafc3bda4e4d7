"""Usage in memory."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from uuid import UUID

from clincore.domain.usage import UsageReport, day_of, first_reported_day, last_24h_start, minute_of

if TYPE_CHECKING:
    from clincore.adapters.memory.transaction import MemoryTransaction
    from clincore.domain.call import Record
    from clincore.ports.pending import Pending


class MemoryUsageMeter:
    """The usage events of one unit of work's tenant."""

    def __init__(self, work: MemoryTransaction) -> None:
        self._work = work
        self._held = work.tables

    def count(self, about: Record | None = None) -> None:
        def step() -> None:
            if about is None or self._work.exists(about):
                call = self._work.call
                self._work.tally(self._held.usage_totals, (self._work.principal.key_id, call.endpoint))
                self._work.tally(self._held.usage_days, day_of(call.at))
                self._work.tally(self._held.usage_minutes, minute_of(call.at))

        self._work.ask(step)

    def report(self) -> Pending[UsageReport]:
        def step() -> UsageReport:
            first_day, since = first_reported_day(self._work.call.at), last_24h_start(self._work.call.at)
            by_endpoint, by_key = Counter[str](), Counter[UUID]()
            for (key_id, endpoint), calls in self._held.usage_totals.items():
                by_endpoint[endpoint.value] += calls
                by_key[key_id] += calls
            return UsageReport(
                total_calls=by_endpoint.total(),
                calls_by_endpoint=dict(+by_endpoint),
                calls_by_key=dict(+by_key),
                calls_by_day={day: calls for day, calls in (+self._held.usage_days).items() if day >= first_day},
                last_24h_count=sum(calls for minute, calls in self._held.usage_minutes.items() if minute >= since),
            )

        return self._work.ask(step)
