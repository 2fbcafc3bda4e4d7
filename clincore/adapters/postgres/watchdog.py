"""Gives up on a server that does not answer at all, which no timeout of the server's own can notice."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import psycopg

ANSWER_SECONDS: Final = 15.0
"""More than the server's own statement_timeout, which comes first where the server works."""


class answer_expected:  # noqa: N801 - read as a function
    """Hang up where the block takes longer than 15 seconds: the driver then sees a closed connection."""

    __slots__ = ("_connection", "_timer")

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(ANSWER_SECONDS, _hang_up, self._connection)

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _hang_up(connection: psycopg.AsyncConnection[Any]) -> None:
    with suppress(OSError, ValueError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
