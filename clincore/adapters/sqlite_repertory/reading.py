"""Reads the derived file of one repertory, off the event loop's thread."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any

import aiosqlite
from attrs import define

from clincore.adapters.sqlite_repertory.cache import cache_file
from clincore.domain.errors import RepertoryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from typing import Self

    from clincore.adapters.sqlite_repertory.cache import CacheFile
    from clincore.domain.progress import Progress


@define
class CacheReader:
    """One read-only connection to the derived file of the repertory at ``source``."""

    source: Path
    _file: CacheFile
    _connection: aiosqlite.Connection
    _is_open: bool = True

    @classmethod
    async def open(cls, source: Path, directory: Path | None, progress: Progress) -> Self:
        """Open the derived file, building it first where there is none; raises RepertoryError."""
        file = await asyncio.to_thread(cache_file, source, directory, progress)
        try:
            connection = await aiosqlite.connect(
                f"{file.path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None
            )
        except BaseException as error:
            file.close()
            if isinstance(error, sqlite3.Error):
                raise _unreadable(source, error) from error
            raise
        return cls(source, file, connection)

    async def rows(self, statement: str, parameters: Sequence[object] = ()) -> Iterable[Any]:
        """Run one statement and return all of its rows; raises RepertoryError."""
        try:
            return await self._connection.execute_fetchall(statement, parameters)
        except (sqlite3.Error, ValueError) as error:  # ValueError: the connection is closed
            raise _unreadable(self.source, error) from error

    def require_open(self) -> None:
        """Raise RepertoryError where the connection was closed."""
        if not self._is_open:
            raise _unreadable(self.source, ValueError("it was closed"))

    async def close(self) -> None:
        """Close the connection; again is harmless."""
        self._is_open = False
        await self._connection.close()
        self._file.close()


def _unreadable(source: Path, error: Exception) -> RepertoryError:
    return RepertoryError(f"{source}: what was derived from it cannot be read ({error}); open it again.")
