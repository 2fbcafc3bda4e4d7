"""What the service logs: a line a request, and faults; never a key, a name, a query string or a payload."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from starlette.types import Scope

requests: Final = logging.getLogger("clincore.requests")
faults: Final = logging.getLogger("clincore.faults")
_METHOD_CHARACTERS: Final = 16
_EXTRA: Final = ("request_id", "method", "route", "status", "milliseconds")


def configure_logging(level: str, form: str) -> None:
    """Send the package's log to stderr, as text or as a JSON object a line.

    The server's own access log is switched off: it writes query strings, and a patient's name may stand in one.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if form == "json" else _Text())
    package = logging.getLogger("clincore")
    package.handlers[:] = [handler]
    package.setLevel(level)
    package.propagate = False
    logging.getLogger("uvicorn.access").disabled = True


def log_request(scope: Scope, status: int, seconds: float) -> None:
    """Log one answered request: its method, its route (not its path), its status and how long it took."""
    if not requests.isEnabledFor(logging.INFO):
        return
    route = scope.get("route")
    values = {
        "request_id": scope["clincore.request_id"],
        "method": scope["method"][:_METHOD_CHARACTERS],
        "route": getattr(route, "path", "(no route)"),
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
    }
    requests.info("%(method)s %(route)s %(status)d %(milliseconds).1f ms %(request_id)s", values, extra=values)


def log_fault(request_id: str, error: BaseException) -> None:
    """Log where a fault happened and of what class it is, without its message, which may repeat a record."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    faults.error("%s: %s at %s", request_id, type(error).__qualname__, where)


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in _EXTRA if hasattr(record, name)}
        return json.dumps(line, ensure_ascii=False)
