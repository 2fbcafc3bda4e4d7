"""What ``clincore serve`` says on stderr: plain lines, or lines of log where those are JSON, as all then are."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from clincore.domain.errors import ClinCoreError, SettingsError
from clincore.settings import is_log_json

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILED: Final = 1
SETTINGS_WRONG: Final = 2
_log: Final = logging.getLogger("clincore.serve")


def tell(text: str) -> None:
    """Say something to whoever started the service."""
    if is_log_json(os.environ):
        _log.info("%s", text)
    else:
        click.echo(text, err=True)


@contextmanager
def telling() -> Iterator[None]:
    """Let the block's lines be JSON where the settings say so, and what ends it too."""
    if not is_log_json(os.environ):
        yield
        return
    from clincore.entrypoints.http.log_lines import configure_logging

    configure_logging("INFO", "json")
    try:
        yield
    except ClinCoreError as error:
        _log.critical("%s", error)
        raise click.exceptions.Exit(SETTINGS_WRONG if isinstance(error, SettingsError) else FAILED) from None
