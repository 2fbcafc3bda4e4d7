"""The suite of a database: all its ports and transactions."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import define, field

from clincore.domain.identity import Plan, Role
from clincore.testing.laws import (
    access_log,
    admission,
    case_store,
    database,
    durability,
    idempotency_store,
    isolation,
    key_store,
    patient_store,
    tenant_store,
    unit_of_work,
    usage_meter,
)
from clincore.testing.suite.base import LawSuite
from clincore.testing.suite.capabilities import Capabilities
from clincore.testing.suite.law import finished, laws_in
from clincore.testing.suite.members import Member, set_up

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from clincore.ports.database import Database


class DatabaseLaws(LawSuite, binds=False):
    """Puts a database to the laws of all its ports:

        class TestMyDatabase(DatabaseLaws):
            capabilities = Capabilities(durable=True)

            async def open_database(self, place: Path) -> Database:
                return await MyDatabase.open(place)

    Each law sets up tenants of its own, in a database that the class shares or in one that it opens itself.
    """

    laws = laws_in(
        patient_store,
        case_store,
        key_store,
        tenant_store,
        access_log,
        usage_meter,
        idempotency_store,
        unit_of_work,
        admission,
        isolation,
        database,
        durability,
    )
    capabilities: ClassVar[Capabilities] = Capabilities()
    _ground: ClassVar[DatabaseGround | None] = None

    def new_place(self) -> AbstractContextManager[Any]:
        """Make an empty place that one database can be kept in, such as a directory (the default), and remove it."""
        return _directory()

    async def open_database(self, place: Any) -> Database:
        """Open the database in a place: empty in a new one, and with what it held where it was opened before."""
        raise NotImplementedError(f"{type(self).__name__} opens no database: async def open_database(self, place)")

    async def open_as_operator(self, place: Any) -> Database | None:  # noqa: ARG002
        """Open a database in a place with an operator's rights; None where every database has them."""
        return None

    @classmethod
    def promises(cls, capability: str) -> bool:
        return bool(getattr(cls.capabilities, capability))

    def ground(self) -> DatabaseGround:
        cls = type(self)
        if cls._ground is None:
            cls._ground = DatabaseGround.opened(self)
            cls.addClassCleanup(cls._let_go)
        return cls._ground

    @classmethod
    def _let_go(cls) -> None:
        if cls._ground is not None:
            cls._ground.close()
            cls._ground = None


@define
class DatabaseGround:
    """A database that the laws of a suite share, and the means to open others."""

    suite: DatabaseLaws = field(repr=False)
    runner: asyncio.Runner = field(repr=False)
    database: Database
    operator: Database
    _closing: AbstractAsyncContextManager[object] = field(repr=False)

    @classmethod
    def opened(cls, suite: DatabaseLaws) -> DatabaseGround:
        runner = asyncio.Runner()
        try:
            closing = _both(suite)
            service, operator = runner.run(closing.__aenter__())
        except BaseException:
            runner.close()
            raise
        return cls(suite, runner, service, operator, closing)

    def close(self) -> None:
        with self.runner:
            self.runner.run(self._closing.__aexit__(None, None, None))

    def run(self, scene: Awaitable[None]) -> None:
        """Run a law to its end, which takes no longer than its time limit."""
        self.runner.run(finished(scene))

    def promises(self, capability: str) -> bool:
        return self.suite.promises(capability)

    async def member(self, *, role: Role = Role.ADMIN, plan: Plan = Plan.FREE) -> Member:
        """Set up a tenant with one key, and return the key's holder."""
        return await set_up(self.database, role=role, plan=plan)

    async def operated(self, *, plan: Plan = Plan.FREE) -> Member:
        """Set up a tenant as its operator, whose rights its member then has."""
        return await set_up(self.operator, plan=plan)

    def new_place(self) -> AbstractContextManager[Any]:
        return self.suite.new_place()

    @asynccontextmanager
    async def open(self, place: Any) -> AsyncIterator[Database]:
        """Open the database in a place, and close it."""
        database = await self.suite.open_database(place)
        try:
            yield database
        finally:
            await database.close()

    @asynccontextmanager
    async def fresh(self) -> AsyncIterator[Database]:
        """Open an empty database of its own, and close it."""
        with self.new_place() as place:
            async with self.open(place) as database:
                yield database

    @asynccontextmanager
    async def fresh_to_operate(self) -> AsyncIterator[Database]:
        """Open an empty database of its own as an operator, and close it."""
        async with _both(self.suite) as (_, operator):
            yield operator


@asynccontextmanager
async def _both(suite: DatabaseLaws) -> AsyncIterator[tuple[Database, Database]]:
    """Open an empty database as the service and as an operator."""
    with suite.new_place() as place:
        service = await suite.open_database(place)
        operator = await suite.open_as_operator(place)
        try:
            yield service, operator or service
        finally:
            await service.close()
            if operator is not None:
                await operator.close()


@contextmanager
def _directory() -> Iterator[Path]:
    with TemporaryDirectory(prefix="clincore-laws-") as name:
        yield Path(name)
