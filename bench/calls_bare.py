"""The bare route that the service is measured beside: Starlette under the same server, with nothing behind it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from clincore.entrypoints.cli.serve import listening
from clincore.entrypoints.cli.uvicorn_server import serving

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


async def bare(request: Request) -> Response:
    return JSONResponse({"id": request.path_params["id"]})


async def main() -> None:
    app = Starlette(routes=[Route("/bare/{id}", bare)])
    with listening("127.0.0.1", 0) as listener:
        async with serving(app, listener):
            print(f"The bare route is at http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
            await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
