"""Usage on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

from clincore.domain.usage import UsageReport, last_24h_start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clincore.adapters.postgres.statement import Row
    from clincore.adapters.postgres.transaction import PostgresTransaction
    from clincore.domain.call import Record
    from clincore.ports.pending import Pending

_REPORT: Final[LiteralString] = """
    SELECT endpoint, count(*), count(*) FILTER (WHERE occurred_at >= %(since)s)
    FROM public.usage_events WHERE tenant_id = %(tenant_id)s GROUP BY endpoint ORDER BY endpoint
"""


class PostgresUsageMeter:
    """The usage events of one unit of work's tenant."""

    def __init__(self, work: PostgresTransaction) -> None:
        self._work = work

    def count(self, about: Record | None = None) -> None:
        counted = {"endpoint": self._work.call.endpoint.value, "counted_id": about.id if about else None}
        self._work.note_usage(counted, about)

    def report(self) -> Pending[UsageReport]:
        return self._work.ask(_REPORT, {"since": last_24h_start(self._work.call.at)}, _report)


def _report(rows: Sequence[Row]) -> UsageReport:
    return UsageReport(
        total_calls=sum(total for _, total, _ in rows),
        calls_by_endpoint={endpoint: total for endpoint, total, _ in rows},
        last_24h_count=sum(recent for _, _, recent in rows),
    )
