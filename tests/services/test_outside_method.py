"""A ranking method from outside the library, handed in through the port, is signed and replayed like those within."""

from __future__ import annotations

import json
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

import pytest
from attrs import frozen
from clinics import PAYLOAD, Ground, new_case, opened

import clincore
from clincore import Verdict
from clincore.domain.errors import InvalidInput, Problem, SettingsError, UnknownMethod
from clincore.domain.ranking.arithmetic import CONTEXT, six_places
from clincore.domain.ranking.ranking import Ranking, Score, ranked
from clincore.testing import MethodCapabilities, RankingMethodLaws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databases import NewDatabase

    from clincore.domain.canonical_json import JsonObject
    from clincore.domain.ranking.case import RankingCase
    from clincore.ports.ranking_method import RankingMethod


@frozen
class Powers:
    """``powers/1``: score = Σ w·g^p, p being its one parameter."""

    p: int = 2
    name: str = "powers/1"

    @property
    def parameters(self) -> JsonObject:
        return {"p": self.p}

    def with_parameters(self, parameters: JsonObject) -> Powers:
        p = parameters.get("p")
        if parameters.keys() != {"p"} or type(p) is not int:
            raise InvalidInput([Problem("parameters", "p is a whole number")])
        return Powers(p)

    def contributions(self, case: RankingCase) -> dict[int, list[Decimal]]:
        with localcontext(CONTEXT):
            return {each.id: [each.weight * grade**self.p for grade in range(6)] for each in case.rubrics}

    def rank(self, case: RankingCase) -> Ranking:
        gives = self.contributions(case)
        remaining = case.candidates()
        scores = []
        for remedy in {remedy for each in case.rubrics for remedy in each.grades}:
            if remaining is not None and remedy not in remaining:
                continue
            hits = [each for each in case.rubrics if remedy in each.grades]
            with localcontext(CONTEXT):
                total = six_places(sum((gives[each.id][each.grades[remedy]] for each in hits), Decimal(0)))
                coverage = six_places(Decimal(len(hits)) / len(case.rubrics))
            scores.append(
                Score(
                    remedy=remedy,
                    score=total,
                    raw_score=total,
                    coverage=coverage,
                    rubrics_hit=len(hits),
                    mind_strong_hits=0,
                )
            )
        return Ranking(
            rows=ranked(scores, case.statistics.remedies),
            method=self.name,
            case_type=case.case_type,
            course=case.course,
            repertory=case.fingerprint,
        )


def is_a_method(method: Powers) -> RankingMethod:
    return method


class TestPowers(RankingMethodLaws):
    method = Powers()
    capabilities = MethodCapabilities(linear=True)


@pytest.fixture(scope="module", params=["memory", "postgres"])
def ground(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    cache = tmp_path_factory.mktemp("cache")
    if request.param == "memory":
        with opened(None, cache, methods=[is_a_method(Powers())]) as ground:
            yield ground
    else:
        with new_database() as database, opened(database, cache, methods=[Powers()]) as ground:
            yield ground


def test_a_case_is_ranked_finalized_signed_and_replayed_with_it(ground: Ground) -> None:
    async def main() -> None:
        clinic, _ = await ground.new_clinic()
        draft = await new_case(clinic, {**PAYLOAD, "method": "powers/1"})
        shown = await clinic.cases.rank(draft.id, stability=True)
        first = shown.ranking.rows[0].score
        graded = [
            (each.weight, each.grades[first.remedy]) for each in shown.case.rubrics if first.remedy in each.grades
        ]
        assert first.score == sum(weight * grade**2 for weight, grade in graded)
        for row in shown.grid(0):
            assert sum(cell.contribution for cell in row.cells) == row.row.score.score
        assert shown.to_json()["stability"] == {
            "supported": False,
            "margin": None,
            "symptom_id": None,
            "remedy": None,
        }
        done = await clinic.cases.finalize(draft.id)
        signed = json.loads(done.case.require_finalized().signed.text)
        assert signed["method"] == {"name": "powers", "version": "1", "parameters": {"p": 2}}
        assert signed["ranking"] == [row.to_json() for row in shown.ranking.rows]
        replay = await clinic.cases.verify_replay(draft.id)
        assert (replay.ok, replay.verdict, replay.computed) == (True, Verdict.VERIFIED, done.signature)

    ground.run(main())


def test_a_replay_takes_the_parameters_that_were_signed(ground: Ground) -> None:
    """Under another default now; without the method it says so."""

    async def main() -> None:
        clinic, key = await ground.new_clinic()
        draft = await new_case(clinic, {**PAYLOAD, "method": "powers/1"})
        await clinic.cases.finalize(draft.id)
        async with clincore.open(**ground.choices(methods=[Powers(3)])) as later:
            again = later.clinic(key.api_key)
            assert (await again.cases.verify_replay(draft.id)).verdict is Verdict.VERIFIED
            other = await again.rankings.rank({**PAYLOAD, "method": "powers/1"})
            assert other.method.parameters == {"p": 3}
        async with clincore.open(**ground.choices()) as without:
            with pytest.raises(UnknownMethod, match="powers/1"):
                await without.clinic(key.api_key).cases.verify_replay(draft.id)

    ground.run(main())


@pytest.mark.parametrize(
    ("methods", "said"),
    [
        ([Powers(), Powers(3)], "two ranking methods 'powers/1'"),
        ([Powers(name="mcare/6.1")], "two ranking methods 'mcare/6.1'"),
        ([Powers(name="powers")], "'powers' needs a name and a version"),
        ([Powers(name="powers/")], "'powers/' needs a name and a version"),
        ([Powers(name="/1")], "'/1' needs a name and a version"),
        ([Powers(name=f"{'p' * 64}/1")], "needs a name and a version"),
    ],
)
def test_a_name_is_one_method_s_alone(ground: Ground, methods: list[Powers], said: str) -> None:
    async def main() -> None:
        with pytest.raises(SettingsError, match=said):
            async with clincore.open(**ground.choices(methods=methods)):
                pass

    ground.run(main())
