"""The HTTP protocol of ``clincore serve``: what is no HTTP is answered with problem details, as everything else is."""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast
from uuid import uuid4

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from clincore.domain.limits import HEAD_BYTES
from clincore.entrypoints.cli.answer_transport import AnswerTransport
from clincore.entrypoints.cli.held_flow import HeldFlow
from clincore.entrypoints.http.logs import log_unreadable
from clincore.entrypoints.http.problems import HEADERS_TOO_LARGE, TOO_LARGE_HEAD, UNREADABLE, problem
from clincore.entrypoints.http.request_ids import request_id_of

if TYPE_CHECKING:
    import asyncio

    from starlette.types import Scope

    from clincore.entrypoints.http.problems import ProblemType

_CLOSING: Final = {"Connection": "close", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_LISTENING_SECONDS: Final = 2.0
_LISTENING_BYTES: Final = 16 * 1024 * 1024
_PART: Final = 4096
"""Bytes of one client that are read at a time: few requests are in as many, and others wait a moment only."""
_FRAMING: Final = 8
"""Bytes that a byte of a chunked body may bring along: more than a chunk of its own needs."""
_SAYS_WHERE_IT_ENDS: Final = frozenset([b"content-length", b"transfer-encoding"])
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
    FRAMING = "a head that was read before, but for what says where the body ends"
    BODY = "the body"


class _NoHttp(Exception):
    """What the parser takes and HTTP/1.1 does not."""


class ProblemProtocol(HttpToolsProtocol):
    """Uvicorn's, which sets no limit to headers and to pipelining, and answers what is no HTTP in plain text.

    A request is read once those before it are answered, but for those that came in the same few bytes.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.reading = Reading.NOTHING
        self.fault: tuple[_Fault, str | None] | None = None
        """What is wrong with a request that is refused once those before it are answered, and its id if it has one."""
        self._held = b""
        """What has come and is not read yet."""
        self._besides = 0
        """Bytes of the request that is being read which are no body: its head, chunks' sizes, trailers."""
        self._framing: list[bytes] = []
        """The headers of a request that offers another protocol which say where its body ends."""
        self._has_ended = False
        """Whether the client has said that it sends no more; it may still wait for answers."""
        self._is_left = False
        self._forgotten = 0
        """Bytes that came after it was left."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = self._flow = HeldFlow(transport)

    def data_received(self, data: bytes) -> None:
        if self._is_left:
            self._forgotten += len(data)
            if self._forgotten > _LISTENING_BYTES:
                self.transport.abort()
        elif self.fault is None:
            self._held += data
            self._read_on()

    def eof_received(self) -> bool:  # type: ignore[override]
        self._has_ended = True
        return not self._is_left and (self._is_answering or bool(self._held))

    def _read_on(self) -> None:
        """Read a part of what has come, and the next one when others had their turn."""
        if self._is_left or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        if not self._is_answering:
            part, self._held = self._held[:_PART], self._held[_PART:]
            try:
                self._read(part)
            except HttpParserError:
                self._refuse_request(_NO_HTTP)
            else:
                if self._besides > HEAD_BYTES:
                    self._refuse_request(_TOO_LARGE)
        if self._is_left or self.fault is not None:
            self._held = b""
            return
        self._flow.hold(bool(self._held))
        self._go_on()

    def _go_on(self) -> None:
        """Read what is held, unless it has to wait; hang up where nothing is and nothing more comes."""
        if self._is_answering:
            return
        if self._held:
            self.loop.call_soon(self._read_on)
        elif self._has_ended:
            self.transport.close()

    @property
    def _is_answering(self) -> bool:
        """Whether what comes next has to wait: a request that has come whole is not answered yet."""
        cycle = self.cycle
        is_whole = self.reading is not Reading.BODY and cycle is not None and not cycle.response_complete
        return is_whole or bool(self.pipeline)

    def _read(self, data: bytes) -> None:
        """Parse; where a request offers another protocol, it and what follows are still HTTP/1.1."""
        self._besides += len(data)
        while data:
            try:
                self.parser.feed_data(data)
            except HttpParserUpgrade as offered:
                data = data[offered.args[0] :]
                if self._framing:
                    self._read_body_anew()
            else:
                return

    def _read_body_anew(self) -> None:
        """Let a parser that has seen no offer read a body, which the one that has would leave to the other protocol."""
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self.reading = Reading.FRAMING
        self.parser.feed_data(b"\r\n".join([b"POST / HTTP/1.1", *self._framing, b"", b""]))

    # --- what the parser calls --------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self.reading is not Reading.FRAMING:
            self.reading = Reading.HEAD
            super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self.reading is Reading.HEAD:
            version = self.parser.get_http_version()
            self._require_http(version)
            super().on_headers_complete()
            self.cycle.waiting_for_100_continue &= version != "1.0"
            if self.scope["method"] != "HEAD":  # to which there is no body
                self.cycle.transport = AnswerTransport(self.transport, self.cycle, self._end)
            self.headers = []  # trailers, which nobody asks for, are no headers
            self._besides = 0
        self.reading = Reading.BODY

    def on_body(self, body: bytes) -> None:
        self._besides = max(0, self._besides - (1 + _FRAMING) * len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._framing and self.parser.should_upgrade():
            return  # its body comes yet
        super().on_message_complete()
        self.reading = Reading.NOTHING
        self._besides = 0
        if not self.parser.should_keep_alive():  # a trailer can say so too
            self.cycle.keep_alive = False
            if self.cycle.response_complete:
                self.transport.close()

    def _require_http(self, version: str) -> None:
        """RFC 9112: 3.2 asks for one Host, 6.1 for no other coding than can be read, and for none in HTTP/1.0."""
        names = [name for name, _ in self.headers]
        hosts = names.count(b"host")
        is_as_asked = version in _VERSIONS and (hosts == 1 or (not hosts and version == "1.0"))
        if b"transfer-encoding" in names:
            codings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
            is_as_asked = is_as_asked and version == "1.1" and codings == [b"chunked"]
        if not is_as_asked:
            raise _NoHttp
        framing = _SAYS_WHERE_IT_ENDS if self.parser.should_upgrade() else None
        self._framing = [b"%s: %s" % header for header in self.headers if header[0] in framing] if framing else []

    # --- refusing ---------------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        if self._is_left:
            return
        if self.fault is None or self.pipeline:
            super().on_response_complete()
            if not self.transport.is_closing():
                self._go_on()
        elif not self.transport.is_closing():
            (kind, detail), request_id = self.fault
            self.refuse(kind, detail, request_id)
            self.leave()

    def _refuse_request(self, fault: _Fault) -> None:
        """Answer the request that is being read, after those before it, and hang up."""
        cycle = self.cycle
        is_own = cycle is not None and self.reading is Reading.BODY
        is_queued = bool(self.pipeline) and self.pipeline[0][0] is cycle
        request_id = request_id_of(cast("Scope", cycle.scope)) if is_own else None
        if is_own and is_queued:
            self.pipeline.popleft()
        if (is_own and is_queued) or not (is_own or cycle is None or cycle.response_complete):
            self.fault = fault, request_id
            self.transport.pause_reading()
            return
        if not (is_own and cycle.response_started):
            self.refuse(*fault, request_id)
        self.leave()

    def _end(self) -> None:
        """Hang up after an answer, which a client that is still sending must not lose."""
        if self.reading is Reading.NOTHING and not self._held:
            self.transport.close()
        else:
            self.leave()

    def refuse(self, kind: ProblemType, detail: str, given_id: str | None = None) -> None:
        """Answer with a problem before any application has seen a request."""
        request_id = given_id or str(uuid4())
        answer = problem(kind, detail, headers={**_CLOSING, "X-Request-ID": request_id})
        lines = [f"HTTP/1.1 {kind.status} {HTTPStatus(kind.status).phrase}".encode()]
        lines += [b"%s: %s" % header for header in (*self.server_state.default_headers, *answer.raw_headers)]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(answer.body)]))
        log_unreadable(request_id, kind.status)

    def leave(self) -> None:
        """Say no more and listen a moment longer: were the connection cut while the client sends, it could lose the
        answer.
        """
        transport: asyncio.Transport = self.transport
        if self._is_left or transport.is_closing() or not transport.can_write_eof():
            transport.abort()
            return
        self._is_left = True
        self.pipeline.clear()
        self._unset_keepalive_if_required()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.waiting_for_100_continue = False
            self.cycle.message_event.set()
        try:
            transport.write_eof()
        except OSError:  # the client has left already
            transport.abort()
            return
        transport.resume_reading()
        self.loop.call_later(_LISTENING_SECONDS, transport.abort)
