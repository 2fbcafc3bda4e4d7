"""The types of answers: they make the JSON, and OpenAPI shows them. Each has a function that makes it of a record."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Generic, Literal, TypeVar, cast
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, convert

from clincore.domain.access import Action, RecordType
from clincore.domain.case import CaseStatus
from clincore.domain.identity import KeyState, Role
from clincore.domain.ranking.case import CaseType, Course
from clincore.domain.replay import Verdict
from clincore.entrypoints.http.bodies import InputBody

if TYPE_CHECKING:
    from clincore.domain.access import AccessEntry
    from clincore.domain.case import Case
    from clincore.domain.page import Page
    from clincore.domain.patient import Patient
    from clincore.domain.replay import Replay
    from clincore.domain.usage import UsageReport
    from clincore.services.administered_keys import MadeKey
    from clincore.services.cases import FinalizedCase
    from clincore.services.keys import ListedKey, NewKey
    from clincore.services.repertorization import Repertorization

Item = TypeVar("Item")

Moment = Annotated[datetime, Meta(tz=True)]
Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Decimals = Annotated[str, Meta(pattern=r"^-?[0-9]+\.[0-9]{6}$", description="A decimal number with six places.")]
Revision = Annotated[int, Meta(ge=1, description="Counts the record's changes from 1; the ETag is made of it.")]
ApiKeyText = Annotated[str, Meta(description="The key itself: shown only now.")]
KEEP = "Keep this key: it is shown only now. Send it in the header X-API-Key."


class PageOf(Struct, Generic[Item]):
    """Some items of a list."""

    items: list[Item]
    next: Annotated[str, Meta(description="The cursor of the next page; null on the last.")] | None


# --- the service ------------------------------------------------------------------------------------------------


class Health(Struct):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(Struct):
    """The service can serve."""

    repertory: Annotated[Hash, Meta(description="The fingerprint of the loaded repertory.")]
    status: Literal["ready"] = "ready"


class Version(Struct):
    """What is running."""

    version: str
    name: Literal["clincore"] = "clincore"


# --- keys, usage, the log -----------------------------------------------------------------------------------------


class FirstKey(Struct):
    """The admin key of a clinic just set up."""

    tenant_id: UUID
    api_key: ApiKeyText
    key_id: UUID
    message: str = KEEP

    @classmethod
    def of(cls, key: NewKey) -> FirstKey:
        return cls(tenant_id=key.tenant_id, api_key=key.api_key, key_id=key.key_id)


class RotatedKey(Struct):
    """The successor of the key that made the call."""

    new_key: ApiKeyText
    key_id: UUID
    tenant_id: UUID

    @classmethod
    def of(cls, key: NewKey) -> RotatedKey:
        return cls(new_key=key.api_key, key_id=key.key_id, tenant_id=key.tenant_id)


class MadeApiKey(Struct):
    """A key just made."""

    api_key: ApiKeyText
    key_id: UUID
    tenant_id: UUID
    label: str
    role: Role
    created_at: Moment
    expires_at: Moment | None
    message: str = KEEP

    @classmethod
    def of(cls, made: MadeKey) -> MadeApiKey:
        record = made.record
        return cls(
            api_key=made.key.api_key,
            key_id=record.id,
            tenant_id=record.tenant_id,
            label=record.label,
            role=record.role,
            created_at=record.created_at,
            expires_at=record.expires_at,
        )


class ApiKeyRecord(Struct):
    """What is kept of a key: never the key itself."""

    key_id: UUID
    label: str
    role: Role
    state: Annotated[KeyState, Meta(description="Whether the key is let in, and why it is not.")]
    created_at: Moment
    expires_at: Moment | None
    rotated_at: Moment | None
    revoked_at: Moment | None
    last_used_at: Annotated[datetime, Meta(tz=True, description="To the hour.")] | None

    @classmethod
    def of(cls, key: ListedKey) -> ApiKeyRecord:
        record = key.record
        return cls(
            key_id=record.id,
            label=record.label,
            role=record.role,
            state=key.state,
            created_at=record.created_at,
            expires_at=record.expires_at,
            rotated_at=record.rotated_at,
            revoked_at=record.revoked_at,
            last_used_at=record.last_used_at,
        )


class ApiKeyPage(PageOf[ApiKeyRecord]):
    """Some of the tenant's keys."""

    @classmethod
    def of(cls, page: Page[ListedKey]) -> ApiKeyPage:
        return cls(items=[ApiKeyRecord.of(key) for key in page.items], next=page.next)


class RevokedKey(Struct):
    """The key that is dead now."""

    revoked: UUID


class Usage(Struct):
    """The tenant's answered calls."""

    total_calls: int
    calls_by_endpoint: Annotated[dict[str, int], Meta(description="By method and route, such as GET /cases/{id}.")]
    calls_by_key: Annotated[dict[str, int], Meta(description="By key_id.")]
    calls_by_day: Annotated[
        dict[str, int], Meta(description="By day (UTC) with calls, of this calendar month and the one before.")
    ]
    last_24h_count: Annotated[int, Meta(description="Counted in whole minutes.")]

    @classmethod
    def of(cls, report: UsageReport) -> Usage:
        return cls(
            total_calls=report.total_calls,
            calls_by_endpoint=dict(sorted(report.calls_by_endpoint.items())),
            calls_by_key={str(key_id): calls for key_id, calls in sorted(report.calls_by_key.items())},
            calls_by_day={day.isoformat(): calls for day, calls in sorted(report.calls_by_day.items())},
            last_24h_count=report.last_24h_count,
        )


class AccessLine(Struct):
    """Who did what to which record, when."""

    id: UUID
    key_id: UUID | None
    action: Action
    record_type: RecordType
    record_id: Annotated[UUID, Meta(description="Null where records were listed.")] | None
    filter: Annotated[str, Meta(description="What a LIST asked for.")] | None
    request_id: Annotated[str, Meta(description="The call's X-Request-ID.")]
    at: Moment

    @classmethod
    def of(cls, entry: AccessEntry) -> AccessLine:
        return cls(
            id=entry.id,
            key_id=entry.key_id,
            action=entry.action,
            record_type=entry.record_type,
            record_id=entry.record_id,
            filter=entry.filter,
            request_id=entry.request_id,
            at=entry.at,
        )


class AccessPage(PageOf[AccessLine]):
    """Some lines of the access log."""

    @classmethod
    def of(cls, page: Page[AccessEntry]) -> AccessPage:
        return cls(items=[AccessLine.of(entry) for entry in page.items], next=page.next)


# --- patients and cases -------------------------------------------------------------------------------------------


class PatientRecord(Struct):
    """A patient."""

    id: UUID
    full_name: str
    birth_year: int | None
    phone: str | None
    revision: Revision
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, patient: Patient) -> PatientRecord:
        return cls(
            id=patient.id,
            full_name=patient.details.full_name,
            birth_year=patient.details.birth_year,
            phone=patient.details.phone,
            revision=patient.revision,
            created_at=patient.created_at,
            updated_at=patient.updated_at,
        )


class PatientPage(PageOf[PatientRecord]):
    """Some patients."""

    @classmethod
    def of(cls, page: Page[Patient]) -> PatientPage:
        return cls(items=[PatientRecord.of(patient) for patient in page.items], next=page.next)


class RankingRow(Struct):
    """One remedy of a ranking; equal ones share a rank (1, 1, 3) and are marked."""

    rank: int
    remedy: str
    name: str
    score: Decimals
    raw_score: Decimals
    coverage: Decimals
    rubrics_hit: int
    mind_strong_hits: int
    tied: bool


class GridCell(Struct):
    """What one rubric gives one remedy."""

    symptom_id: int
    grade: int
    contribution: Decimals


class GridLine(Struct):
    """The contributions of the rubrics to one remedy's score; they add up to it exactly."""

    remedy: str
    score: Decimals
    cells: list[GridCell]


class StabilityAnswer(Struct):
    """How much one rubric's weight must change to put another remedy first or level."""

    supported: Annotated[bool, Meta(description="False where the method cannot tell.")]
    margin: Decimals | None
    symptom_id: int | None
    remedy: str | None


class RankingAnswer(Struct):
    """The remedies for a case, best first."""

    ranking: list[RankingRow]
    method: str
    case_type: Annotated[CaseType, Meta(description="The one that was used.")]
    course: Course
    repertory: Annotated[Hash, Meta(description="The repertory's fingerprint.")]
    remedies_evaluated: int
    grid: Annotated[list[GridLine], Meta(description="With ?grid=true.")] | UnsetType = UNSET
    stability: Annotated[StabilityAnswer, Meta(description="With ?stability=true.")] | UnsetType = UNSET

    @classmethod
    def of(cls, found: Repertorization, *, grid: bool = False) -> RankingAnswer:
        answer = convert(found.ranking.to_json(found.entered.top_n), cls)
        if grid:
            answer.grid = convert([row.to_json() for row in found.grid()], list[GridLine])
        if found.stability is not None:
            answer.stability = convert(found.stability.to_json(), StabilityAnswer)
        return answer


class CaseRecord(Struct):
    """A case: a draft, or finalized for good."""

    id: UUID
    patient_id: UUID
    status: CaseStatus
    input_payload: Annotated[InputBody, Meta(description="As it was given.")]
    ranking_snapshot: Annotated[list[RankingRow], Meta(description="All remedies, as they were signed.")] | None
    result_signature: Hash | None
    revision: Revision
    created_at: Moment
    updated_at: Moment
    finalized_at: Moment | None
    replay_verdict: Annotated[Verdict, Meta(description="Of the latest replay.")] | None
    replay_verified_at: Moment | None

    @classmethod
    def of(cls, case: Case) -> CaseRecord:
        """Columns are given as they are stored, whatever someone may have made of them; a replay tells."""
        done = case.finalization
        return cls(
            id=case.id,
            patient_id=case.patient_id,
            status=case.status,
            input_payload=cast("InputBody", case.input_payload),
            ranking_snapshot=cast("list[RankingRow]", done.ranking_snapshot) if done else None,
            result_signature=done.signed.signature if done else None,
            revision=case.revision,
            created_at=case.created_at,
            updated_at=case.updated_at,
            finalized_at=done.at if done else None,
            replay_verdict=cast("Verdict | None", case.verdict),
            replay_verified_at=case.verified_at,
        )


class CasePage(PageOf[CaseRecord]):
    """Some cases."""

    @classmethod
    def of(cls, page: Page[Case]) -> CasePage:
        return cls(items=[CaseRecord.of(case) for case in page.items], next=page.next)


class EnteredCase(Struct):
    """The draft that was entered."""

    case_id: UUID
    status: Literal["draft"] = "draft"


class FinalizedAnswer(RankingAnswer, kw_only=True):
    """A case that was just finalized, and the ranking that was signed."""

    case_id: UUID
    status: Literal["finalized"] = "finalized"
    signature: Annotated[Hash, Meta(description="Of the result, which holds all remedies.")]

    @classmethod
    def of_finalized(cls, done: FinalizedCase) -> FinalizedAnswer:
        found = done.repertorization
        ranking = found.ranking.to_json(found.entered.top_n)
        return convert({**ranking, "case_id": done.case.id, "signature": done.signature}, cls)


class ReplayAnswer(Struct):
    """What a replay found."""

    ok: Annotated[bool, Meta(description="Null where it could not be told: another repertory is loaded.")] | None
    case_id: UUID
    expected: Annotated[str, Meta(description="The stored signature.")]
    computed: Annotated[str, Meta(description="The one computed now; null if none could be.")] | None
    verified_at: Moment
    verdict: Verdict

    @classmethod
    def of(cls, replay: Replay) -> ReplayAnswer:
        return cls(
            ok=replay.ok,
            case_id=replay.case_id,
            expected=replay.expected,
            computed=replay.computed,
            verified_at=replay.verified_at,
            verdict=replay.verdict,
        )
