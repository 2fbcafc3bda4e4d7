"""The HTTP protocol of ``clincore serve``: what is no HTTP is answered with problem details, as everything else is."""

from __future__ import annotations

import asyncio
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import uuid4

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from clincore.domain.limits import HEAD_BYTES
from clincore.entrypoints.http.logs import log_unreadable
from clincore.entrypoints.http.problems import HEADERS_TOO_LARGE, TOO_LARGE_HEAD, UNREADABLE, problem

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from clincore.entrypoints.http.problems import ProblemType

_CLOSING: Final = {"Connection": "close", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_LISTENING_SECONDS: Final = 2.0
_FRAMING: Final = 8
"""Bytes that a byte of a chunked body may bring along: more than a chunk of its own needs."""
_VERSIONS: Final = frozenset(["1.0", "1.1"])
_Fault: TypeAlias = "tuple[ProblemType, str]"
_NO_HTTP: Final[_Fault] = (
    UNREADABLE,
    "What came is no HTTP/1.1 request that can be read: look at the request line, the header Host, the other headers "
    "and the chunks of the body. The connection is closed.",
)
_TOO_LARGE: Final[_Fault] = (HEADERS_TOO_LARGE, TOO_LARGE_HEAD)


class Reading(Enum):
    """What of a request comes next."""

    NOTHING = "its first byte"
    HEAD = "the request line and the headers"
    BODY = "the body"


class _NoHttp(Exception):
    """What the parser takes and HTTP/1.1 does not."""


class ProblemProtocol(HttpToolsProtocol):
    """Uvicorn's, which sets no limit to headers, asks for no Host, and answers what is no HTTP in plain text."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.reading = Reading.NOTHING
        self._besides = 0
        """Bytes of the request that is being read which are no body: its head, chunks' sizes, trailers."""
        self._fault: _Fault | None = None
        """What was wrong with a request that came while others are still answered."""

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if self._fault is not None:
            return
        self._besides += len(data)
        try:
            self._read(data)
        except HttpParserError:
            self._refuse_request(_NO_HTTP)
        else:
            if self._besides > HEAD_BYTES:
                self._refuse_request(_TOO_LARGE)

    def _read(self, data: bytes) -> None:
        """Parse; where another protocol is offered, what follows is still HTTP/1.1."""
        while data:
            try:
                self.parser.feed_data(data)
            except HttpParserUpgrade as offered:
                data = data[offered.args[0] :]
            else:
                return

    # --- what the parser calls --------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self.reading = Reading.HEAD
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        hosts = sum(name == b"host" for name, _ in self.headers)
        if version not in _VERSIONS or hosts > 1 or (not hosts and version == "1.1"):  # RFC 9112, section 3.2
            raise _NoHttp
        super().on_headers_complete()
        if self.scope["method"] != "HEAD":  # to which there is no body
            self.cycle.transport = _Joining(self.transport, self.cycle)
        self.headers = []  # trailers, which nobody asks for, are no headers
        self.reading = Reading.BODY

    def on_body(self, body: bytes) -> None:
        self._besides -= (1 + _FRAMING) * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.reading = Reading.NOTHING
        self._besides = 0

    # --- refusing ---------------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        if self._fault is None or self.pipeline:
            super().on_response_complete()
        elif not self.transport.is_closing():
            self.refuse(*self._fault)
            self.leave()

    def _refuse_request(self, fault: _Fault) -> None:
        """Answer the request that is being read, after those before it, and hang up."""
        cycle = self.cycle
        is_own = cycle is not None and self.reading is Reading.BODY
        is_queued = bool(self.pipeline) and self.pipeline[0][0] is cycle
        if is_own and is_queued:
            self.pipeline.popleft()
        if (is_own and is_queued) or not (is_own or cycle is None or cycle.response_complete):
            self._fault = fault
            self.flow.pause_reading()
            return
        if not (is_own and cycle.response_started):
            self.refuse(*fault, cycle.scope.get("clincore.request_id") if is_own else None)
        self.leave()

    def refuse(self, kind: ProblemType, detail: str, given_id: object = None) -> None:
        """Answer with a problem before any application has seen a request."""
        request_id = str(given_id or uuid4())
        answer = problem(kind, detail, headers={**_CLOSING, "X-Request-ID": request_id})
        lines = [f"HTTP/1.1 {kind.status} {HTTPStatus(kind.status).phrase}".encode()]
        lines += [b"%s: %s" % header for header in (*self.server_state.default_headers, *answer.raw_headers)]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(answer.body)]))
        log_unreadable(request_id, kind.status)

    def leave(self) -> None:
        """Say no more and listen a moment longer: were the connection cut while the client sends, it could lose the
        answer.
        """
        transport = self.transport
        if transport.is_closing() or not transport.can_write_eof():
            transport.close()
            return
        self.connection_lost(ConnectionAbortedError())
        transport.set_protocol(_Deaf())
        transport.write_eof()
        transport.resume_reading()
        self.loop.call_later(_LISTENING_SECONDS, transport.abort)


class _Joining(asyncio.Transport):
    """What one answer is written to: its head goes out with the first of its body, in one system call and packet."""

    def __init__(self, transport: asyncio.Transport, cycle: RequestResponseCycle) -> None:
        super().__init__()
        self._transport = transport
        self._cycle = cycle
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
        self._transport.close()


class _Deaf(asyncio.Protocol):
    """Reads, and forgets what it reads, until the client ends the connection too."""
