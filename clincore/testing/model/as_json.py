"""Records of the domain as the contract's JSON has them; times stay datetimes, ids become texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clincore.domain.access import AccessEntry
    from clincore.domain.case import Case
    from clincore.domain.patient import Patient
    from clincore.domain.repertory import (
        Edition,
        Remedy,
        Rubric,
        RubricFamily,
        RubricHit,
        RubricLine,
    )
    from clincore.domain.replay import Replay
    from clincore.domain.usage import UsageReport
    from clincore.services.keys import ListedKey, NewKey
    from clincore.testing.model.calls import Json


def patient_json(patient: Patient) -> Json:
    return {
        "id": str(patient.id),
        "full_name": patient.details.full_name,
        "birth_year": patient.details.birth_year,
        "phone": patient.details.phone,
        "revision": patient.revision,
        "created_at": patient.created_at,
        "updated_at": patient.updated_at,
    }


def case_json(case: Case) -> Json:
    done = case.finalization
    return {
        "id": str(case.id),
        "patient_id": str(case.patient_id),
        "status": case.status.value,
        "input_payload": _plain(case.input_payload),
        "ranking_snapshot": _plain(done.ranking_snapshot) if done else None,
        "result_signature": done.signed.signature if done else None,
        "revision": case.revision,
        "created_at": case.created_at,
        "updated_at": case.updated_at,
        "finalized_at": done.at if done else None,
        "replay_verdict": case.verdict,
        "replay_verified_at": case.verified_at,
    }


def replay_json(replay: Replay) -> Json:
    return {
        "ok": replay.ok,
        "case_id": str(replay.case_id),
        "expected": replay.expected,
        "computed": replay.computed,
        "verified_at": replay.verified_at,
        "verdict": replay.verdict.value,
    }


def new_key_json(key: NewKey) -> Json:
    return {"tenant_id": str(key.tenant_id), "key_id": str(key.key_id), "api_key": key.api_key}


def listed_key_json(key: ListedKey) -> Json:
    record = key.record
    return {
        "key_id": str(record.id),
        "label": record.label,
        "role": record.role.value,
        "state": key.state.value,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "rotated_at": record.rotated_at,
        "revoked_at": record.revoked_at,
        "last_used_at": record.last_used_at,
    }


def usage_json(report: UsageReport) -> Json:
    return {
        "total_calls": report.total_calls,
        "calls_by_endpoint": dict(report.calls_by_endpoint),
        "calls_by_key": {str(key_id): calls for key_id, calls in report.calls_by_key.items()},
        "calls_by_day": {day.isoformat(): calls for day, calls in report.calls_by_day.items()},
        "last_24h_count": report.last_24h_count,
    }


def access_json(entry: AccessEntry) -> Json:
    return {
        "id": str(entry.id),
        "key_id": str(entry.key_id) if entry.key_id else None,
        "action": entry.action.value,
        "record_type": entry.record_type.value,
        "record_id": str(entry.record_id) if entry.record_id else None,
        "filter": entry.filter,
        "request_id": entry.request_id,
        "at": entry.at,
    }


def overview_json(edition: Edition, chapters: tuple[RubricLine, ...]) -> Json:
    return {
        "name": edition.name,
        "edition": edition.edition,
        "fingerprint": edition.fingerprint,
        "rubrics": edition.rubrics,
        "remedies": edition.remedies,
        "grades": edition.grades,
        "chapters": [_line(line) for line in chapters],
    }


def rubric_json(rubric: Rubric, remedies: Mapping[str, Remedy], family: RubricFamily) -> Json:
    ordered = sorted(rubric.grades.items(), key=lambda item: (-item[1], item[0]))
    return {
        "id": rubric.id,
        "path": list(rubric.path),
        "remedies": [{"remedy": name, "grade": grade, "name": remedies[name].name} for name, grade in ordered],
        "parents": [_line(line) for line in family.parents],
        "siblings": [_line(line) for line in family.siblings],
        "children": [_line(line) for line in family.children],
        "cross_references": [
            {"text": found.text, "rubrics": [_line(line) for line in found.rubrics]}
            for found in family.cross_references
        ],
    }


def hit_json(hit: RubricHit) -> Json:
    best = [{"remedy": remedy, "grade": grade} for remedy, grade in hit.best]
    return {"id": hit.id, "path": list(hit.path), "remedies": hit.remedies, "best": best}


def remedy_json(remedy: Remedy) -> Json:
    return {"remedy": remedy.abbreviation, "name": remedy.name, "frequency": remedy.frequency}


def _line(line: RubricLine) -> Json:
    return {"id": line.id, "text": line.text, "remedies": line.remedies, "children": line.children}


def _plain(value: Any) -> Any:
    """The same in lists and dictionaries alone, so that two that say the same are equal."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return {name: _plain(item) for name, item in value.items()} if hasattr(value, "items") else value
