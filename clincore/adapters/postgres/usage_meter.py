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
_REPORT: Final[LiteralString] = """
    SELECT endpoint, count(*), count(*) FILTER (WHERE occurred_at >= %(since)s)
    FROM public.usage_events WHERE tenant_id = %(tenant_id)s GROUP BY endpoint ORDER BY endpoint
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
        return self._work.ask(_REPORT, {"since": last_24h_start(self._work.call.at)}, _report)


def _report(rows: Sequence[Row]) -> UsageReport:
    return UsageReport(
        total_calls=sum(total for _, total, _ in rows),
        calls_by_endpoint={endpoint: total for endpoint, total, _ in rows},
        last_24h_count=sum(recent for _, _, recent in rows),
    )
