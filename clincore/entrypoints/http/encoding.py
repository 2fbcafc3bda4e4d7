"""JSON at the HTTP edge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

if TYPE_CHECKING:
    from msgspec import Struct
    from starlette.requests import Request

    from clincore.entrypoints.http.answers import Item, PageOf

_encode = msgspec.json.Encoder(decimal_format="number").encode


def to_json(value: Any) -> bytes:
    """Encode a value; Decimals become JSON numbers, aware times RFC 3339, UUIDs text."""
    return _encode(value)


def answer(value: Struct, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON response."""
    return Response(to_json(value), status_code=status, headers=headers, media_type="application/json")


def answer_page(request: Request, page: PageOf[Item]) -> Response:
    """Return a list's response, with a ``Link`` header where there is a next page."""
    if page.next is None:
        return answer(page)
    following = request.url.include_query_params(cursor=page.next)
    return answer(page, headers={"Link": f'<{following.path}?{following.query}>; rel="next"'})
