"""Clients that are slow, or many, hurt nobody else: for how long and for how many of them the server waits.

uvicorn limits in time only how long a connection idles between two requests. Its limit_concurrency would let idle
connections shut everybody out.
"""

from __future__ import annotations

import asyncio
import time
from enum import Enum
from typing import TYPE_CHECKING, Any

from attrs import frozen

from clincore.domain.limits import BODY_SECONDS, CALLS_AT_ONCE
from clincore.entrypoints.cli.http_protocol import ProblemProtocol, Reading
from clincore.entrypoints.http.problems import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterable


@frozen(kw_only=True)
class Limits:
    """How many connections a server holds, and what it grants its clients, in seconds."""

    connections: int = CALLS_AT_ONCE
    """Past them those who keep the server waiting make room; past twice as many nobody is let in."""
    head: float = 10.0
    """To send a request's headers."""
    body: float = BODY_SECONDS + 5.0
    """To send a body, where the application does not refuse it before."""
    answer: float = 60.0
    """To take an answer."""
    grace: int = 25
    """To what is running when the server is told to stop."""
    start: float = 0.5
    """To a client, before its connection has to make room for another's."""
    look: float = 1.0
    """Between two looks at the clock."""


class Turn(Enum):
    """What a connection waits for."""

    HEAD = "the client, to send a request"
    BODY = "the client, to send a body"
    ANSWER = "the client, to take what was sent"
    OURS = "the service"


class Connection(ProblemProtocol):
    """One client's connection, which knows since when it waits for what."""

    def __init__(self, *, limits: Limits, **given: Any) -> None:
        super().__init__(**given)
        self._limits = limits
        self._seen: tuple[object, Turn] | None = None
        self.since = time.monotonic()
        """When it was first seen to wait for what it waits for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        surplus = len(self.connections) - self._limits.connections
        if surplus > self._limits.connections:
            transport.abort()
        elif surplus > 0:
            self._make_room()

    @property
    def turn(self) -> Turn:
        cycle = self.cycle
        if self.transport.get_write_buffer_size() > 0:
            return Turn.ANSWER
        if self.reading is Reading.BODY and not self.pipeline and self.fault is None:
            return Turn.BODY
        return Turn.HEAD if cycle is None or cycle.response_complete else Turn.OURS

    def look(self, now: float) -> None:
        """Hang up where the client has had its time."""
        turn = self.turn
        if self._seen is None or self._seen[0] is not self.cycle or self._seen[1] is not turn:
            self._seen = (self.cycle, turn)
            self.since = now
        elif turn is not Turn.OURS and now - self.since > self._granted(turn):
            self._hang_up(turn)

    def _granted(self, turn: Turn) -> float:
        limits = self._limits
        return {Turn.HEAD: limits.head, Turn.BODY: limits.body, Turn.ANSWER: limits.answer}[turn]

    def _hang_up(self, turn: Turn) -> None:
        if turn is not Turn.HEAD:
            self.transport.abort()
            return
        if self.reading is Reading.HEAD and not self.transport.is_closing():
            detail = f"The headers have to arrive within {self._limits.head:.0f} seconds. The connection is closed."
            self.refuse(TIMEOUT, detail)
        self.leave()

    def _make_room(self) -> None:
        """End the connection that has waited for its client longest."""
        before = time.monotonic() - self._limits.start
        there = [one for one in self.connections if isinstance(one, Connection) and one is not self]
        waiting = [one for one in there if one.since <= before and one.turn is not Turn.OURS]
        if waiting:
            min(waiting, key=lambda one: one.since).transport.abort()


async def watch(connections: Iterable[Any], every: float) -> None:
    """Look at all connections again and again."""
    while True:
        await asyncio.sleep(every)
        now = time.monotonic()
        for connection in list(connections):
            if isinstance(connection, Connection):
                connection.look(now)
