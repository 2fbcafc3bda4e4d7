"""A suite is honest: what it lacks, overrides or excuses shows, and every operation of every port is in its laws."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from service import environment

from clincore.adapters.memory.database import MemoryDatabase
from clincore.ports.access_log import AccessLog
from clincore.ports.case_store import CaseStore
from clincore.ports.database import UnitOfWork
from clincore.ports.idempotency_store import IdempotencyStore
from clincore.ports.key_store import KeyStore
from clincore.ports.patient_store import PatientStore
from clincore.ports.tenant_store import TenantStore
from clincore.ports.usage_meter import UsageMeter
from clincore.testing.suite.base import WHOLE
from clincore.testing.suite.database import DatabaseLaws
from clincore.testing.suite.operations import OPERATIONS

if TYPE_CHECKING:
    from pathlib import Path

STORES: dict[str, type[Any]] = {
    "patients": PatientStore,
    "cases": CaseStore,
    "keys": KeyStore,
    "tenants": TenantStore,
    "access_log": AccessLog,
    "usage": UsageMeter,
    "idempotency": IdempotencyStore,
}


def test_every_operation_of_every_store_is_among_those_that_laws_are_said_of() -> None:
    assert STORES.keys() == {name for name, value in inspect.getmembers(UnitOfWork) if isinstance(value, property)} - {
        "principal"
    }
    methods = {
        f"{store}.{method}"
        for store, port in STORES.items()
        for method, value in vars(port).items()
        if inspect.isfunction(value) and not method.startswith("_")
    }
    assert methods == {name.partition(",")[0] for name in OPERATIONS}


class Memory:
    async def open_database(self, place: Any) -> MemoryDatabase:
        return MemoryDatabase()


def bound(**body: object) -> type[DatabaseLaws]:
    """Return the suite of a class with this body."""
    return type("TestMine", (Memory, DatabaseLaws), body)


LAW = "an_unknown_patient_is_none"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {f"test_{LAW}": None},
            f"TestMine overrides test_{LAW}; excuse it instead: excused = {{'{LAW}': 'the reason'}}",
        ),
        ({f"test_{LAW}": lambda self: None}, f"TestMine overrides test_{LAW}"),
        ({"excused": {LAW: " "}}, f"excuses '{LAW}' without a reason"),
        ({"excused": {LAW: None}}, f"excuses '{LAW}' without a reason"),
        ({"excused": {"no_such_law": "slow"}}, "excuses 'no_such_law', which is no law; there are a_"),
        ({"excused": dict.fromkeys(DatabaseLaws.laws, "all of it")}, "TestMine has no law left to check"),
        ({"laws": {}}, "TestMine takes laws away"),
        ({"__test__": False}, "TestMine takes laws away"),
        ({WHOLE: lambda self: None}, f"TestMine overrides {WHOLE}"),
    ],
)
def test_a_law_cannot_be_taken_away_without_a_reason(body: dict[str, object], said: str) -> None:
    with pytest.raises(TypeError, match=re.escape(said)):
        bound(**body)


def test_a_law_cannot_be_taken_away_in_a_class_below() -> None:
    with pytest.raises(TypeError, match=f"TestBelow overrides test_{LAW}"):
        type("TestBelow", (bound(),), {f"test_{LAW}": None})


def test_a_law_that_was_deleted_or_replaced_afterwards_is_missed() -> None:
    whole = bound()
    getattr(whole(WHOLE), WHOLE)()
    deleted, replaced, emptied = bound(), bound(), bound()
    delattr(deleted, f"test_{LAW}")
    setattr(replaced, f"test_{LAW}", lambda self: None)
    emptied.laws = {}
    delattr(emptied, f"test_{LAW}")
    for suite in (deleted, replaced, emptied):
        with pytest.raises(AssertionError, match=f"TestMine has lost the law {LAW}"):
            getattr(suite(WHOLE), WHOLE)()


SUITES = """
from contextlib import asynccontextmanager

from clincore.adapters.memory.database import MemoryDatabase
from clincore.testing import Capabilities, DatabaseLaws

QUICK = (
    "names_are_found_by_a_part_in_any_case_of_letters",
    "an_unknown_patient_is_none",
    "the_ids_of_all_tenants_are_read_in_ascending_order",
    "what_was_committed_is_there_when_the_database_is_opened_again",
)


class Few:
    excused = {name: "not looked at here" for name in DatabaseLaws.laws if name not in QUICK}

    async def open_database(self, place):
        return MemoryDatabase()


class OfAnyName(Few, DatabaseLaws):
    pass


class Forgetful(MemoryDatabase):
    async def tenant_ids(self):
        return ()


class TestForgetful(Few, DatabaseLaws):
    async def open_database(self, place):
        return Forgetful()


class TestPromising(Few, DatabaseLaws):
    capabilities = Capabilities(durable=True)


KEPT = {}


class TestModest(Few, DatabaseLaws):
    async def open_database(self, place):
        kept = KEPT.setdefault(place, MemoryDatabase())
        kept._closed = False
        return kept


class TestUnbound(DatabaseLaws):
    excused = Few.excused


class Deaf(MemoryDatabase):
    @asynccontextmanager
    async def provisioning(self, tenant_id):
        async with super().provisioning(tenant_id) as work:
            listed = work.patients.list
            work.patients.list = lambda name, page: listed("-" if name and name.isupper() else name, page)
            yield work


class TestDeaf(Few, DatabaseLaws):
    async def open_database(self, place):
        return Deaf()
"""


def test_pytest_shows_what_holds_what_is_excused_and_what_is_broken_by_its_name(tmp_path: Path) -> None:
    """Without any settings of ours; a class is collected whatever its name, and one that opens nothing fails."""
    file = tmp_path / "test_mine.py"
    file.write_text(SUITES, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-v",
        "-rs",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:schemathesis",
        str(file),
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False, timeout=120
    )
    said = done.stdout
    assert done.returncode == 1
    opened_again = "test_what_was_committed_is_there_when_the_database_is_opened_again"
    for line in (
        f"::OfAnyName::{WHOLE} PASSED",
        f"::OfAnyName::test_{LAW} PASSED",
        f"::OfAnyName::{opened_again} SKIPPED",
        f"::TestPromising::{opened_again} FAILED",
        f"::TestModest::{opened_again} SKIPPED",
        f"::TestForgetful::test_{LAW} PASSED",
        "::TestForgetful::test_the_ids_of_all_tenants_are_read_in_ascending_order FAILED",
        f"::TestUnbound::test_{LAW} FAILED",
        "excused: not looked at here",
        "TestForgetful breaks a law of database: The ids of all tenants are read in ascending order.",
        "assert () == (UUID(",
        "durable is not declared, and does not hold",
        "holds, and TestModest does not declare it: Capabilities(durable=True)",
        "Failing test case: names_are_found_by_a_part_in_any_case_of_letters(",
        "case_of_letters='upper',",
        "TestDeaf breaks a law of patient_store: Names are found by a part in any case of letters.",
        "TestUnbound opens no database: async def open_database(self, place)",
    ):
        assert line in said


def test_laws_are_checked_without_pytest(tmp_path: Path) -> None:
    """Python's own unittest runs a suite too, and nothing needs pytest to import it."""
    text = "import sys\nsys.modules['pytest'] = None\n" + SUITES[: SUITES.index("class Forgetful")]
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "unittest", "-v", "mine.OfAnyName"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "skipped 'excused: not looked at here'" in done.stderr
