"""One call of the service: its route, who may make it, and what OpenAPI says of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import field, frozen
from starlette.routing import Route

from clincore.entrypoints.http import problems
from clincore.entrypoints.http.queries import PageQuery
from clincore.entrypoints.http.reading import pass_over_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msgspec import Struct
    from starlette.requests import Request
    from starlette.responses import Response

    from clincore.entrypoints.http.problems import ProblemType

Handler: TypeAlias = "Callable[[Request], Awaitable[Response]]"


class Access(StrEnum):
    """Who may make a call."""

    ANYONE = "anyone"
    ANYONE_OR_KEY = "anyone; a key that is sent must be valid"
    TOKEN = "the bootstrap token"  # noqa: S105
    KEY = "any key"
    ADMIN = "an admin key"


@frozen(kw_only=True)
class Operation:
    """``body`` and ``query`` are the types that the handler reads, ``answer`` the one that it makes.

    ``refusals`` are those problems that do not follow from the other fields. ``example`` is the answer's, and
    ``sends`` the body's or, by name, the parameters'. ``links`` name the operations that the answer's fields, by
    runtime expression, can be handed to.
    """

    name: str
    method: str
    path: str
    handler: Handler
    tag: str
    summary: str
    description: str = ""
    access: Access = Access.KEY
    query: type[Struct] | None = None
    body: type[Struct] | None = None
    is_body_optional: bool = False
    is_repeatable: bool = False
    """Whether it honours Idempotency-Key."""
    is_edit: bool = False
    """Whether it needs If-Match."""
    status: int = 200
    answer: type[Struct]
    headers: Mapping[str, str] = field(factory=dict)
    """Headers of the answer, with what they mean."""
    refusals: tuple[ProblemType, ...] = ()
    sends: Mapping[str, Any] = field(factory=dict)
    example: Mapping[str, Any]
    links: Mapping[str, Mapping[str, Any]] = field(factory=dict)

    def route(self) -> Route:
        handler = self.handler if self.body else _once_whole(self.handler)
        return Route(self.path, handler, methods=[self.method], name=self.name)

    @property
    def label(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def takes_key(self) -> bool:
        return self.access in (Access.KEY, Access.ADMIN)

    @property
    def problems(self) -> tuple[ProblemType, ...]:
        """Every problem that the call can answer with, by status."""
        found = {*self.refusals, problems.INTERNAL}
        if self.access is not Access.ANYONE and self.access is not Access.TOKEN:
            found |= {problems.UNAUTHENTICATED, problems.DATABASE}
        if self.access in (Access.KEY, Access.ADMIN, Access.TOKEN):
            found |= {problems.STARTING, problems.DATABASE, problems.BUSY}
        if self.access is Access.ADMIN:
            found |= {problems.FORBIDDEN}
        if self.body is not None:
            found |= {problems.MALFORMED, problems.TIMEOUT, problems.TOO_LARGE, problems.MEDIA_TYPE, problems.INVALID}
        if self.query is not None:
            found |= {problems.INVALID}
            if issubclass(self.query, PageQuery):
                found |= {problems.INVALID_CURSOR}
        if self.is_edit:
            found |= {problems.REVISION_REQUIRED, problems.REVISION_MISMATCH}
        if self.is_repeatable:
            found |= {problems.STILL_RUNNING, problems.KEY_REUSED}
        return tuple(kind for kind in problems.PROBLEMS if kind in found)


def _once_whole(handler: Handler) -> Handler:
    """Let a call that takes no body wait for one that is sent all the same: nothing is done for half a request."""

    async def handled(request: Request) -> Response:
        if request.scope["clincore.has_body"]:
            await pass_over_body(request)
        return await handler(request)

    return handled
