"""Usage on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

from clincore.domain.usage import UsageReport, first_reported_day, last_24h_start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clincore.adapters.postgres.statement import Row
    from clincore.adapters.postgres.transaction import PostgresTransaction
    from clincore.domain.call import Record
    from clincore.ports.pending import Pending

# The trigger of usage_events keeps the counts; one statement, so that all numbers are of one moment.
_REPORT: Final[LiteralString] = """
    SELECT endpoint, NULL::uuid, NULL::date, sum(calls)::bigint
    FROM clincore.usage_totals WHERE tenant_id = %(tenant_id)s GROUP BY endpoint
    UNION ALL
    SELECT NULL, key_id, NULL, sum(calls)::bigint
    FROM clincore.usage_totals WHERE tenant_id = %(tenant_id)s GROUP BY key_id
    UNION ALL
    SELECT NULL, NULL, day, sum(calls)::bigint
    FROM clincore.usage_days WHERE tenant_id = %(tenant_id)s AND day >= %(first_day)s GROUP BY day
    UNION ALL
    SELECT NULL, NULL, NULL, coalesce(sum(calls), 0)::bigint
    FROM clincore.usage_minutes WHERE tenant_id = %(tenant_id)s AND minute >= %(since)s
"""


class PostgresUsageMeter:
    """The usage events of one unit of work's tenant."""

    def __init__(self, work: PostgresTransaction) -> None:
        self._work = work

    def count(self, about: Record | None = None) -> None:
        counted = {"endpoint": self._work.call.endpoint.value, "counted_id": about.id if about else None}
        self._work.note_usage(counted, about)

    def report(self) -> Pending[UsageReport]:
        at = self._work.call.at
        return self._work.ask(_REPORT, {"first_day": first_reported_day(at), "since": last_24h_start(at)}, _report)


def _report(rows: Sequence[Row]) -> UsageReport:
    by_endpoint = {endpoint: calls for endpoint, _, _, calls in rows if endpoint is not None}
    return UsageReport(
        total_calls=sum(by_endpoint.values()),
        calls_by_endpoint=by_endpoint,
        calls_by_key={key_id: calls for _, key_id, _, calls in rows if key_id is not None},
        calls_by_day={day: calls for _, _, day, calls in rows if day is not None},
        last_24h_count=sum(calls for *of, calls in rows if of == [None, None, None]),
    )
