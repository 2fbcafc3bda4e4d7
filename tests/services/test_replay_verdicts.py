"""What a replay finds where somebody has been at the database, with every trigger and key switched off."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from clinics import ANOTHER_PAYLOAD, NOW, PAYLOAD, Ground, finalized_case, new_case, opened

from clincore.adapters.sqlite_repertory.starter import starter_repertory
from clincore.domain.canonical_json import canonical_json
from clincore.domain.errors import CaseNotFinalized, CaseNotFound
from clincore.domain.replay import Verdict
from clincore.domain.signature import signature_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from databases import NewDatabase

    from clincore import Case, Clinic, Replay


@pytest.fixture(scope="module")
def ground(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with new_database() as database, opened(database, tmp_path_factory.mktemp("cache")) as ground:
        yield ground


@pytest.fixture
def clinic(ground: Ground) -> Clinic:
    return ground.run(ground.new_clinic())[0]


@pytest.fixture
def case(ground: Ground, clinic: Clinic) -> Case:
    return ground.run(finalized_case(clinic))


def tamper(ground: Ground, statement: LiteralString, *parameters: object) -> None:
    """Change a row as the superuser can: without triggers, without foreign keys, past row-level security."""
    assert ground.database is not None
    with psycopg.connect(ground.database.superuser_url) as connection:
        connection.execute("SET session_replication_role = replica")
        assert connection.execute(statement, parameters).rowcount == 1


def replayed(ground: Ground, clinic: Clinic, case: Case) -> Replay:
    """Replay the case, and check that its row keeps the verdict and nothing else was written to it."""
    before = ground.rows(_ALL_BUT_REPLAY, case.id)
    replay = ground.run(clinic.cases.verify_replay(case.id))
    assert ground.rows(_ALL_BUT_REPLAY, case.id) == before
    kept = ground.rows("SELECT replay_verdict, replay_verified_at FROM public.cases WHERE id = %s", case.id)
    assert kept == [(replay.verdict.value, NOW)]
    assert (replay.case_id, replay.verified_at) == (case.id, NOW)
    return replay


_ALL_BUT_REPLAY: LiteralString = """
    SELECT (to_jsonb(c) - 'replay_verdict' - 'replay_verified_at')::text FROM public.cases c WHERE id = %s
"""


def test_an_untouched_case_is_verified(ground: Ground, clinic: Clinic, case: Case) -> None:
    signature = case.require_finalized().signed.signature
    for _ in range(2):
        replay = replayed(ground, clinic, case)
        assert (replay.verdict, replay.ok) == (Verdict.VERIFIED, True)
        assert replay.expected == replay.computed == signature
    assert ground.run(clinic.cases.get(case.id)).verdict == "verified"


@pytest.mark.parametrize("method", ["mcare/6.1", "sum-of-grades/1", "coverage/1"])
@pytest.mark.parametrize("course", ["chronic", "acute"])
def test_every_method_can_be_replayed(ground: Ground, clinic: Clinic, method: str, course: str) -> None:
    case = ground.run(finalized_case(clinic, PAYLOAD | {"method": method, "course": course, "case_type": "mixed"}))
    assert replayed(ground, clinic, case).verdict is Verdict.VERIFIED


@pytest.mark.parametrize(
    "change",
    [
        "result_text = result_text || ' '",
        "result_text = replace(result_text, '\"tied\":false', '\"tied\":true')",
        "result_text = ''",
        "result_text = 'no JSON'",
        "result_signature = repeat('0', 64)",
        "result_signature = reverse(result_signature)",
        "result_text = '{}', input_payload = '{}', ranking_snapshot = '[]'",
    ],
)
def test_a_text_that_does_not_hash_to_the_signature_is_a_mismatch(
    ground: Ground, clinic: Clinic, case: Case, change: LiteralString
) -> None:
    tamper(ground, "UPDATE public.cases SET " + change + " WHERE id = %s", case.id)  # noqa: S608
    replay = replayed(ground, clinic, case)
    text, signature = ground.rows("SELECT result_text, result_signature FROM public.cases WHERE id = %s", case.id)[0]
    assert (replay.verdict, replay.ok) == (Verdict.SIGNATURE_MISMATCH, False)
    assert (replay.expected, replay.computed) == (signature, signature_of(text))


@pytest.mark.parametrize(
    "change",
    [
        "input_payload = jsonb_set(input_payload, '{notes}', '\"other\"')",
        "input_payload = input_payload - 'notes'",
        "input_payload = jsonb_set(input_payload, '{rubrics,0,weight}', '2.001')",
        "input_payload = jsonb_set(input_payload, '{rubrics,0,symptom_id}', '4')",
        "input_payload = jsonb_set(input_payload, '{rubrics,0,eliminate}', 'false')",
        'input_payload = input_payload || \'{"course": "chronic"}\'',
        "input_payload = '{\"symptom_ids\": [3, 7, 12]}'",
        "input_payload = '{}'",
        'input_payload = \'{"rubrics": "none"}\'',
        "ranking_snapshot = '[]'",
        "ranking_snapshot = ranking_snapshot - 0",
        "ranking_snapshot = jsonb_set(ranking_snapshot, '{0,score}', '\"99.000000\"')",
        "ranking_snapshot = jsonb_set(ranking_snapshot, '{0,rank}', '2')",
        "ranking_snapshot = jsonb_set(ranking_snapshot, '{0,remedy}', '\"Placebo\"')",
        "ranking_snapshot = jsonb_set(ranking_snapshot, '{0,note}', '\"more\"')",
        "ranking_snapshot = '[1]'",
        "patient_id = gen_random_uuid()",
    ],
)
def test_a_row_that_does_not_agree_with_the_text_differs(
    ground: Ground, clinic: Clinic, case: Case, change: LiteralString
) -> None:
    """The text is intact: its hash is still the signature."""
    tamper(ground, "UPDATE public.cases SET " + change + " WHERE id = %s", case.id)  # noqa: S608
    replay = replayed(ground, clinic, case)
    assert (replay.verdict, replay.ok) == (Verdict.ROW_DIFFERS, False)
    assert replay.expected == replay.computed == case.require_finalized().signed.signature


def test_a_row_put_under_another_id_differs(ground: Ground, clinic: Clinic, case: Case) -> None:
    other = uuid4()
    tamper(ground, "UPDATE public.cases SET id = %s WHERE id = %s", other, case.id)
    assert ground.run(clinic.cases.verify_replay(other)).verdict is Verdict.ROW_DIFFERS


def test_a_row_moved_to_another_tenant_differs_there_and_is_gone_here(
    ground: Ground, clinic: Clinic, case: Case
) -> None:
    other, key = ground.run(ground.new_clinic())
    tamper(ground, "UPDATE public.cases SET tenant_id = %s WHERE id = %s", key.tenant_id, case.id)
    assert ground.run(other.cases.verify_replay(case.id)).verdict is Verdict.ROW_DIFFERS
    with pytest.raises(CaseNotFound):
        ground.run(clinic.cases.verify_replay(case.id))


def test_a_row_with_the_result_of_another_case_differs(ground: Ground, clinic: Clinic, case: Case) -> None:
    """Text, signature and ranking of another case of the same patient, and its very input."""
    other = ground.run(clinic.cases.finalize(ground.run(clinic.cases.create(case.patient_id, PAYLOAD)).id)).case
    tamper(
        ground,
        """UPDATE public.cases c SET result_text = o.result_text, result_signature = o.result_signature,
                                     ranking_snapshot = o.ranking_snapshot
           FROM public.cases o WHERE c.id = %s AND o.id = %s""",
        case.id,
        other.id,
    )
    assert replayed(ground, clinic, case).verdict is Verdict.ROW_DIFFERS


def sign_anew(ground: Ground, case: Case, change: Callable[[dict[str, Any]], object], *, snapshot: bool = True) -> None:
    """Change the result, and put a text, a signature and a ranking in the row that agree with each other."""
    result = json.loads(case.require_finalized().signed.text)
    change(result)
    text = canonical_json(result)
    tamper(
        ground,
        """UPDATE public.cases SET result_text = %s, result_signature = %s,
                                   ranking_snapshot = coalesce(%s::jsonb, ranking_snapshot) WHERE id = %s""",
        text,
        signature_of(text),
        json.dumps(result.get("ranking")) if snapshot and "ranking" in result else None,
        case.id,
    )


def _swap(result: dict[str, Any]) -> None:
    result["ranking"][0], result["ranking"][1] = result["ranking"][1], result["ranking"][0]


def _set(*path: str | int, to: object) -> Callable[[dict[str, Any]], None]:
    def change(result: dict[str, Any]) -> None:
        place: Any = result
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


@pytest.mark.parametrize(
    "change",
    [
        _swap,
        lambda result: result["ranking"].pop(),
        _set("ranking", to=[]),
        _set("ranking", 0, "score", to="99.000000"),
        _set("ranking", 0, "name", to="Placebo"),
        _set("rubrics", 0, "weight", to="3"),
        _set("rubrics", 0, "weight", to="much"),
        _set("rubrics", 0, "weight", to="NaN"),
        _set("rubrics", 0, "weight", to="-Infinity"),
        _set("rubrics", 0, "eliminate", to=0),
        _set("course", to="slow"),
        _set("method", "version", to="6.2"),
        _set("rubrics", 0, "bucket", to="LOCAL"),
        _set("rubrics", 0, "delusions", to=True),
        _set("rubrics", to=[]),
        _set("case_type", to="mind_dominant"),
        _set("method", "parameters", "alpha", to="0.5"),
    ],
)
def test_another_result_signed_anew_gives_another_ranking(
    ground: Ground, clinic: Clinic, case: Case, change: Callable[[dict[str, Any]], object]
) -> None:
    """A signature without a key can be made by anyone; what the input ranks to cannot."""
    sign_anew(ground, case, change)
    replay = replayed(ground, clinic, case)
    assert (replay.verdict, replay.ok) == (Verdict.RANKING_DIFFERS, False)
    assert replay.computed != replay.expected


@pytest.mark.parametrize(
    "change",
    [
        _set("rubrics", 0, "symptom_id", to=2**53 - 1),
        _set("rubrics", 0, "bucket", to="NOWHERE"),
        _set("rubrics", 0, to={}),
        _set("rubrics", to=None),
        _set("method", "parameters", to={"alpha": "NaN"}),
        _set("method", "parameters", to=None),
        _set("method", to={}),
    ],
)
def test_a_result_signed_anew_that_cannot_be_ranked_differs(
    ground: Ground, clinic: Clinic, case: Case, change: Callable[[dict[str, Any]], object]
) -> None:
    sign_anew(ground, case, change)
    replay = replayed(ground, clinic, case)
    assert (replay.verdict, replay.ok, replay.computed) == (Verdict.RANKING_DIFFERS, False, None)


@pytest.mark.parametrize(
    "change",
    [
        lambda result: result.pop("ranking"),
        lambda result: result.pop("input"),
        lambda result: result.pop("repertory"),
        _set("repertory", to={}),
        _set("patient_id", to=str(uuid4())),
        _set("input", to=ANOTHER_PAYLOAD),
    ],
)
def test_a_result_signed_anew_that_is_not_the_rows_differs(
    ground: Ground, clinic: Clinic, case: Case, change: Callable[[dict[str, Any]], object]
) -> None:
    sign_anew(ground, case, change)
    assert replayed(ground, clinic, case).verdict is Verdict.ROW_DIFFERS


def test_a_ranking_signed_anew_beside_the_old_snapshot_differs_from_the_row(
    ground: Ground, clinic: Clinic, case: Case
) -> None:
    sign_anew(ground, case, _swap, snapshot=False)
    assert replayed(ground, clinic, case).verdict is Verdict.ROW_DIFFERS


def test_another_repertory_is_no_false_alarm(
    ground: Ground, clinic: Clinic, case: Case, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Where a grade differs the ranking cannot be compared; what is wrong with the row itself is still found."""
    directory = tmp_path_factory.mktemp("other")
    other = directory / "other.sqlite"
    shutil.copy(starter_repertory(ground.cache), other)
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("UPDATE symptom_remedies SET degree = 1 + degree % 3 WHERE rowid = 1")
        connection.commit()
    core = ground.open(repertory=other, cache_directory=directory)
    assert core.edition.fingerprint != ground.core.edition.fingerprint
    _, key = ground.run(ground.new_clinic())
    assert key is not None
    here = core.clinic(_api_key_of(ground, clinic))
    replay = replayed(ground, here, case)
    assert (replay.verdict, replay.ok, replay.computed) == (Verdict.REPERTORY_DIFFERS, None, None)
    assert replay.expected == case.require_finalized().signed.signature
    tamper(ground, "UPDATE public.cases SET ranking_snapshot = '[]' WHERE id = %s", case.id)
    assert replayed(ground, here, case).verdict is Verdict.ROW_DIFFERS
    tamper(ground, "UPDATE public.cases SET result_text = '' WHERE id = %s", case.id)
    assert replayed(ground, here, case).verdict is Verdict.SIGNATURE_MISMATCH


def _api_key_of(ground: Ground, clinic: Clinic) -> str:
    """A successor of the clinic's key, with which both can go on."""
    return ground.run(clinic.keys.rotate(grace_seconds=60)).api_key


def test_other_parameters_of_the_installation_change_no_verdict(ground: Ground, clinic: Clinic, case: Case) -> None:
    """A case is replayed with the parameters that it was signed with."""
    from clincore import McareParameters

    core = ground.open(mcare=McareParameters.from_json({"alpha": "1", "grade_values": {"3": "9"}}))
    assert replayed(ground, core.clinic(_api_key_of(ground, clinic)), case).verdict is Verdict.VERIFIED


def test_a_draft_cannot_be_verified_and_keeps_no_verdict(ground: Ground, clinic: Clinic) -> None:
    draft = ground.run(new_case(clinic))
    before = ground.contents()
    with pytest.raises(CaseNotFinalized, match="only finalized cases can be verified"):
        ground.run(clinic.cases.verify_replay(draft.id))
    assert ground.contents() == before
    assert ground.rows("SELECT replay_verdict FROM public.cases WHERE id = %s", draft.id) == [(None,)]
