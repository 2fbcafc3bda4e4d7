"""The application that the environment's settings describe."""

from __future__ import annotations

import logging
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from clincore.entrypoints.http.app import Application
from clincore.entrypoints.http.lifecycle import Lifecycle
from clincore.entrypoints.http.log_lines import configure_logging
from clincore.settings import Settings, is_log_json
from clincore.wiring import open_from_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from clincore.services.core import ClinCore

_log = logging.getLogger(__name__)


def make_app() -> Application:
    """Return the application; settings are read, and everything opened, when the server starts it.

    Where LOG_FORMAT is json the log is that already from here on: the server writes before it starts the application.
    """
    if is_log_json(os.environ):
        configure_logging("INFO", "json")
    return Application(Lifecycle(_open))


@asynccontextmanager
async def _open() -> AsyncIterator[ClinCore]:
    settings = Settings.read(os.environ)
    configure_logging(settings.log_level, settings.log_format)
    async with open_from_settings(settings, _Progress()) as core:
        edition = core.edition
        _log.info("Repertory: %s, %d rubrics, fingerprint %s", edition.name, edition.rubrics, edition.fingerprint)
        yield core


class _Progress:
    """Logs each long step of opening once."""

    def __init__(self) -> None:
        self._step = ""

    def __call__(self, step: str, _done: int, _total: int) -> None:
        if step != self._step:
            self._step = step
            _log.info("%s …", step)
