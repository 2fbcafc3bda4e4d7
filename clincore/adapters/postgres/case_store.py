"""Cases on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

from clincore.adapters.postgres.json_columns import jsonb
from clincore.adapters.postgres.pages import page_of, page_parameters
from clincore.domain.case import Case, CaseStatus, Finalization
from clincore.domain.errors import PatientNotFound
from clincore.domain.page import Page, PageRequest, Position
from clincore.domain.signature import SignedResult

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from clincore.adapters.postgres.statement import Row
    from clincore.adapters.postgres.transaction import PostgresTransaction
    from clincore.domain.canonical_json import JsonObject
    from clincore.domain.replay import Replay
    from clincore.ports.pending import Pending

_GET: Final[LiteralString] = """
    SELECT tenant_id, id, patient_id, input_payload, revision, created_at, updated_at,
           ranking_snapshot, finalized_at, result_text, result_signature, replay_verdict, replay_verified_at
    FROM public.cases WHERE tenant_id = %(tenant_id)s AND id = %(id)s
"""
_LOCK: Final[LiteralString] = _GET + " FOR NO KEY UPDATE"
_ADD: Final[LiteralString] = """
    INSERT INTO public.cases (tenant_id, id, patient_id, status, input_payload, revision, created_at, updated_at)
    VALUES (%(tenant_id)s, %(id)s, %(patient_id)s, %(status)s, %(input_payload)s, %(revision)s, %(created_at)s,
            %(updated_at)s)
"""
_REPLACE: Final[LiteralString] = """
    UPDATE public.cases
    SET status = %(status)s, input_payload = %(input_payload)s, revision = %(revision)s, updated_at = %(updated_at)s,
        ranking_snapshot = %(ranking_snapshot)s, finalized_at = %(finalized_at)s, result_text = %(result_text)s,
        result_signature = %(result_signature)s
    WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND status = 'draft' AND revision = %(revision)s - 1
"""
_RECORD_REPLAY: Final[LiteralString] = """
    UPDATE public.cases SET replay_verdict = %(verdict)s, replay_verified_at = %(verified_at)s
    WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND status = 'finalized'
"""
_LIST: Final[LiteralString] = """
    SELECT tenant_id, id, patient_id, input_payload, revision, created_at, updated_at,
           ranking_snapshot, finalized_at, result_text, result_signature, replay_verdict, replay_verified_at
    FROM public.cases
    WHERE tenant_id = %(tenant_id)s
      AND (%(patient_id)s::uuid IS NULL OR patient_id = %(patient_id)s)
      AND (%(status)s::text IS NULL OR status = %(status)s)
      AND (%(after_at)s::timestamptz IS NULL OR (created_at, id) < (%(after_at)s, %(after_id)s::uuid))
    ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""
_COUNT_SINCE: Final[LiteralString] = """
    SELECT count(*) FROM public.cases WHERE tenant_id = %(tenant_id)s AND created_at >= %(start)s
"""


class PostgresCaseStore:
    """The cases of one unit of work's tenant."""

    def __init__(self, work: PostgresTransaction) -> None:
        self._work = work

    def get(self, case_id: UUID) -> Pending[Case | None]:
        return self._work.ask(_GET, {"id": case_id}, _maybe_case, reads_record=True)

    def lock(self, case_id: UUID) -> Pending[Case | None]:
        return self._work.ask(_LOCK, {"id": case_id}, _maybe_case)

    def add(self, case: Case) -> None:
        self._work.require_own(case.tenant_id)
        self._work.write(
            _ADD,
            {**_parameters(case), "patient_id": case.patient_id, "created_at": case.created_at},
            {"cases_patient_fkey": PatientNotFound(case.patient_id)},
        )

    def replace(self, case: Case) -> Pending[bool]:
        self._work.require_own(case.tenant_id)
        finalization = case.finalization
        return self._work.write(
            _REPLACE,
            {
                **_parameters(case),
                "ranking_snapshot": jsonb(finalization.ranking_snapshot) if finalization else None,
                "finalized_at": finalization.at if finalization else None,
                "result_text": finalization.signed.text if finalization else None,
                "result_signature": finalization.signed.signature if finalization else None,
            },
        )

    def record_replay(self, replay: Replay) -> None:
        self._work.write(
            _RECORD_REPLAY,
            {"id": replay.case_id, "verdict": replay.verdict.value, "verified_at": replay.verified_at},
        )

    def list(self, *, patient_id: UUID | None, status: CaseStatus | None, page: PageRequest) -> Pending[Page[Case]]:
        return self._work.ask(
            _LIST,
            {"patient_id": patient_id, "status": status.value if status else None, **page_parameters(page)},
            lambda rows: page_of(rows, page, _case, lambda row: Position(row.created_at, row.id)),
        )

    def count_since(self, start: datetime) -> Pending[int]:
        return self._work.ask(_COUNT_SINCE, {"start": start}, lambda rows: int(rows[0][0]))


def _parameters(case: Case) -> dict[str, object]:
    return {
        "id": case.id,
        "status": case.status.value,
        "input_payload": jsonb(case.input_payload),
        "revision": case.revision,
        "updated_at": case.updated_at,
    }


def _maybe_case(rows: Sequence[Row]) -> Case | None:
    return _case(rows[0]) if rows else None


def _case(row: Row) -> Case:
    (tenant_id, case_id, patient_id, payload, revision, created_at, updated_at, *finalized, verdict, verified_at) = row
    return Case(
        tenant_id=tenant_id,
        id=case_id,
        patient_id=patient_id,
        input_payload=payload,
        revision=revision,
        created_at=created_at,
        updated_at=updated_at,
        finalization=_finalization(*finalized),
        verdict=verdict,
        verified_at=verified_at,
    )


def _finalization(
    snapshot: Sequence[JsonObject] | None, at: datetime | None, text: str | None, signature: str | None
) -> Finalization | None:
    if snapshot is None or at is None or text is None or signature is None:
        return None
    return Finalization(signed=SignedResult(text, signature), ranking_snapshot=snapshot, at=at)
