"""A connection that sends a transaction's statements in one round trip, in libpq's pipeline mode.

It speaks to ``psycopg.pq``: most of what a short call costs would else be cursors, each made for one row. Conversions,
errors, waiting and cancelling are psycopg's.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, Final, LiteralString, TypeAlias

import psycopg
from attrs import frozen
from psycopg import pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.waiting import Ready, Wait

from clincore.adapters.postgres.statement import Row
from clincore.adapters.postgres.watchdog import ANSWER_SECONDS

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from psycopg import abc

_PLACE: Final = re.compile(r"%\((\w+)\)s")
OUTDATED: Final = frozenset(["0A000", "26000"])
"""What is prepared no longer fits a table that was changed, or is not there: a new connection prepares anew."""
_FAILED: Final = frozenset([pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE])


@frozen
class Query:
    """SQL as the server takes it: ``$1`` stands for the first of ``names``.

    What is not ``kept`` prepared is parsed anew each time: a text that holds a value.
    """

    text: bytes
    names: tuple[str, ...] = ()
    kept: bool = True


@lru_cache(maxsize=512)
def query_of(sql: LiteralString) -> Query:
    """Return the query of a text with places such as ``%(id)s``."""
    names = tuple(dict.fromkeys(_PLACE.findall(sql)))
    return Query(_PLACE.sub(lambda found: f"${names.index(found.group(1)) + 1}", sql).encode(), names)


@frozen
class Reply:
    """What one query came to: its rows, and how many it has written or returned."""

    rows: list[Row]
    count: int


Sent: TypeAlias = "tuple[Query, Mapping[str, object]]"
_Key: TypeAlias = "tuple[Query, tuple[int, ...]]"
"""A statement is prepared for the types of its parameters."""
_New: TypeAlias = "tuple[_Key, bytes]"


class PostgresConnection(psycopg.AsyncConnection[Row]):
    """psycopg's connection, with round trips of many queries, each prepared at its first use."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept: dict[_Key, bytes] = {}
        self._numbers = count()
        self._transformer: abc.Transformer | None = None

    async def round_trip(self, sent: Sequence[Sent]) -> list[Reply]:
        """Send queries with their parameters together, and return what each came to.

        Raises psycopg.Error for the first that fails; those after it are not executed. Where the server does not answer
        at all, that ends the connection.
        """
        transformer = self._transformer = self._transformer or Transformer(self)
        bound = [_Bound.of(query, parameters, transformer) for query, parameters in sent]
        coming: list[_New | None] = []
        self.pgconn.enter_pipeline_mode()
        try:
            coming = self._send(bound)
            self.pgconn.pipeline_sync()
            results = await self.wait(_received(self.pgconn), interval=ANSWER_SECONDS)
            self.pgconn.exit_pipeline_mode()
        except BaseException:
            self._leave_pipeline()
            if any(coming):
                self.pgconn.finish()  # what was prepared is not known
            raise
        return self._replies(results, coming, transformer)

    def _send(self, bound: Sequence[_Bound]) -> list[_New | None]:
        """Put queries on their way; return for each result to come what it prepares, None where it executes."""
        coming: list[_New | None] = []
        new: dict[_Key, bytes] = {}
        for one in bound:
            if one.query.kept:
                key = one.query, one.types
                name = self._kept.get(key) or new.get(key)
                if name is None:
                    name = new[key] = b"clincore_%d" % next(self._numbers)
                    self.pgconn.send_prepare(name, one.query.text, one.types)
                    coming.append((key, name))
                self.pgconn.send_query_prepared(name, one.values, one.formats)
            else:
                self.pgconn.send_query_params(one.query.text, one.values, one.types, one.formats)
            coming.append(None)
        return coming

    def _replies(
        self, results: Sequence[pq.abc.PGresult], coming: Sequence[_New | None], transformer: abc.Transformer
    ) -> list[Reply]:
        replies = []
        for result, new in zip(results, coming, strict=False):
            if result.status in _FAILED:
                error = error_from_result(result, self.info.encoding)
                if error.sqlstate in OUTDATED:
                    self.pgconn.finish()
                raise error
            if new is not None:
                self._kept[new[0]] = new[1]
                continue
            rows: list[Row] = []
            if result.status == pq.ExecStatus.TUPLES_OK and result.ntuples:
                transformer.set_pgresult(result)
                rows = transformer.load_rows(0, result.ntuples, tuple)
            replies.append(Reply(rows, result.command_tuples or 0))
        return replies

    def _leave_pipeline(self) -> None:
        """Return to plain queries, or hang up where answers are still on their way."""
        try:
            self.pgconn.exit_pipeline_mode()
        except psycopg.Error:
            self.pgconn.finish()


@frozen
class _Bound:
    """A query with its parameters as the server takes them."""

    query: Query
    values: Sequence[pq.abc.Buffer | None]
    types: tuple[int, ...]
    formats: Sequence[pq.Format]

    @classmethod
    def of(cls, query: Query, parameters: Mapping[str, object], transformer: abc.Transformer) -> _Bound:
        names = query.names
        if not names:
            return cls(query, (), (), ())
        values = transformer.dump_sequence([parameters[name] for name in names], [PyFormat.AUTO] * len(names))
        return cls(query, values, transformer.types or (), transformer.formats or ())


def _received(pgconn: pq.abc.PGconn) -> Generator[Wait, Ready | int | None, list[pq.abc.PGresult]]:
    """Receive every result up to the end of the pipeline; yields where it must wait for the server."""
    while pgconn.flush():
        if _answered((yield Wait.RW)) & Ready.R:
            pgconn.consume_input()
    results: list[pq.abc.PGresult] = []
    is_between = False
    while True:
        while pgconn.is_busy():
            if _answered((yield Wait.R)):
                pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            if is_between:
                raise psycopg.OperationalError("the server has hung up")
            is_between = True
            continue
        is_between = False
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            return results
        results.append(result)


def _answered(ready: Ready | int | None) -> int:
    """Return what the line is ready for; raises psycopg.OperationalError where it is not within the time.

    Who takes over the waiting, as psycopg does to cancel, asks first, with None.
    """
    if ready is None:
        return 0
    if not ready:
        raise psycopg.OperationalError("the server does not answer")
    return ready
