"""The id by which one request is found in the answer, the log and the access log."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from clincore.domain.call import is_request_id

if TYPE_CHECKING:
    from starlette.types import Scope


def request_id_of(scope: Scope) -> str:
    """Return the client's X-Request-ID if it is sane, else a new one: always the same for the same request."""
    known = scope.get("clincore.request_id")
    if isinstance(known, str):
        return known
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
    request_id = scope["clincore.request_id"] = given if is_request_id(given) else str(uuid4())
    return request_id
