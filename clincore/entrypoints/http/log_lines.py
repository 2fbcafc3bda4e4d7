"""How the lines of the log look, whoever of the process writes them: as text, or as a JSON object a line.

The messages of exceptions stay out of them, because a message may repeat a record; what is told of an exception is its
class and where it was raised.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

FIELDS: Final = ("request_id", "tenant", "key_id", "method", "route", "status", "duration_ms", "error", "at")
"""What a JSON line has besides time, level, logger and message, where it applies."""
_OF_REQUESTS: Final = ("duration_ms", "request_id", "tenant", "key_id")
_uncaught: Final = logging.getLogger("clincore.faults")


def configure_logging(level: str, form: str) -> None:
    """Send every line of this process to stderr in one form, the server's, the drivers' and Python's warnings too.

    ``level`` is that of ClinCore's own lines. Others are told from WARNING on, the server's start and stop besides:
    below that they write what they handle, such as headers and statements. The server's own access log is switched
    off: it writes query strings, and a patient's name may stand in one.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if form == "json" else _Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    logging.getLogger("clincore").setLevel(level)
    _take_over_uvicorn(handler)
    _collect_no_more_than_is_told()
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a line that cannot be written is no reason to print what should stand in it
    sys.excepthook = _log_end
    threading.excepthook = lambda ended: _log_uncaught("A thread ended", ended.exc_value)
    sys.unraisablehook = lambda left: _log_uncaught(left.err_msg or "Ignored", left.exc_value)


def _collect_no_more_than_is_told() -> None:
    """Leave out of records what no line shows, as Python's Logging HOWTO says under "Optimization"."""
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.logAsyncioTasks = False  # type: ignore[attr-defined,unused-ignore]


def _take_over_uvicorn(handler: logging.Handler) -> None:
    for given in logging.getLogger("uvicorn").handlers:
        given.setFormatter(handler.formatter)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        if logger.level != logging.NOTSET:
            logger.setLevel(max(logging.INFO, logger.level))
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False


def place_of(error: BaseException) -> str:
    """Return where an exception was raised, innermost first, and the same of those that led to it."""
    return " after ".join(_places(error))


def _places(error: BaseException | None) -> Iterator[str]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = reversed(traceback.extract_tb(error.__traceback__))
        where = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames) or "nowhere"
        yield f"{type(error).__qualname__} at {where}" if len(seen) > 1 else where
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _log_end(kind: type[BaseException], error: BaseException, _where: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        _log_uncaught("The process ends", error)


def _log_uncaught(what: str, error: BaseException | None) -> None:
    _uncaught.error(what, exc_info=error)


def _exception_of(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if isinstance(record.exc_info, tuple) else None


def _message(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except (TypeError, ValueError, KeyError):
        text = str(record.msg)
    # asyncio goes on with the task, in whose repr the exception stands with its message.
    return (text.partition("\n")[0] if record.name == "asyncio" else text).strip()


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        error = _exception_of(record)
        fault = f": {type(error).__qualname__} at {place_of(error)}" if error else ""
        fields = vars(record)
        besides = _OF_REQUESTS if "duration_ms" in fields else ()
        named = "".join(f" {name}={fields[name]}" for name in besides if fields.get(name) is not None)
        return f"{self.formatTime(record)} {record.levelname} {_message(record)}{named}{fault}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
        }
        line |= {name: vars(record)[name] for name in FIELDS if name in vars(record)}
        if error := _exception_of(record):
            line |= {"error": type(error).__qualname__, "at": place_of(error)}
        return json.dumps(line)  # ASCII alone, so that no stream can break a line by an escape of its own
