"""The revisions of a database's schema, and what is known of a database that they were applied to."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, Literal, TypeAlias

from attrs import field, frozen

HEAD: Final = "b1c2d3e4f505"
BASE: Final = "base"
Direction: TypeAlias = Literal["upgrade", "downgrade"]


@frozen(kw_only=True)
class Revision:
    """One file of the chain; ``loses`` names the tables and columns whose content its down part drops."""

    id: str
    revises: str | None
    description: str
    loses: tuple[str, ...]
    up: str = field(repr=False)
    down: str = field(repr=False)
    verify: str = field(repr=False)
    file: str
    checksum: str


@frozen
class Step:
    """One revision applied or taken back."""

    revision: Revision
    direction: Direction

    @property
    def result(self) -> str | None:
        """The revision the database is at afterwards, None for base."""
        return self.revision.id if self.direction == "upgrade" else self.revision.revises


@frozen(kw_only=True)
class ChangedFile:
    """A file that is not the one that was applied; both hashes are SHA-256 (hex)."""

    file: str
    applied: str
    now: str

    def __str__(self) -> str:
        return f"{self.file} is not the file that was applied: applied {self.applied}, now {self.now}."


class Standing(IntEnum):
    """How a database stands to the chain, the gravest last; the numbers are ``migrate verify``'s exit codes."""

    IN_ORDER = 0
    PENDING = 1
    FILE_DIFFERS = 2
    SCHEMA_DIFFERS = 3


@frozen(kw_only=True)
class Verification:
    """What a database is at, and everything in which it is not what the chain makes.

    ``differences`` are lines of the normalized catalog, each with what is the matter with it.
    """

    current: str | None
    pending: tuple[Revision, ...] = ()
    changed_files: tuple[ChangedFile, ...] = ()
    differences: tuple[str, ...] = ()

    @property
    def standing(self) -> Standing:
        if self.differences:
            return Standing.SCHEMA_DIFFERS
        if self.changed_files:
            return Standing.FILE_DIFFERS
        return Standing.PENDING if self.pending else Standing.IN_ORDER
