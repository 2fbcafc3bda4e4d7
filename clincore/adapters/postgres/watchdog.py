"""Gives up on a server that does not answer at all, which no timeout of the server's own can notice."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

ANSWER_SECONDS: Final = 15.0
"""More than the server's own statement_timeout, which comes first where the server works."""


@contextmanager
def answer_expected(connection: psycopg.AsyncConnection[Any]) -> Iterator[None]:
    """Hang up where the block takes longer than 15 seconds: the driver then sees a closed connection."""
    timer = asyncio.get_running_loop().call_later(ANSWER_SECONDS, _hang_up, connection)
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(connection: psycopg.AsyncConnection[Any]) -> None:
    with suppress(OSError, ValueError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
