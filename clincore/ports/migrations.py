"""The port to the schema of one database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clincore.domain.migration import Direction, Revision, Step, Verification


class Migrations(Protocol):
    """Brings one database's schema up and down the chain, as a role that owns it.

    Every method but ``printed`` raises DatabaseUnavailable, and MigrationError where it refuses; each revision is one
    transaction, so that what a call has told of as done lasts, and nothing else does.
    """

    @property
    def chain(self) -> Sequence[Revision]:
        """All revisions, oldest first."""
        ...

    async def current(self) -> str | None:
        """Return the revision the database is at, None where nothing was applied."""
        ...

    async def upgrade(self, target: str, done: Callable[[Step], None], waiting: Callable[[str], None]) -> None:
        """Apply revisions up to the target: ``head``, a revision, or ``+N``.

        ``done`` is told of each once it is committed, ``waiting`` who holds what this waits for.
        """
        ...

    async def downgrade(
        self, target: str, done: Callable[[Step], None], waiting: Callable[[str], None], *, allow_data_loss: bool
    ) -> None:
        """Take revisions back to the target: ``base``, a revision, or ``-N``.

        Refuses, with the numbers, where rows or values would go and ``allow_data_loss`` is not given.
        """
        ...

    async def stamp(self, target: str) -> bool:
        """Record, without running anything, that the database is at a revision, and with which files.

        False where that is what was recorded already. Refuses, with the differences, where its schema is not that
        revision's.
        """
        ...

    async def verify(self) -> Verification:
        """Compare the files with those that were applied, and the live schema with the reviewed one."""
        ...

    def printed(self, current: str | None, target: str, direction: Direction, *, allow_data_loss: bool) -> str:
        """Return a script for psql that does the same to a database at ``current``."""
        ...
