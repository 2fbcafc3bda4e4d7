"""One of several processes that serve on one socket: started by ``clincore serve --workers``, not by hand."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import click

from clincore.domain.errors import ClinCoreError, SettingsError
from clincore.entrypoints.cli.telling import FAILED, SETTINGS_WRONG, telling

if TYPE_CHECKING:
    from collections.abc import Callable


TOLD: Final = 100
"""Added to the exit code where the worker has told why it cannot serve: another could not either."""


def main(listener: int, line: int) -> int:
    """Serve on an inherited socket; say on the line once that it does, and end where the line is cut."""
    from clincore.entrypoints.cli.uvicorn_server import serve

    with socket.socket(fileno=line) as parent, socket.socket(fileno=listener) as inherited:

        def begun(end: Callable[[], None]) -> None:
            asyncio.get_running_loop().add_reader(parent, end)
            with suppress(OSError):
                parent.send(b"+")

        try:
            with telling():
                serve(inherited, begun)
        except click.exceptions.Exit as ended:
            return TOLD + ended.exit_code
        except ClinCoreError as error:
            click.echo(f"error: {error}", err=True)
            return TOLD + (SETTINGS_WRONG if isinstance(error, SettingsError) else FAILED)
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
