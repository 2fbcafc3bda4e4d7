"""What one answer is written to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class AnswerTransport(asyncio.Transport):
    """Sends the head of an answer with the first of its body, in one system call and packet.

    ``end`` hangs up after it.
    """

    def __init__(self, transport: asyncio.Transport, cycle: RequestResponseCycle, end: Callable[[], None]) -> None:
        super().__init__()
        self._transport = transport
        self._cycle = cycle
        self._end = end
        self._head: bytes | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._head is None and self._cycle.response_started:  # else it is 100 Continue
            self._head = bytes(data)
        elif self._head:
            data, self._head = self._head + data, b""
            self._transport.write(data)
        else:
            self._transport.write(data)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self._end()
