"""The signed result holds all that its ranking came from, so that anyone can rank again and find the same text."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from clincore.domain.canonical_json import canonical_json
from clincore.domain.case import Case, Finalization
from clincore.domain.case_input import CaseInput
from clincore.domain.ranking.case import CaseRubric, RankingCase
from clincore.domain.ranking.mcare import Mcare
from clincore.domain.ranking.plain import Coverage, SumOfGrades
from clincore.domain.ranking.ranking import RankedRemedy, Score
from clincore.domain.repertory import Edition, RemedyStatistics, Rubric, RubricTag
from clincore.domain.replay import Replay, Verdict
from clincore.domain.result import agrees_with_row, read_result, result_text, stored_ranking_case
from clincore.domain.signature import SignedResult
from clincore.testing.strategies import (
    case_inputs,
    drafts,
    editions,
    graded_remedies,
    mcare_parameters,
    remedy_statistics,
    rubric_paths,
    rubric_tags,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clincore.domain.ranking.parameters import McareParameters

METHODS = (Mcare(), SumOfGrades(), Coverage())


@frozen(kw_only=True)
class Finalized:
    """A finalized case, and the repertory it was ranked with."""

    case: Case
    entered: CaseInput
    text: str
    rubrics: Mapping[int, Rubric]
    statistics: RemedyStatistics
    method: Mcare | SumOfGrades | Coverage

    def rank_again(self, text: str | None = None) -> str:
        """What a replay does: everything from the input but what the text alone can tell."""
        result = read_result(text or self.text)
        stored = stored_ranking_case(result, self.entered, self.rubrics, self.statistics)
        assert stored is not None
        (method,) = [each for each in METHODS if each.name == self.entered.method]
        method = method.with_parameters(result["method"]["parameters"])
        return result_text(
            self.case,
            self.entered,
            nonce=result["nonce"],
            ranking_case=stored,
            ranking=method.rank(stored),
            parameters=method.parameters,
            repertory=result["repertory"],
        )


@st.composite
def finalized(draw: st.DrawFn) -> Finalized:
    entered = draw(case_inputs())
    return finalize(
        entered,
        draft=draw(drafts()),
        rubrics={
            number: Rubric(id=number, path=draw(rubric_paths()), grades=draw(graded_remedies()))
            for number in entered.symptom_ids
        },
        tags={number: draw(st.none() | rubric_tags()) for number in entered.symptom_ids},
        statistics=draw(remedy_statistics()),
        edition=draw(editions()),
        parameters=draw(mcare_parameters()),
        nonce=draw(st.binary(min_size=16, max_size=16)).hex(),
    )


def finalize(
    entered: CaseInput,
    *,
    draft: Case,
    rubrics: Mapping[int, Rubric],
    tags: Mapping[int, RubricTag | None],
    statistics: RemedyStatistics,
    edition: Edition,
    parameters: McareParameters,
    nonce: str,
) -> Finalized:
    (method,) = [each for each in (Mcare(parameters), *METHODS[1:]) if each.name == entered.method]
    ranking_case = RankingCase(
        rubrics=tuple(
            CaseRubric.of(
                rubrics[choice.symptom_id],
                tags[choice.symptom_id],
                weight=choice.weight,
                eliminate=choice.eliminate,
            )
            for choice in entered.rubrics
        ),
        course=entered.course,
        requested_type=entered.case_type,
        statistics=statistics,
        fingerprint=edition.fingerprint,
    )
    case = draft.edit(entered, draft.updated_at)
    ranking = method.rank(ranking_case)
    text = result_text(
        case,
        entered,
        nonce=nonce,
        ranking_case=ranking_case,
        ranking=ranking,
        parameters=method.parameters,
        repertory=edition.identity(),
    )
    snapshot = [row.to_json() for row in ranking.rows]
    return Finalized(
        case=case.finalize(SignedResult.sign(text), snapshot, draft.updated_at),
        entered=entered,
        text=text,
        rubrics=rubrics,
        statistics=statistics,
        method=method,
    )


@settings(max_examples=50)
@given(finalized())
def test_ranking_the_stored_case_again_gives_the_identical_text(done: Finalized) -> None:
    assert done.rank_again() == done.text


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.tuples(st.integers(0, 200), st.integers(0, 200), st.integers(1, 9999)),
    st.decimals("0", "99999", places=6),
    st.booleans(),
)
def test_a_row_is_written_as_canonical_json_writes_it(
    remedy: str, name: str, numbers: tuple[int, int, int], number: Decimal, tied: bool
) -> None:
    hits, strong, rank = numbers
    row = RankedRemedy(rank, name, tied, Score(remedy, number, number * 2, number / 3, hits, strong))
    assert row.to_canonical() == canonical_json(row.to_json())


@settings(max_examples=30)
@given(finalized())
def test_the_text_is_canonical_and_survives_reading(done: Finalized) -> None:
    assert canonical_json(read_result(done.text)) == done.text
    assert SignedResult.sign(done.text) == done.case.require_finalized().signed


@settings(max_examples=30)
@given(finalized())
def test_the_row_agrees_with_the_text_it_was_made_with(done: Finalized) -> None:
    assert agrees_with_row(read_result(done.text), done.case, done.entered)
    again = CaseInput.parse(json.loads(json.dumps(dict(done.case.input_payload), default=float), parse_float=Decimal))
    assert agrees_with_row(read_result(done.text), done.case, again)


NUMBER = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
EXAMPLE_INPUT = CaseInput.parse(
    {
        "rubrics": [{"symptom_id": 9, "weight": 1.5}, {"symptom_id": 4, "eliminate": True}],
        "course": "acute",
        "notes": "Ängste, nachts",
    }
)


def example(entered: CaseInput = EXAMPLE_INPUT) -> Finalized:
    draft = Case.draft(
        entered,
        tenant_id=uuid5(NUMBER, "tenant"),
        patient_id=uuid5(NUMBER, "patient"),
        case_id=uuid5(NUMBER, "case"),
        at=datetime(2026, 5, 1, tzinfo=UTC),
    )
    rubrics = {
        9: Rubric(id=9, path=("Mind", "Fear"), grades={"acon.": 3, "ars.": 3, "Aur.": 1}),
        4: Rubric(id=4, path=("Generals", "Night"), grades={"acon.": 2, "ars.": 2}),
    }
    statistics = remedy_statistics_of({"acon.": 16, "ars.": 16, "Aur.": 16})
    return finalize(
        entered,
        draft=draft,
        rubrics=rubrics,
        tags={9: RubricTag(bucket="MENTAL_MOD", delusions=True), 4: None},
        statistics=statistics,
        edition=Edition(name="Kent", edition="1897", fingerprint="ab" * 32, rubrics=2, remedies=3, grades=5),
        parameters=Mcare().settings,
        nonce="00" * 16,
    )


def remedy_statistics_of(frequencies: Mapping[str, int]) -> RemedyStatistics:
    from clincore.domain.repertory import Remedy, median_of

    return RemedyStatistics(
        remedies={
            abbreviation: Remedy(abbreviation=abbreviation, name=abbreviation.title(), frequency=frequency)
            for abbreviation, frequency in frequencies.items()
        },
        median_frequency=median_of(list(frequencies.values())),
    )


def test_a_result_holds_everything_that_its_ranking_came_from() -> None:
    result = read_result(example().text)
    ranking, parameters = result.pop("ranking"), result["method"].pop("parameters")
    assert result == {
        "tenant_id": str(uuid5(NUMBER, "tenant")),
        "case_id": str(uuid5(NUMBER, "case")),
        "patient_id": str(uuid5(NUMBER, "patient")),
        "nonce": "00" * 16,
        "input": {
            "rubrics": [{"symptom_id": 9, "weight": "1.5"}, {"symptom_id": 4, "eliminate": True}],
            "course": "acute",
            "notes": "Ängste, nachts",
        },
        "course": "acute",
        "case_type": "constitution",
        "method": {"name": "mcare", "version": "6.1"},
        "rubrics": [
            {
                "symptom_id": 4,
                "weight": "1",
                "eliminate": True,
                "bucket": "GENERALS",
                "ailments_from": False,
                "delusions": False,
            },
            {
                "symptom_id": 9,
                "weight": "1.5",
                "eliminate": False,
                "bucket": "MENTAL_MOD",
                "ailments_from": False,
                "delusions": True,
            },
        ],
        "repertory": {"name": "Kent", "edition": "1897", "fingerprint": "ab" * 32},
    }
    assert parameters == Mcare().parameters
    # (1.5 · 1.5 · 0.10 · 1.6 · 1.4 + 1.0 · 0.25 · 1.4) · 1.3 = (0.504 + 0.35) · 1.3
    assert ranking == [
        {
            "rank": 1,
            "remedy": remedy,
            "name": remedy.title(),
            "score": "1.110200",
            "raw_score": "3.250000",
            "coverage": "1.000000",
            "rubrics_hit": 2,
            "mind_strong_hits": 1,
            "tied": True,
        }
        for remedy in ("acon.", "ars.")
    ]


def test_a_result_holds_all_remedies_whatever_top_n_says() -> None:
    few = CaseInput.parse({"symptom_ids": [9, 4], "top_n": 1})
    assert len(read_result(example(few).text)["ranking"]) == 3


def other_row(done: Finalized, column: str) -> tuple[Case, CaseInput]:
    """The row with one column changed."""
    case, entered = done.case, done.entered
    kept = case.require_finalized()
    rows = [dict(row) for row in kept.ranking_snapshot]

    def snapshot(rows: list[Any]) -> tuple[Case, CaseInput]:
        finalization = Finalization(signed=kept.signed, ranking_snapshot=rows, at=kept.at)
        return evolve(case, finalization=finalization), entered

    given: Mapping[str, Any] = entered.payload

    def with_input(**changed: Any) -> tuple[Case, CaseInput]:
        read = CaseInput.parse({**entered.payload, **changed})
        return evolve(case, input_payload=read.payload), read

    kind, _, name = column.partition(":")
    if kind == "row":
        return snapshot([{**rows[0], name: json.loads(name_to_value(name, rows[0][name]))}, *rows[1:]])
    changed = {
        "tenant_id": lambda: (evolve(case, tenant_id=uuid5(NUMBER, "other")), entered),
        "id": lambda: (evolve(case, id=uuid5(NUMBER, "other")), entered),
        "patient_id": lambda: (evolve(case, patient_id=uuid5(NUMBER, "other")), entered),
        "weight": lambda: with_input(rubrics=[{"symptom_id": 9, "weight": 1.501}, given["rubrics"][1]]),
        "weight left away": lambda: with_input(rubrics=[{"symptom_id": 9}, given["rubrics"][1]]),
        "default written": lambda: with_input(case_type="auto"),
        "eliminate": lambda: with_input(rubrics=[given["rubrics"][0], {"symptom_id": 4}]),
        "order of rubrics": lambda: with_input(rubrics=given["rubrics"][::-1]),
        "a rubric": lambda: with_input(rubrics=given["rubrics"][:1]),
        "course": lambda: with_input(course="chronic"),
        "method": lambda: with_input(method="coverage/1"),
        "top_n": lambda: with_input(top_n=20),
        "notes": lambda: with_input(notes="Ängste, nachts "),
        "snapshot order": lambda: snapshot(rows[::-1]),
        "snapshot shorter": lambda: snapshot(rows[:-1]),
        "snapshot longer": lambda: snapshot([*rows, rows[-1]]),
        "snapshot empty": lambda: snapshot([]),
        "snapshot field more": lambda: snapshot([{**rows[0], "note": None}, *rows[1:]]),
        "snapshot field less": lambda: snapshot([{k: v for k, v in rows[0].items() if k != "tied"}, *rows[1:]]),
        "snapshot true as 1": lambda: snapshot([{**rows[0], "tied": 1}, *rows[1:]]),
        "snapshot 1 as true": lambda: snapshot([{**rows[0], "rank": True}, *rows[1:]]),
        "snapshot 1 as 1.0": lambda: snapshot([{**rows[0], "rank": 1.0}, *rows[1:]]),
    }
    return changed[kind]()


def name_to_value(name: str, value: Any) -> str:
    """Another value of the same type, as JSON."""
    if isinstance(value, bool):
        return json.dumps(not value)
    return json.dumps(value + 1 if isinstance(value, int) else value + "0")


SNAPSHOT_FIELDS = (
    *("rank", "remedy", "name", "score", "raw_score", "coverage"),
    *("rubrics_hit", "mind_strong_hits", "tied"),
)


@pytest.mark.parametrize(
    "column",
    [
        *(f"row:{name}" for name in SNAPSHOT_FIELDS),
        *("tenant_id", "id", "patient_id"),
        *("weight", "weight left away", "default written", "eliminate", "order of rubrics", "a rubric"),
        *("course", "method", "top_n", "notes"),
        *("snapshot order", "snapshot shorter", "snapshot longer", "snapshot empty"),
        *("snapshot field more", "snapshot field less"),
        *("snapshot true as 1", "snapshot 1 as true", "snapshot 1 as 1.0"),
    ],
)
def test_a_change_of_any_column_is_seen(column: str) -> None:
    done = example()
    case, entered = other_row(done, column)
    assert not agrees_with_row(read_result(done.text), case, entered)


def test_a_weight_written_otherwise_is_the_same_weight() -> None:
    done = example()
    rubrics = [{"symptom_id": 9, "weight": Decimal("1.500")}, {"symptom_id": 4, "eliminate": True}]
    again = CaseInput.parse({**done.entered.payload, "rubrics": rubrics})
    assert agrees_with_row(read_result(done.text), done.case, again)


def test_a_rubric_that_the_repertory_lacks_cannot_be_ranked_again() -> None:
    done = example()
    assert stored_ranking_case(read_result(done.text), done.entered, {9: done.rubrics[9]}, done.statistics) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("bucket", "LOCAL"), ("ailments_from", True), ("delusions", False)],
)
def test_a_replay_ranks_with_the_bucket_and_flags_that_were_stored(field: str, value: Any) -> None:
    done = example()
    result = read_result(done.text)
    result["rubrics"][1][field] = value
    stored = stored_ranking_case(result, done.entered, done.rubrics, done.statistics)
    assert stored is not None
    tag = evolve(RubricTag(bucket="MENTAL_MOD", delusions=True), **{field: value})
    assert stored.rubrics[1] == CaseRubric.of(done.rubrics[9], tag, weight=Decimal("1.5"), eliminate=False)


@pytest.mark.parametrize(
    "changed",
    [
        {"course": "chronic"},
        {"case_type": "mind_dominant"},
        {"method": {"name": "coverage", "version": "1", "parameters": {}}},
        {"rubrics": []},
        {"weight": "2"},
        {"eliminate": True},
        {"delusions": 1},
        {"ailments_from": 0},
        {"ranking": []},
        {"more": 1},
    ],
    ids=str,
)
def test_what_does_not_come_from_the_input_is_not_in_the_text_made_again(changed: dict[str, Any]) -> None:
    """A text that was changed and signed anew does not come out of a replay."""
    done = example()
    result = read_result(done.text)
    of_rubric = {name: value for name, value in changed.items() if name in result["rubrics"][1]}
    result["rubrics"][1] |= of_rubric
    result |= {name: value for name, value in changed.items() if name not in of_rubric}
    forged = canonical_json(result)
    assert forged != done.text
    if changed == {"rubrics": []}:
        assert stored_ranking_case(result, done.entered, done.rubrics, done.statistics) is None
        return
    if "method" in changed:
        result["method"]["parameters"] = Mcare().parameters
        forged = canonical_json(result)
    assert done.rank_again(forged) != forged


def test_other_grades_give_another_text() -> None:
    done = example()
    rubric = done.rubrics[9]
    other = evolve(done, rubrics={**done.rubrics, 9: rubric._replace(grades={**rubric.grades, "acon.": 2})})
    assert other.rank_again() != done.text


def test_other_frequencies_give_another_text() -> None:
    done = example()
    other = evolve(done, statistics=remedy_statistics_of({"acon.": 17, "ars.": 16, "Aur.": 16}))
    assert other.rank_again() != done.text


@pytest.mark.parametrize(
    ("verdict", "ok"),
    [
        (Verdict.VERIFIED, True),
        (Verdict.SIGNATURE_MISMATCH, False),
        (Verdict.ROW_DIFFERS, False),
        (Verdict.RANKING_DIFFERS, False),
        (Verdict.REPERTORY_DIFFERS, None),
    ],
)
def test_a_replay_is_ok_not_ok_or_untold(verdict: Verdict, ok: bool | None) -> None:
    replay = Replay(
        case_id=NUMBER, expected="a", computed=None, verdict=verdict, verified_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert replay.ok is ok


def test_the_verdicts_are_those_of_the_contract() -> None:
    assert {verdict.value for verdict in Verdict} == {
        *("verified", "signature_mismatch", "row_differs", "ranking_differs", "repertory_differs"),
    }
