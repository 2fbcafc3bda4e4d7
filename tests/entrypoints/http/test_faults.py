"""What a fault of the service's own looks like from outside, and how a call is named."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from service import problem_of

import clincore
from clincore.entrypoints.http.app import Application
from clincore.entrypoints.http.lifecycle import Lifecycle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from service import Clinics

    from clincore import ClinCore


class Failing:
    """A repertory that works until it is asked, and then says what nobody outside may read."""

    def __init__(self, real: Any) -> None:
        self.edition, self.statistics = real.edition, real.statistics

    async def rubrics(self, ids: object) -> Any:
        raise RuntimeError("planted secret of the inside")

    async def search(self, query: str, *, limit: int, after: str | None = None) -> Any:
        raise AssertionError

    async def family(self, rubric_id: int | None) -> Any:
        raise AssertionError

    async def prove(self, rubric_id: int) -> Any:
        raise AssertionError


@asynccontextmanager
async def serving(core: ClinCore) -> AsyncIterator[httpx.AsyncClient]:
    """Run the application on an opened core, from its start to its stop, in this process."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[ClinCore]:
        yield core

    app = Application(Lifecycle(opened))
    to_app: asyncio.Queue[Any] = asyncio.Queue()
    from_app: asyncio.Queue[Any] = asyncio.Queue()
    life = asyncio.create_task(app({"type": "lifespan"}, to_app.get, from_app.put))
    await to_app.put({"type": "lifespan.startup"})
    assert (await from_app.get())["type"] == "lifespan.startup.complete"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://clinic.test") as client:
        yield client
    await to_app.put({"type": "lifespan.shutdown"})
    await life


def test_a_fault_is_500_without_a_word_about_the_inside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> httpx.Response:
        async with clincore.open("memory:", cache_directory=tmp_path) as real:
            failing = Failing(real.resources.repertory)
            async with clincore.open(real.resources.database, failing) as core, serving(core) as client:
                key = (await core.tenants.create("Clinic")).api_key
                answer = await client.post(
                    "/repertory/rankings", json={"symptom_ids": [8]}, headers={"X-API-Key": key, "X-Request-ID": "f-1"}
                )
                assert (await core.clinic(key).administration.usage()).total_calls == 0
                return answer

    answer = asyncio.run(scene())
    assert problem_of(answer)["type"] == "urn:clincore:problem:internal"
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == "f-1"
    for word in ("planted", "RuntimeError", "Traceback", ".py", "repertory"):
        assert word not in answer.text
    assert "f-1: RuntimeError at" in caplog.text
    assert "planted" not in caplog.text


@pytest.mark.parametrize("given", ["front-desk_42.a:b", "x", "y" * 64])
def test_a_sane_request_id_is_taken_over(clinics: Clinics, given: str) -> None:
    for path in ("/cases", "/nothing", "/docs"):
        assert clinics.first.get(path, headers={"X-Request-ID": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "y" * 65, "<script>", "a\tb", "ä"])
def test_any_other_request_id_is_replaced(clinics: Clinics, given: str) -> None:
    made = clinics.first.get("/cases", headers={b"X-Request-ID": given.encode()}).headers["x-request-id"]
    assert made != given
    assert len(made) == 36
