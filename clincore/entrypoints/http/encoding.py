"""JSON at the HTTP edge."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

_encode = msgspec.json.Encoder(decimal_format="number").encode


def to_json(value: Any) -> bytes:
    """Encode a value; Decimals become JSON numbers, aware times RFC 3339, UUIDs text."""
    return _encode(value)


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON response."""
    return Response(to_json(value), status_code=status, headers=headers, media_type="application/json")
