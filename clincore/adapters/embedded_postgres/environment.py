"""What PostgreSQL is started with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clincore.adapters.embedded_postgres.address import PORT

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
"""All that PostgreSQL sees of the environment: none of the caller's PG* variables, none of the service's secrets."""

_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "cluster_name": "clincore",
    # The log must hold nothing of a patient: no statement, no parameter, and no error, because its text may quote
    # a value and its detail a row (the caller gets the error in any case). What the server says of itself stays.
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
}

_DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}

_FLEETING = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def postgres_arguments(data: Path, sockets: Path, *, durable: bool) -> list[str]:
    """Return the arguments of ``postgres``; ``durable`` False trades the data's safety for speed."""
    settings = _SETTINGS | (_DURABLE if durable else _FLEETING) | {"unix_socket_directories": str(sockets)}
    options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
    return ["-D", str(data), *options]
