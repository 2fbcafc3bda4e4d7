"""The laws of what lasts see faults, planted in copies of the example that keeps a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Self

import pytest
from clincore_jsonlines import JsonLinesDatabase
from clincore_jsonlines.database import Rows, UnitOfWork

from clincore.testing import Capabilities, DatabaseLaws

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

AGAIN = "what_was_committed_is_there_when_the_database_is_opened_again"
NOT_AGAIN = "what_was_not_committed_is_not_there_when_the_database_is_opened_again"


class _WritesNothing(JsonLinesDatabase):
    def commit(self, tenant_id: UUID, changes: Rows) -> None:
        self._keep(str(tenant_id), changes)


class _WritesRecordsAlone(JsonLinesDatabase):
    def commit(self, tenant_id: UUID, changes: Rows) -> None:
        kept = {name: rows for name, rows in changes.items() if name != "answers"}
        super().commit(tenant_id, kept)
        self._keep(str(tenant_id), changes)


class _ForgetsTheBootstrap(JsonLinesDatabase):
    def commit(self, tenant_id: UUID, changes: Rows) -> None:
        super().commit(tenant_id, {name: rows for name, rows in changes.items() if name != "bootstrap"})


class _KeepsTheFirst(JsonLinesDatabase):
    """Reads lines from the last to the first, so that what was written over comes back."""

    @classmethod
    async def open(cls, directory: Path) -> Self:
        database = await super().open(directory)
        lines = (directory / "clincore.jsonl").read_text(encoding="ascii").splitlines()
        database._tenants.clear()
        for line in reversed(lines):
            tenant_id, changes = json.loads(line)
            database._keep(tenant_id, changes)
        return database


class _EagerWork(UnitOfWork):
    async def flush(self) -> None:
        await super().flush()
        self._database._journal.append(json.dumps([str(self.tenant_id), self.changes]))


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (_WritesNothing, AGAIN),
        (_WritesRecordsAlone, AGAIN),
        (_ForgetsTheBootstrap, AGAIN),
        (_KeepsTheFirst, AGAIN),
    ],
    ids=["a commit that writes nothing", "idempotency keys lost", "the bootstrap lost", "what was written over"],
)
def test_a_planted_fault_is_caught_by_its_law(kind: type[JsonLinesDatabase], law: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check(kind, law)
    assert type(caught.value) is AssertionError


def test_what_is_written_before_its_commit_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clincore_jsonlines.database.UnitOfWork", _EagerWork)
    with pytest.raises(AssertionError):
        check(JsonLinesDatabase, NOT_AGAIN)


@pytest.mark.parametrize("law", [AGAIN, NOT_AGAIN])
def test_the_example_without_a_fault_holds(law: str) -> None:
    check(JsonLinesDatabase, law)


def check(kind: type[JsonLinesDatabase], law: str) -> None:
    class Bound(DatabaseLaws):
        capabilities = Capabilities(durable=True)

        async def open_database(self, place: Path) -> JsonLinesDatabase:
            return await kind.open(place)

    suite = Bound()
    try:
        Bound.laws[law].check(suite.ground())
    finally:
        Bound.doClassCleanups()
