"""The bare route that the service is measured beside: Starlette under the same server, with nothing behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


async def bare(request: Request) -> Response:
    return JSONResponse({"id": request.path_params["id"]})


app = Starlette(routes=[Route("/bare/{id}", bare)])
