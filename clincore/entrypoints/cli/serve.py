"""``clincore serve``: the HTTP service under uvicorn."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from clincore.domain.errors import ClinCoreError
from clincore.entrypoints.cli.telling import tell, telling
from clincore.settings import STARTER, Settings

if TYPE_CHECKING:
    from clincore.database_url import DatabaseUrl

_DEFAULT: Final = "(default)"


class CannotListen(ClinCoreError):
    """The address cannot be listened on."""

    def __init__(self, host: str, port: int, error: OSError) -> None:
        reason = (error.strerror or str(error)).lower()
        super().__init__(f"Cannot listen on {host}, port {port}: {reason}. Choose another with --host and --port.")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any that is free.")
@click.option(
    "--embedded",
    is_flag=False,
    flag_value=_DEFAULT,
    metavar="[DIR]",
    help="Run PostgreSQL from the wheel on DIR; without DIR, in a data directory of this user.",
)
@click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes that serve, each with its pool."
)
def command(host: str, port: int, embedded: str | None, workers: int) -> None:
    """Serve ClinCore over HTTP, as the settings in the environment say.

    With --embedded no setting is needed: the database is PostgreSQL from the wheel, migrated at the start and stopped
    at the end, and the repertory is the starter one unless REPERTORY_DB_PATH names another.
    """
    if embedded is not None:
        directory = default_directory() if embedded == _DEFAULT else Path(embedded).absolute()
        os.environ["DATABASE_URL"] = f"embedded:{directory}"
        if not os.environ.get("REPERTORY_DB_PATH", "").strip():
            os.environ["REPERTORY_DB_PATH"] = STARTER
    with telling():
        settings = _checked_settings()
        with listening(host, port) as listener:
            address = _address_of(listener)
            if embedded is not None:
                _say_where(settings, address)
            _serve(listener, address, workers, settings)


def default_directory() -> Path:
    """Where this user's embedded database lies unless told otherwise."""
    if os.geteuid() == 0:
        return Path("/var/lib/clincore")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "clincore"


def listening(host: str, port: int) -> socket.socket:
    """Return a bound socket, which refuses connections until a server listens on it; raises CannotListen."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise CannotListen(host, port, error) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise CannotListen(host, port, error) from None
    return listener


def _serve(listener: socket.socket, address: str, workers: int, settings: Settings) -> None:
    if workers > 1:
        from clincore.entrypoints.cli.workers import serve_with_workers

        serve_with_workers(listener, address, workers, settings)
    else:
        from clincore.entrypoints.cli.uvicorn_server import serve

        serve(listener, lambda _end: tell(f"ClinCore serves at {address}; Ctrl-C stops it."))


def _checked_settings() -> Settings:
    """Read what the service will read, so that a mistake is told before anything runs; raises SettingsError."""
    from clincore.wiring import read_mcare_config

    settings = Settings.read(os.environ)
    if settings.mcare_config is not None:
        read_mcare_config(settings.mcare_config)
    return settings


def _address_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _say_where(settings: Settings, address: str) -> None:
    database: DatabaseUrl = settings.database
    repertory = settings.repertory or "the starter repertory"
    tell(f"Starting: HTTP at {address}, PostgreSQL on {database.directory}, with {repertory}.")
    if settings.bootstrap_token is None:
        how = "start again with BOOTSTRAP_TOKEN set to a long random text, then POST /bootstrap"
    else:
        how = (
            f"curl {address}/bootstrap -H 'Content-Type: application/json' "
            """-H "Authorization: Bearer $BOOTSTRAP_TOKEN" -d '{"tenant_name": "My clinic"}'"""
        )
    tell(f"The first clinic is set up once: {how}")
