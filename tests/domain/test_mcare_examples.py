"""MCARE 6.1 by hand: each example says how its number comes about."""

from __future__ import annotations

from decimal import Decimal

import pytest
from attrs import evolve
from ranking_examples import case, rubric

from clincore.domain.errors import InvalidInput
from clincore.domain.ranking.case import Bucket, CaseRubric, CaseType, Course, RankingCase
from clincore.domain.ranking.mcare import Mcare
from clincore.domain.ranking.parameters import McareParameters
from clincore.domain.repertory import Rubric, RubricTag, median_of

MIND, MODALITY, BODY, GENERALS = Bucket.MIND_CORE, Bucket.MENTAL_MOD, Bucket.PHYSICAL_MOD, Bucket.GENERALS


def scores(case: RankingCase, **overrides: object) -> dict[str, str]:
    ranking = Mcare(McareParameters.from_json(overrides)).rank(case)  # type: ignore[arg-type]
    return {row.remedy: str(row.score.score) for row in ranking.rows}


@pytest.mark.parametrize(
    ("only", "course", "score"),
    [
        # grade 1, local, constitution, all rubrics hit: 0.6 · 0.10 · cf 1.3
        (rubric(1, {"a": 1}), "acute", "0.078000"),
        # … and among the first five without a Mind rubric: · 0.85
        (rubric(1, {"a": 1}), "chronic", "0.066300"),
        # from grade 2 on, 15 remedies are a small rubric: 1.0 · 0.10 · 1.4 · 1.3
        (rubric(1, {"a": 2}, size=15), "acute", "0.182000"),
        # 16 are not: 1.0 · 0.10 · 1.3
        (rubric(1, {"a": 2}, size=16), "acute", "0.130000"),
        # nor does a small rubric help grade 1
        (rubric(1, {"a": 1}, size=15), "acute", "0.078000"),
        # the other buckets of constitution at grade 3: 1.5 · 0.25 · 1.4 · 1.3, and with 0.10 and 0.30
        (rubric(1, {"a": 3}, bucket=BODY), "acute", "0.682500"),
        (rubric(1, {"a": 3}, bucket=GENERALS), "acute", "0.682500"),
        (rubric(1, {"a": 3}, bucket=MODALITY), "acute", "0.273000"),
        (rubric(1, {"a": 3}, bucket=MIND), "acute", "0.819000"),
        # a Mind rubric at grade 3 spares the penalty
        (rubric(1, {"a": 3}, bucket=MIND), "chronic", "0.819000"),
        (rubric(1, {"a": 3}, bucket=MODALITY), "chronic", "0.273000"),
        # … but not at grade 2: 1.0 · 0.30 · 1.4 · 1.3 · 0.85
        (rubric(1, {"a": 2}, bucket=MIND), "chronic", "0.464100"),
        # one Mind rubric with a grade of 4 makes the case mind_dominant: 2.0 · 0.45 · 1.4 · 1.3
        (rubric(1, {"a": 4}, bucket=MIND), "acute", "1.638000"),
        # 2.2 · 0.45 · 1.4 · 1.3
        (rubric(1, {"a": 5}, bucket=MIND), "acute", "1.801800"),
        # ailments from: · 1.8; delusion: · 1.6; both
        (rubric(1, {"a": 3}, bucket=MIND, ailments_from=True), "acute", "1.474200"),
        (rubric(1, {"a": 3}, bucket=MIND, delusions=True), "acute", "1.310400"),
        (rubric(1, {"a": 3}, bucket=MIND, ailments_from=True, delusions=True), "acute", "2.358720"),
        # weight 2.5: 1.5 · 2.5 · 0.25 · 1.4 · 1.3
        (rubric(1, {"a": 3}, bucket=GENERALS, weight="2.5"), "acute", "1.706250"),
    ],
)
def test_one_rubric_scores_by_grade_bucket_flags_size_and_weight(only: CaseRubric, course: str, score: str) -> None:
    assert scores(case(only, course=Course(course)))["a"] == score


@pytest.mark.parametrize(
    ("frequencies", "score"),
    [
        ({"a": 1, "x": 1, "y": 1}, "0.078000"),
        # ff = (16/1)^0.25 = 2
        ({"a": 16, "x": 1, "y": 1}, "0.039000"),
        # rarer than the median: ff = (1/16)^0.25 = 0.5
        ({"a": 1, "x": 16, "y": 16}, "0.156000"),
        # an even number: the median is the mean of the middle two, (1 + 31) / 2 = 16
        ({"a": 1, "x": 1, "y": 31, "z": 40}, "0.156000"),
        # ff = (2/1)^0.25 = 1.189207115…
        ({"a": 2, "x": 1, "y": 1}, "0.065590"),
    ],
)
def test_a_frequent_remedy_is_divided_down(frequencies: dict[str, int], score: str) -> None:
    assert scores(case(rubric(1, {"a": 1}), frequencies=frequencies))["a"] == score


def test_a_median_below_one_counts_as_one() -> None:
    given = case(rubric(1, {"a": 1}), frequencies={"a": 1})
    low = evolve(given, statistics=evolve(given.statistics, median_frequency=Decimal("0.5")))
    assert scores(low) == {"a": "0.078000"}


@pytest.mark.parametrize(
    ("frequencies", "median"), [([], "0"), ([3], "3"), ([5, 1, 2], "2"), ([240, 239, 1, 900], "239.5"), ([2, 2], "2")]
)
def test_the_median_is_the_middle_one_or_the_mean_of_the_middle_two(frequencies: list[int], median: str) -> None:
    assert median_of(frequencies) == Decimal(median)


@pytest.mark.parametrize(
    ("hits", "score"),
    [
        (1, "0.060000"),
        (2, "0.120000"),
        (3, "0.180000"),  # coverage is τ exactly: cf = 1
        (4, "0.276000"),  # 0.24 · (1 + 0.3 · 0.2 / 0.4)
        (5, "0.390000"),  # 0.30 · (1 + 0.3)
    ],
)
def test_coverage_from_tau_on_raises_the_score(hits: int, score: str) -> None:
    rubrics = [rubric(number, {"a": 1} if number <= hits else {"b": 1}) for number in range(1, 6)]
    assert scores(case(*rubrics))["a"] == score


def test_coverage_at_tau_is_not_below_it() -> None:
    """With τ = 0.7 and seven of ten rubrics hit, cf starts: 1 + 0.3 · 0; with 0.699 it is 1 + 0.3 · 0.001 / 0.301."""
    rubrics = [rubric(number, {"a": 1} if number <= 7 else {"b": 1}) for number in range(1, 11)]
    assert scores(case(*rubrics), tau="0.7")["a"] == "0.420000"
    assert scores(case(*rubrics), tau="0.699")["a"] == "0.420419"
    assert scores(case(*rubrics), tau="0.701")["a"] == "0.420000"


def test_a_rubric_without_remedies_counts_in_the_coverage() -> None:
    """One of two rubrics is half of the case: cf = 1."""
    assert scores(case(rubric(1, {"a": 1}), rubric(2, {}))) == {"a": "0.060000"}


def test_a_case_of_rubrics_without_remedies_has_an_empty_ranking() -> None:
    ranking = Mcare().rank(case(rubric(1, {}), rubric(2, {}), course=Course.CHRONIC))
    assert ranking.rows == ()
    assert ranking.remedies_evaluated == 0


@pytest.mark.parametrize(
    ("mind", "others", "top_grade", "expected"),
    [
        (0, 3, 5, CaseType.CONSTITUTION),  # a high grade outside Mind says nothing
        (2, 0, 3, CaseType.CONSTITUTION),
        (3, 9, 3, CaseType.MIXED),
        (4, 0, 3, CaseType.MIXED),
        (5, 0, 1, CaseType.MIND_DOMINANT),
        (1, 9, 4, CaseType.MIND_DOMINANT),
        (1, 0, 5, CaseType.MIND_DOMINANT),
    ],
)
def test_the_case_type_is_found_from_the_mind_rubrics(
    mind: int, others: int, top_grade: int, expected: CaseType
) -> None:
    in_mind = [rubric(number, {"a": 1, "b": top_grade}, bucket=(MIND, MODALITY)[number % 2]) for number in range(mind)]
    elsewhere = [rubric(100 + number, {"a": 5}) for number in range(others)]
    assert case(*in_mind, *elsewhere).case_type == expected


def test_a_requested_case_type_is_used_as_it_is() -> None:
    asked = case(rubric(1, {"a": 5}, bucket=MIND), case_type=CaseType.MIXED)
    assert Mcare().rank(asked).case_type == CaseType.MIXED
    assert scores(asked) == {"a": "1.601600"}  # 2.2 · 0.40 · 1.4 · 1.3


def test_the_chronic_rule_takes_exactly_the_first_five_and_orders_all_again() -> None:
    """Six equal remedies: the first five by abbreviation fall behind the sixth, which is a code point later."""
    equal = rubric(1, dict.fromkeys(["Z", "a", "b", "c", "d", "e"], 1))
    rows = Mcare().rank(case(equal, course=Course.CHRONIC)).rows
    assert [(row.rank, row.remedy, str(row.score.score), row.tied) for row in rows] == [
        (1, "e", "0.078000", False),
        (2, "Z", "0.066300", True),
        (2, "a", "0.066300", True),
        (2, "b", "0.066300", True),
        (2, "c", "0.066300", True),
        (2, "d", "0.066300", True),
    ]


def test_the_chronic_rule_spares_remedies_with_a_strong_mind_rubric() -> None:
    """All of a, b, c, d are among the first five; b has its Mind rubric at grade 3, c at grade 2 only."""
    body = rubric(1, {"a": 5, "b": 2, "c": 2, "d": 2, "e": 1, "f": 1}, bucket=GENERALS)
    mind = rubric(2, {"b": 3, "c": 2}, bucket=MIND)
    acute = scores(case(body, mind))
    chronic = scores(case(body, mind, course=Course.CHRONIC))
    assert {remedy: Decimal(chronic[remedy]) / Decimal(acute[remedy]) for remedy in acute} == {
        "a": Decimal("0.85"),
        "b": 1,
        "c": Decimal("0.85"),
        "d": Decimal("0.85"),
        "e": Decimal("0.85"),
        "f": 1,
    }


def test_ranks_skip_after_a_tie() -> None:
    rows = Mcare().rank(case(rubric(1, {"b": 2, "a": 2, "c": 1}))).rows
    assert [(row.rank, row.remedy, row.tied) for row in rows] == [(1, "a", True), (1, "b", True), (3, "c", False)]


def test_abbreviations_order_by_code_points() -> None:
    rows = Mcare().rank(case(rubric(1, dict.fromkeys(["é", "a", "B", "\ufb01", "\U0001d538"], 1)))).rows
    assert [row.remedy for row in rows] == ["B", "a", "é", "\ufb01", "\U0001d538"]


def test_a_remedy_missing_in_an_eliminating_rubric_drops_out_before_anything_is_ordered() -> None:
    """Without b to h, i is among the first five of a chronic case."""
    wide = rubric(1, dict.fromkeys("abcdefgh", 3) | {"i": 1})
    narrow = rubric(2, {"a": 1, "i": 1}, eliminate=True)
    ranking = Mcare().rank(case(wide, narrow, course=Course.CHRONIC))
    assert [row.remedy for row in ranking.rows] == ["a", "i"]
    assert str(ranking.rows[1].score.score) == "0.132600"  # (0.06 + 0.06) · 1.3 · 0.85
    assert ranking.remedies_evaluated == 2


@pytest.mark.parametrize(
    ("weight", "score"),
    [
        ("1", "0.000002"),  # 0.0000025: half, to the even 2
        ("3", "0.000008"),  # 0.0000075: half, to the even 8
        ("1.001", "0.000003"),  # 0.0000025025: more than half
        ("0.999", "0.000002"),
        ("2.6", "0.000006"),  # 0.0000065: half, to the even 6
    ],
)
def test_a_score_that_ends_at_half_a_millionth_goes_to_the_even_one(weight: str, score: str) -> None:
    """0.5 · weight · 0.000005, without a correction for coverage."""
    small = {"constitution": {"LOCAL": "0.000005"}}
    given = case(rubric(1, {"a": 1}, weight=weight))
    assert scores(given, grade_values={"1": "0.5"}, beta=0, bucket_weights=small) == {"a": score}


def test_a_half_is_seen_through_a_coverage_that_does_not_end() -> None:
    """5.70213 · (1 + 0.3 · (6/7 − 0.6) / 0.4) is 6.8018265 exactly, half of a millionth, to the even 6.801826.

    The sum is (5 · 1 + 1.034) · 1.5 · 0.45 · 1.4; 6/7 has no last digit, but the score has one.
    """
    hit = [rubric(number, {"a": 3}, bucket=MIND) for number in range(1, 6)]
    given = case(
        *hit, rubric(6, {"a": 3}, bucket=MIND, weight="1.034"), rubric(7, {}), case_type=CaseType.MIND_DOMINANT
    )
    assert scores(given) == {"a": "6.801826"}


def test_a_half_is_seen_through_a_root_that_is_whole() -> None:
    """ff = (16/1)^0.25 = 2: 0.000005 / 2 is half, to the even 2."""
    given = case(rubric(1, {"a": 1}), frequencies={"a": 16, "x": 1, "y": 1})
    small = {"constitution": {"LOCAL": "0.000005"}}
    assert scores(given, grade_values={"1": 1}, beta=0, bucket_weights=small) == {"a": "0.000002"}


def test_the_penalty_is_taken_from_the_unrounded_score() -> None:
    """0.0000042 · 0.85 = 0.00000357, rounded once to 0.000004; from the rounded 0.000004 it would be 0.000003."""
    given = case(rubric(1, {"a": 1}), course=Course.CHRONIC)
    assert scores(given, grade_values={"1": "0.000042"}, beta=0) == {"a": "0.000004"}


def test_ties_and_the_first_five_go_by_rounded_scores() -> None:
    """a and b differ in the eighth place only: they tie, and a stands first though b is a trace higher."""
    given = case(
        rubric(1, {"a": 1, "b": 2}, size=16), rubric(2, {"a": 2, "b": 1}, size=16, weight="0.999"), course=Course.ACUTE
    )
    rows = Mcare(McareParameters.from_json({"grade_values": {"1": 1, "2": "1.000099"}})).rank(given).rows
    assert [(row.rank, row.remedy, row.tied) for row in rows][:2] == [(1, "a", True), (1, "b", True)]


def test_parameters_that_are_accepted_never_fail_in_a_ranking() -> None:
    """What cannot be ranked with must be refused when it is read: here 60,000^alpha beside the largest numbers."""
    rare = case(rubric(1, {"a": 1}), frequencies={"a": 1, "x": 60_000, "y": 60_000})
    common = case(rubric(1, {"a": 1}), frequencies={"a": 60_000, "x": 1, "y": 1})
    accepted = []
    for alpha in ("0", "0.000001", "1", "2", "10", "999.999999"):
        try:
            McareParameters.from_json({"alpha": alpha})
        except InvalidInput:
            continue
        accepted.append(alpha)
        for given in (rare, common):
            assert set(scores(given, alpha=alpha)) == {"a"}
    assert accepted[:3] == ["0", "0.000001", "1"]


@pytest.mark.parametrize(
    ("chapter", "bucket"),
    [
        ("Mind", MIND),
        ("MIND", MIND),
        ("mind", MIND),
        ("Generals", GENERALS),
        ("GENERALITIES", GENERALS),
        ("Mindful", Bucket.LOCAL),
        ("Head", Bucket.LOCAL),
        ("Mind;", Bucket.LOCAL),
    ],
)
def test_without_a_tag_the_chapter_says_the_bucket(chapter: str, bucket: Bucket) -> None:
    plain = Rubric(id=1, path=(chapter, "Generals", "Mind"), grades={})
    flags_only = RubricTag(ailments_from=True)
    for tag in (None, RubricTag(), flags_only):
        assert CaseRubric.of(plain, tag, weight=Decimal(1), eliminate=False).bucket == bucket


@pytest.mark.parametrize("bucket", list(Bucket))
def test_a_tag_wins_over_the_chapter(bucket: Bucket) -> None:
    tag = RubricTag(bucket=bucket.value, delusions=True)
    made = CaseRubric.of(Rubric(id=1, path=("Mind",), grades={"a": 2}), tag, weight=Decimal("0.5"), eliminate=True)
    assert made == rubric(1, {"a": 2}, bucket=bucket, weight="0.5", eliminate=True, delusions=True)
