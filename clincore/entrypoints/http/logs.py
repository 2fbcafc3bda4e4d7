"""What the service logs of its requests: a line each, and faults; never a key, a name, a query string or a payload."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from clincore.domain.errors import ClinCoreError
from clincore.entrypoints.http.log_lines import place_of

if TYPE_CHECKING:
    from starlette.types import Scope

requests: Final = logging.getLogger("clincore.requests")
faults: Final = logging.getLogger("clincore.faults")
_METHODS: Final = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"])


def log_request(scope: Scope, status: int | None, seconds: float) -> None:
    """Log one request: who made it, its method, its route (not its path), its status and how long it took.

    The tenant and the key are those that the database found valid; where it found none, or was not asked, there is
    None. The status is None where the client left before it was answered.
    """
    if not requests.isEnabledFor(logging.INFO):
        return
    caller = scope.get("clincore.caller")
    tenant_id, key_id = (caller.tenant_id, caller.key_id) if caller else (None, None)
    values: dict[str, Any] = {
        "request_id": scope["clincore.request_id"],
        "tenant": str(tenant_id) if tenant_id else None,
        "key_id": str(key_id) if key_id else None,
        "method": scope["method"] if scope["method"] in _METHODS else "other",
        "route": getattr(scope.get("route"), "path", None),
        "status": status,
        "duration_ms": round(seconds * 1000, 1),
    }
    requests.info("%s %s %s", values["method"], values["route"] or "-", status or "-", extra=values)


def log_unreadable(request_id: str, status: int) -> None:
    """Log that something came which is no HTTP, of which nothing is known but how it was answered."""
    values = {"request_id": request_id, "status": status}
    requests.info("- - %d %s", status, request_id, extra=values)


def log_fault(request_id: str, error: BaseException) -> None:
    """Log where a fault happened and of what class it is, without its message, which may repeat a record.

    ClinCore's own errors hold nothing of one: what they say is told, such as the database's code for what it refused.
    """
    values = {"request_id": request_id, "error": type(error).__qualname__, "at": place_of(error)}
    said = f": {error}" if isinstance(error, ClinCoreError) else ""
    faults.error("%s: %s at %s%s", request_id, values["error"], values["at"], said, extra=values)
