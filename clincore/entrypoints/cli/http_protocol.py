"""The HTTP protocol of ``clincore serve``: what is no HTTP is answered with problem details, as everything else is."""

from __future__ import annotations

import asyncio
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from uvicorn.protocols.http.h11_impl import H11Protocol

from clincore.entrypoints.http.logs import log_unreadable
from clincore.entrypoints.http.problems import HEADERS_TOO_LARGE, UNREADABLE, problem

if TYPE_CHECKING:
    from clincore.entrypoints.http.problems import ProblemType

_CLOSING: Final = {"Connection": "close", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_LISTENING_SECONDS: Final = 2.0
_DETAIL: Final = (
    "What came is no HTTP/1.1 request that can be read: look at the request line, the header Host, the other headers "
    "and the chunks of the body. The connection is closed."
)
_TOO_LARGE_DETAIL: Final = "The request line and the headers are too large together. The connection is closed."


class ProblemProtocol(H11Protocol):
    """Uvicorn's, except for its one answer that no application gets to see, which is plain text without an id."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Answer what h11 has just refused, unless an answer is under way already, and hang up."""
        hint = getattr(sys.exc_info()[1], "error_status_hint", 400)
        kind, detail = (HEADERS_TOO_LARGE, _TOO_LARGE_DETAIL) if hint == 431 else (UNREADABLE, _DETAIL)
        running = self.cycle is not None and not self.cycle.response_complete
        if not (running and self.cycle.response_started):
            request_id = self.scope.get("clincore.request_id") if running else None
            self.refuse(kind, detail, request_id)
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


class _Deaf(asyncio.Protocol):
    """Reads, and forgets what it reads, until the client ends the connection too."""
