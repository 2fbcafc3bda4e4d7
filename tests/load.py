"""Many clients at once on a service that may fail, and what they were answered, to be held against what is stored."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
from attrs import define, field
from service import problem_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from databases import FreshDatabase

_PAYLOAD = {"symptom_ids": [8, 18, 29]}
CREATE, VIEW, FINALIZE = "POST /cases", "GET /cases/{id}", "POST /cases/{id}/finalize"
_STORED = """
    SELECT id::text, status, result_signature, ranking_snapshot IS NOT NULL, finalized_at IS NOT NULL FROM public.cases
"""
_LOGGED = """
    SELECT action, count(*), count(DISTINCT record_id) FROM public.access_logs
    WHERE record_type = 'case' GROUP BY action
"""
_UNLOGGED = """
    SELECT id::text FROM public.cases c WHERE NOT EXISTS (
        SELECT FROM public.access_logs l WHERE l.record_id = c.id AND l.action = 'CREATE'
    ) OR (c.status = 'finalized') <> EXISTS (
        SELECT FROM public.access_logs l WHERE l.record_id = c.id AND l.action = 'FINALIZE'
    )
"""


@define
class Ledger:
    """What clients were answered, in all."""

    cases: set[str] = field(factory=set)
    signatures: dict[str, str] = field(factory=dict)
    """Of the cases that were answered as finalized."""
    answered: Counter[str] = field(factory=Counter)
    unanswered: Counter[str] = field(factory=Counter)
    """Calls that ended without an answer, or with one that leaves it open whether they were done."""
    refused: int = 0
    strange: list[str] = field(factory=list)
    """Answers that must not be."""
    _changed: asyncio.Condition = field(factory=asyncio.Condition)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with self._changed, asyncio.timeout(60):
            await self._changed.wait_for(holds)

    async def changed(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    @property
    def all_answered(self) -> int:
        return self.answered.total()


@define
class Address:
    """Where the service is; while it is nowhere, clients wait."""

    _url: str = ""
    _is_known: asyncio.Event = field(factory=asyncio.Event)

    def becomes(self, url: str) -> None:
        self._url = url
        self._is_known.set()

    def is_lost(self) -> None:
        self._is_known.clear()

    async def now(self) -> str:
        await self._is_known.wait()
        return self._url


@define
class Clerk:
    """One client: enters a case, reads it, finalizes it, and again."""

    ledger: Ledger
    key: str
    patient_id: str
    address: Address
    done: int = 0
    """Calls of this client that were answered with success."""
    is_over: bool = False

    async def work(self) -> None:
        """Work until it is over, which is looked at between two cases."""
        limits = httpx.Limits(max_connections=1)
        async with httpx.AsyncClient(headers={"X-API-Key": self.key}, timeout=60, limits=limits) as client:
            while not self.is_over:
                await self._one_case(client)

    async def _one_case(self, client: httpx.AsyncClient) -> None:
        entered = await self._call(
            client, CREATE, "/cases", json={"patient_id": self.patient_id, "input_payload": _PAYLOAD}
        )
        if entered is None:
            return
        case_id = entered["case_id"]
        self.ledger.cases.add(case_id)
        seen = await self._call(client, VIEW, f"/cases/{case_id}")
        if seen is not None and seen["status"] != "draft":
            self.ledger.strange.append(f"{case_id} is {seen['status']} before it was finalized")
        done = await self._call(client, FINALIZE, f"/cases/{case_id}/finalize")
        if done is not None:
            self.ledger.signatures[case_id] = done["signature"]

    async def _call(self, client: httpx.AsyncClient, endpoint: str, path: str, **more: Any) -> dict[str, Any] | None:
        method = endpoint.partition(" ")[0]
        try:
            answer = await client.request(method, await self.address.now() + path, **more)
        except httpx.TransportError:
            self.ledger.unanswered[endpoint] += 1
            await self.ledger.changed()
            return None
        if answer.is_success:
            self.ledger.answered[endpoint] += 1
            self.done += 1
        elif answer.status_code == 503:
            self._refused(endpoint, answer)
        else:
            self.ledger.strange.append(f"{endpoint}: {answer.status_code} {answer.text}")
        await self.ledger.changed()
        body: dict[str, Any] = answer.json()
        return body if answer.is_success else None

    def _refused(self, endpoint: str, answer: httpx.Response) -> None:
        self.ledger.refused += 1
        problem = problem_of(answer)
        if not answer.headers.get("retry-after", "").isdecimal():
            self.ledger.strange.append(f"{endpoint}: 503 without Retry-After: {problem}")
        self.ledger.unanswered[endpoint] += 1


def hold_against_what_is_stored(ledger: Ledger, client: httpx.Client, database: FreshDatabase) -> None:
    """Every answered write is there once, none is half done, and log and usage agree with what is there."""
    assert ledger.strange == []
    stored = {row[0]: row[1:] for row in database.rows(_STORED)}
    assert ledger.cases - stored.keys() == set()
    assert {row for row in stored.values() if row not in (_draft(row), _finalized(row))} == set()
    finalized = {case_id: row[1] for case_id, row in stored.items() if row[0] == "finalized"}
    assert ledger.signatures.items() - finalized.items() == set()
    assert database.rows(_UNLOGGED) == []

    logged = {action: (times, records) for action, times, records in database.rows(_LOGGED)}
    assert logged["CREATE"] == (len(stored), len(stored))
    assert logged["FINALIZE"] == (len(finalized), len(finalized))

    usage = client.get("/admin/usage").json()["calls_by_endpoint"]
    assert usage[CREATE] == len(stored)
    assert usage[FINALIZE] == len(finalized)
    assert usage[VIEW] == logged["VIEW"][0]
    for endpoint, answered in ledger.answered.items():
        assert answered <= usage[endpoint] <= answered + ledger.unanswered[endpoint]

    for case_id in finalized:
        assert client.post(f"/cases/{case_id}/verify-replay").json()["verdict"] == "verified"


def _draft(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return ("draft", None, False, False)


def _finalized(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return ("finalized", row[1], True, True) if row[1] else ()
