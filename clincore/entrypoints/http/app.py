"""The ASGI application: one request in, one answer or one problem out, one line of log."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Router

from clincore.domain.errors import ClinCoreError
from clincore.domain.limits import CALLS_AT_ONCE, HEAD_BYTES, LARGE_BODIES_AT_ONCE
from clincore.entrypoints.http.dispatch import Dispatch
from clincore.entrypoints.http.lifecycle import Lifecycle
from clincore.entrypoints.http.logs import log_fault, log_request
from clincore.entrypoints.http.pages import PAGES
from clincore.entrypoints.http.problems import (
    BUSY,
    HEADERS_TOO_LARGE,
    NO_METHOD,
    NO_ROUTE,
    STARTING,
    TOO_LARGE_HEAD,
    UNREADABLE,
    internal,
    problem,
    problem_of,
)
from clincore.entrypoints.http.request_ids import request_id_of
from clincore.entrypoints.http.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.responses import Response
    from starlette.types import Message, Receive, Scope, Send

# Answers go by a key that caches know nothing of.
_ALWAYS: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
# RFC 9112, section 6.1: with both, what stands between may have read another request than this server.
_FRAMING: Final = frozenset([b"content-length", b"transfer-encoding"])
_WITHOUT_DATABASE: Final = frozenset(["/health", "/ready", "/version", *(page.path for page in PAGES)])


class Application:
    """ClinCore over HTTP; what it works with is opened and closed by the server's lifespan."""

    def __init__(self, lifecycle: Lifecycle, calls_at_once: int = CALLS_AT_ONCE) -> None:
        self._lifecycle = lifecycle
        self._calls_at_once = calls_at_once
        self._calls = 0
        self._large_bodies = asyncio.Semaphore(LARGE_BODIES_AT_ONCE)
        routes = [*ROUTES, *PAGES]
        self._dispatch = Dispatch(routes)
        self._router = Router(routes, redirect_slashes=False)

    @property
    def failure(self) -> str | None:
        """Why it ended itself after it had started, if it did."""
        return self._lifecycle.failure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifecycle.run(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request_id = request_id_of(scope)
        scope["app"] = self  # the router then raises for 404 and 405 instead of answering in plain text
        scope["clincore.core"] = self._lifecycle.core
        scope["clincore.large_bodies"] = self._large_bodies
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_ALWAYS, (b"x-request-id", request_id.encode())]
            await send(message)

        async def receive_uncounted() -> Message:
            self._calls -= 1  # who waits for a body is not at work: slow clients keep nobody else out
            try:
                return await receive()
            finally:
                self._calls += 1

        self._calls += 1
        try:
            refusal = await self._answer(scope, receive_uncounted, send_with_id)
            if refusal is not None and status is None:
                await refusal(scope, receive_uncounted, send_with_id)
        finally:
            self._calls -= 1
            log_request(scope, status, time.perf_counter() - started)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> Response | None:
        """Let the router answer; return the problem where it refused or failed."""
        framing = _FRAMING.intersection([name for name, _ in scope["headers"]])
        scope["clincore.has_body"] = bool(framing)
        if (refusal := self._refused(scope, framing)) is not None:
            return refusal
        try:
            if not await self._dispatch.handled(scope, receive, send):
                await self._router(scope, receive, send)
        except HTTPException as error:
            return self._no_such(scope, error)
        except ClientDisconnect:
            return None
        except asyncio.CancelledError:  # the server stops, and its grace is over
            return problem(STARTING, "The service is stopping; whether the call was done is unknown.")
        except Exception as error:  # the last resort: nothing of it may reach the client, or the log in clear
            refusal = problem_of(error) if isinstance(error, ClinCoreError) else None
            if refusal is None:
                log_fault(scope["clincore.request_id"], error)
            return refusal or internal()
        return None

    def _refused(self, scope: Scope, framing: Collection[bytes]) -> Response | None:
        if _head_bytes(scope) > HEAD_BYTES:
            return problem(HEADERS_TOO_LARGE, TOO_LARGE_HEAD)
        if len(framing) > 1:
            return problem(UNREADABLE, "Send either Content-Length or Transfer-Encoding: with both, readers disagree.")
        is_busy = self._calls > self._calls_at_once
        if (self._lifecycle.is_serving and not is_busy) or scope["path"] in _WITHOUT_DATABASE:
            return None
        if not self._lifecycle.is_serving:
            return problem(STARTING, self._lifecycle.waiting_for)
        return problem(BUSY, "The service works on as many calls as it takes on at once. Try again shortly.")

    def _no_such(self, scope: Scope, error: HTTPException) -> Response:
        if error.status_code == NO_METHOD.status:
            allowed = self._methods_at(scope)
            return problem(NO_METHOD, f"This address takes {allowed}.", headers={"Allow": allowed})
        if error.status_code == NO_ROUTE.status:
            return problem(NO_ROUTE, "There is nothing at this address; /docs describes what there is.")
        return internal()

    def _methods_at(self, scope: Scope) -> str:
        at_path = [route for route in self._router.routes if route.matches(scope)[0] is not Match.NONE]
        methods = {method for route in at_path for method in getattr(route, "methods", None) or ()}
        return ", ".join(sorted(methods))


def _head_bytes(scope: Scope) -> int:
    """The bytes of the request line and the headers, each written without a blank too many."""
    query = scope["query_string"]
    target = len(scope.get("raw_path") or scope["path"]) + (len("?") + len(query) if query else 0)
    line = len(scope["method"]) + len(" ") + target + len(" HTTP/1.1\r\n")
    headers = [len(name) + len(value) + len(": \r\n") for name, value in scope["headers"]]
    return line + sum(headers) + len("\r\n")
