"""The service's description of itself over HTTP: the OpenAPI document and the reference page."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from starlette.responses import Response
from starlette.routing import Route

from clincore.entrypoints.http.encoding import to_json
from clincore.entrypoints.http.openapi import document
from clincore.entrypoints.http.reference import POLICY, reference_page, static

if TYPE_CHECKING:
    from starlette.requests import Request

_SECURE: Final = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}


@cache
def _document() -> bytes:
    return to_json(document())


async def openapi(_request: Request) -> Response:
    return Response(_document(), media_type="application/json")


async def docs(_request: Request) -> Response:
    return Response(reference_page(), media_type="text/html", headers=_SECURE)


async def style(_request: Request) -> Response:
    return Response(static("reference.css"), media_type="text/css", headers=_SECURE)


async def script(_request: Request) -> Response:
    return Response(static("reference.js"), media_type="text/javascript", headers=_SECURE)


PAGES: Final = (
    Route("/openapi.json", openapi, methods=["GET"]),
    Route("/docs", docs, methods=["GET"]),
    Route("/docs/reference.css", style, methods=["GET"]),
    Route("/docs/reference.js", script, methods=["GET"]),
)
