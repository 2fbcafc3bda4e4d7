"""A database as an operator has it: with an owner and a service, or with one role for everything."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen
from command_line import Ended, clincore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databases import FreshDatabase, Server

DEPLOYMENTS: Final = ("two roles", "one role")
_ALONE: Final = "operator_alone"


@frozen
class Operator:
    """Runs commands with the settings of a deployment."""

    database: FreshDatabase
    service_url: str
    settings: dict[str, str]

    def run(self, *arguments: object) -> Ended:
        return clincore(*arguments, **self.settings)

    def json(self, *arguments: object) -> Any:
        """Run a command that succeeds, and return its one JSON document."""
        ended = self.run(*arguments, "--json")
        assert ended.code == 0, ended.err
        return json.loads(ended.out)

    def refused(self, code: int, *arguments: object) -> str:
        """Run a command that is refused, with nothing on stdout and nothing written; return what it says."""
        before = self.database.contents()
        ended = self.run(*arguments)
        assert (ended.code, ended.out) == (code, ""), ended
        assert self.database.contents() == before
        return ended.err


@contextmanager
def deployed(deployment: str, postgres: Server) -> Iterator[Operator]:
    """Make a database at the head in one of DEPLOYMENTS."""
    if deployment == "two roles":
        with postgres.new_database() as made:
            yield Operator(
                made,
                made.service_url,
                {"DATABASE_URL": made.service_url, "MIGRATION_DATABASE_URL": made.owner_url},
            )
        return
    postgres.make_role(_ALONE)
    with postgres.new_database(migrated=False, owner=_ALONE) as made:
        url = made.url_of(_ALONE)
        assert clincore("migrate", "upgrade", "head", DATABASE_URL=url).code == 0
        yield Operator(made, url, {"DATABASE_URL": url})
