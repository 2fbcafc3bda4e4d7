"""Verifying that finalized cases are still what was signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clincore.domain.backup import FailedSignature, Signatures
from clincore.domain.case import CaseStatus
from clincore.domain.limits import MAX_PAGE_SIZE
from clincore.domain.page import PageRequest
from clincore.domain.replay import Verdict
from clincore.domain.stored_result import stored_result

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from uuid import UUID

    from clincore.domain.case import Case
    from clincore.ports.database import Database


async def verify_signatures(database: Database, tenant_ids: Iterable[UUID]) -> Signatures:
    """Verify every finalized case of the tenants, bound to one after the other, a page at a time.

    Each text is compared with its signature and each row with its text; nothing is ranked again, and nothing written.
    Raises DatabaseUnavailable.
    """
    verified = 0
    failed: list[FailedSignature] = []
    for tenant_id in tenant_ids:
        async for case in _finalized_cases(database, tenant_id):
            found = stored_result(case)
            if isinstance(found, Verdict):
                failed.append(FailedSignature(tenant_id=tenant_id, case_id=case.id, verdict=found))
            else:
                verified += 1
    return Signatures(verified=verified, failed=tuple(failed))


async def _finalized_cases(database: Database, tenant_id: UUID) -> AsyncIterator[Case]:
    cursor: str | None = None
    while True:
        async with database.provisioning(tenant_id) as work:
            found = work.cases.list(
                patient_id=None, status=CaseStatus.FINALIZED, page=PageRequest.parse(MAX_PAGE_SIZE, cursor)
            )
            await work.flush()
        page = found.result()
        for case in page.items:
            yield case
        cursor = page.next
        if cursor is None:
            return
