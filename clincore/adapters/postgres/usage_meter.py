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

# Conditional on the key and on the record, so that it can travel together with both their checks. A key that was
# admitted before stays so for its unit of work: what it goes on to do must not be missing here.
_COUNT: Final[LiteralString] = """
    INSERT INTO public.usage_events (tenant_id, key_id, endpoint, occurred_at)
    SELECT tenant_id, id, %(endpoint)s, %(at)s
    FROM public.api_keys
    WHERE tenant_id = %(tenant_id)s AND key_hash = %(key_hash)s
      AND (%(admitted)s OR (
          revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %(at)s) AND (NOT %(admin_only)s OR role = 'admin')
      ))
      AND CASE %(record_type)s::text
          WHEN 'case' THEN EXISTS (
              SELECT FROM public.cases WHERE tenant_id = %(tenant_id)s AND id = %(record_id)s::uuid)
          WHEN 'patient' THEN EXISTS (
              SELECT FROM public.patients WHERE tenant_id = %(tenant_id)s AND id = %(record_id)s::uuid)
          ELSE true
      END
"""
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
        self._work.note(
            _COUNT,
            {
                "endpoint": self._work.call.endpoint.value,
                "record_type": about.type.value if about else None,
                "record_id": about.id if about else None,
            },
        )

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
