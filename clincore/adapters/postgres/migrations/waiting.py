"""Who holds what a migration waits for, told while it waits."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, LiteralString

import psycopg
from attrs import define

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from clincore.adapters.postgres.statement import Row

_LOOK_EVERY: Final = 1.0
_WAITS: Final[LiteralString] = """
    SELECT CASE waiting.locktype WHEN 'advisory' THEN 'its turn' ELSE 'a lock on ' || waiting.relation::regclass END,
           holder.pid, coalesce(holder.usename, '?'), nullif(holder.application_name, ''), holder.state,
           to_char(holder.xact_start AT TIME ZONE 'UTC', 'HH24:MI:SS')
    FROM pg_locks waiting
    CROSS JOIN LATERAL unnest(pg_blocking_pids(waiting.pid)) AS blocking (pid)
    JOIN pg_stat_activity holder ON holder.pid = blocking.pid
    WHERE waiting.pid = %(pid)s AND NOT waiting.granted
    ORDER BY holder.pid
"""


@define
class Waiting:
    """What was last seen of a wait, in words; empty where there was none."""

    last: str = ""


@asynccontextmanager
async def waits_told(
    conninfo: str, connection: psycopg.AsyncConnection[Any], waiting: Waiting, tell: Callable[[str], None]
) -> AsyncIterator[None]:
    """Note each new wait of the connection while the block runs, and tell of it; a second connection looks."""
    watching = asyncio.create_task(_watch(conninfo, connection.info.backend_pid, waiting, tell))
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _watch(conninfo: str, pid: int, waiting: Waiting, tell: Callable[[str], None]) -> None:
    await asyncio.sleep(_LOOK_EVERY)
    # A watcher that cannot look is no reason for the migration to fail.
    with suppress(psycopg.Error):
        async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True, connect_timeout=5) as second:
            await second.execute("SET search_path = pg_catalog")  # names are written in full
            while True:
                rows = await (await second.execute(_WAITS, {"pid": pid})).fetchall()
                seen = "; ".join(_in_words(row) for row in rows)
                if seen and seen != waiting.last:
                    waiting.last = seen
                    tell(seen)
                await asyncio.sleep(_LOOK_EVERY)


def _in_words(row: Row) -> str:
    what, pid, user, application, state, since = row
    details = ", ".join(
        filter(None, (f"user {user}", application, state, since and f"in a transaction since {since} UTC"))
    )
    return f"waiting for {what}, held by process {pid} ({details})"
