"""A running service as a target: its HTTP interface, and its operator beside it."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.client import HTTPConnection
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode, urlsplit

from attrs import define, field

from clincore.domain.usage import Endpoint
from clincore.testing.model.calls import Refusal
from clincore.testing.model.operator import ServicesOperator
from clincore.testing.model.services_target import engine_of
from clincore.wiring import open_clincore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from clincore.testing.model.calls import Answer, Call, Json
    from clincore.testing.model.engine import Engine
    from clincore.testing.model.services_target import OpenDatabase
    from clincore.testing.model.target import Operator, Tamper

_PROBLEM: Final = "urn:clincore:problem:"
_TIMEOUT: Final = 60
_IDLE: Final = 2
_END_OF_DAY: Final = timedelta(seconds=5)


@define
class HttpTarget:
    """Speaks to one service over one connection; the service goes by the system's clock."""

    _connection: HTTPConnection
    operator: Operator
    engine: Engine
    free_tier_limit: int
    bootstrap_token: str
    tamper: Tamper | None
    moves_time: bool = False
    _last: datetime = field(factory=lambda: datetime.now(UTC))
    _used: float = 0.0

    def begin(self) -> None:
        """Nothing is to be put back: tenants are new in each example, and time goes by."""

    def now(self) -> datetime:
        """Return a later moment each time, so that what is made one after the other is so ordered.

        The end of a day (UTC) is waited out: of a call between two days nobody could say which one counts it.
        """
        at = datetime.now(UTC)
        if (at + _END_OF_DAY).date() != at.date():
            sleep(_END_OF_DAY.total_seconds())
            at = datetime.now(UTC)
        self._last = max(at, self._last + timedelta(microseconds=1))
        return self._last

    def let_pass(self, duration: timedelta) -> None:
        raise NotImplementedError("a service goes by the system's clock")

    def bootstrap(self, name: str, token: str | None) -> Answer:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self._send("POST", "/bootstrap", headers, {"tenant_name": name})

    def answer(self, call: Call) -> Answer:
        method, _, route = call.endpoint.partition(" ")
        path = route.replace("{id}", call.id or "").replace("{key_id}", call.id or "")
        if call.query:
            path += "?" + urlencode({name: _text(value) for name, value in call.query.items()}, quote_via=quote)
        headers = {"X-API-Key": call.key, "X-Request-ID": call.request_id}
        if call.once is not None:
            headers["Idempotency-Key"] = call.once
        if method == "PATCH":
            headers["If-Match"] = "*" if call.revision is None else f'"{call.revision}"'
        sends_body = method in ("POST", "PATCH") and (call.body or call.endpoint is Endpoint.ROTATE_KEY)
        return self._send(method, path, headers, call.body if sends_body else None)

    def _send(self, method: str, path: str, headers: dict[str, str], body: Mapping[str, Any] | None) -> Answer:
        content = None if body is None else encoded(body).encode()
        if content is not None:
            headers["Content-Type"] = "application/json"
        if monotonic() - self._used > _IDLE:  # the service closes what nobody uses
            self._connection.close()
        self._used = monotonic()
        self._connection.request(method, path, content, headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        assert response.getheader("X-Request-ID", "") == headers.get("X-Request-ID", response.getheader("X-Request-ID"))
        answered: Json = json.loads(text, parse_float=Decimal)
        if response.status < 300:
            assert ('rel="next"' in response.getheader("Link", "")) == (answered.get("next") is not None)
            assert "revision" not in answered or response.getheader("ETag") == f'"{answered["revision"]}"'
            answered.pop("message", None)  # what a person is told of a key just made
            return answered
        assert response.getheader("Content-Type") == "application/problem+json"
        assert answered["status"] == response.status
        assert answered["type"].startswith(_PROBLEM)
        paths = tuple(problem["path"] for problem in answered.get("errors", ()))
        return Refusal(answered["type"].removeprefix(_PROBLEM), answered["detail"], paths)


def encoded(value: Any) -> str:
    """Write JSON; Decimals as the numbers that they are, times as RFC 3339."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return json.dumps(_text(value))
    if isinstance(value, list | tuple):
        return f"[{','.join(map(encoded, value))}]"
    if hasattr(value, "items"):
        return f"{{{','.join(f'{json.dumps(name)}:{encoded(item)}' for name, item in value.items())}}}"
    return json.dumps(value)


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


@contextmanager
def http_target(
    base_url: str,
    open_as_operator: OpenDatabase,
    *,
    bootstrap_token: str,
    free_tier_limit: int,
    tamper: Tamper | None = None,
    cache_directory: Path | None = None,
) -> Iterator[HttpTarget]:
    """Speak to the service at ``http://host:port``, and open its database as its operator does.

    The service must run with the starter repertory and the given token and limit.
    """
    parts = urlsplit(base_url)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT)
        try:
            database = runner.run(stack.enter_async_context(open_as_operator()))
            core = runner.run(stack.enter_async_context(open_clincore(database, cache_directory=cache_directory)))
            yield HttpTarget(
                connection=connection,
                operator=ServicesOperator(core, runner),
                engine=engine_of(core, runner),
                free_tier_limit=free_tier_limit,
                bootstrap_token=bootstrap_token,
                tamper=tamper,
            )
        finally:
            connection.close()
            runner.run(stack.aclose())
