"""The stability margin takes many times as long as a ranking, and keeps no other call waiting meanwhile."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from attrs import define, evolve, field
from clinics import PAYLOAD

import clincore
from clincore.domain.ranking.mcare import Mcare

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal
    from pathlib import Path

    from clincore.domain.canonical_json import JsonObject
    from clincore.domain.ranking.case import RankingCase
    from clincore.domain.ranking.ranking import Ranking
    from clincore.domain.ranking.stability import Contest


@define
class Slow:
    """MCARE, which takes until it is let go to say what its first place hangs on."""

    loop: asyncio.AbstractEventLoop
    begun: asyncio.Event = field(factory=asyncio.Event)
    let_go: threading.Event = field(factory=threading.Event)
    name: str = "slow/1"
    parameters: JsonObject = field(factory=dict)

    def with_parameters(self, parameters: JsonObject) -> Slow:
        return self

    def contributions(self, case: RankingCase) -> Mapping[int, Sequence[Decimal]]:
        return Mcare().contributions(case)

    def rank(self, case: RankingCase) -> Ranking:
        return evolve(Mcare().rank(case), method=self.name)

    def contest(self, case: RankingCase) -> Contest:
        self.loop.call_soon_threadsafe(self.begun.set)
        assert self.let_go.wait(20), "nothing else could run"
        return Mcare().contest(case)


def test_the_stability_margin_is_found_while_other_calls_are_served(tmp_path: Path) -> None:
    async def main() -> None:
        method = Slow(asyncio.get_running_loop())
        async with clincore.open("memory:", cache_directory=tmp_path, methods=[method]) as core:
            clinic = core.clinic((await core.tenants.create("Clinic")).api_key)
            asked = {**PAYLOAD, "method": "slow/1"}
            found = asyncio.create_task(clinic.rankings.rank(asked, stability=True))
            async with asyncio.timeout(20):
                await method.begun.wait()
            method.let_go.set()
            expected = await clinic.rankings.rank(PAYLOAD, stability=True)
            assert (await found).stability == expected.stability

    asyncio.run(main())
