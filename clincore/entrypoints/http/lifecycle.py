"""From the server's start to its stop: settings, the opened core, and whether the database may be served from."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from typing import TYPE_CHECKING, Final, TypeAlias

from clincore.domain.errors import ClinCoreError, DatabaseUnavailable
from clincore.entrypoints.http.logs import log_fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Send

    from clincore.services.core import ClinCore

Opening: TypeAlias = "Callable[[], AbstractAsyncContextManager[ClinCore]]"
_log = logging.getLogger(__name__)
_RETRY_SECONDS: Final = 0.5


class Lifecycle:
    """Opens the core at the start and closes it at the stop.

    A wrong setting, role or head stops the start with its message. A database that is only unreachable does not: it is
    asked again until it answers, and a wrong role or head then ends the process.
    """

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self.core: ClinCore | None = None
        self.is_serving = False
        self.waiting_for = "The service is still starting."
        self.failure: str | None = None

    async def run(self, receive: Receive, send: Send) -> None:
        """Speak the lifespan protocol of ASGI."""
        await receive()
        async with AsyncExitStack() as stack:
            try:
                self.core = await stack.enter_async_context(self._opening())
                await self._first_check(stack, self.core)
            except ClinCoreError as error:
                await stack.aclose()
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            except Exception as error:
                await stack.aclose()
                log_fault("starting", error)
                await send({"type": "lifespan.startup.failed", "message": "ClinCore cannot start: the log says where."})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.is_serving = False
            self.waiting_for = "The service is stopping."
        self.core = None
        await send({"type": "lifespan.shutdown.complete"})

    async def _first_check(self, stack: AsyncExitStack, core: ClinCore) -> None:
        try:
            await core.check()
        except DatabaseUnavailable as error:
            _log.warning("%s Serving begins when it answers.", error)
            self.waiting_for = str(error)
            task = asyncio.create_task(self._wait_for_database(core))
            stack.push_async_callback(_cancelled, task)
        else:
            self.is_serving = True

    async def _wait_for_database(self, core: ClinCore) -> None:
        while not self.is_serving:
            try:
                await core.check()
            except DatabaseUnavailable:
                await asyncio.sleep(_RETRY_SECONDS)
            except ClinCoreError as error:
                _log.critical("%s", error)
                self.waiting_for = self.failure = str(error)
                signal.raise_signal(signal.SIGTERM)
                return
            else:
                _log.info("The database answers.")
                self.is_serving = True


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
