"""How PostgreSQL's client programs are told where to connect: by their environment, never on the command line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from psycopg import pq

from clincore.domain.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEPT: Final = ("HOME", "PGSERVICEFILE", "PGSYSCONFDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_NOT_NEEDED: Final = frozenset(
    {
        "fallback_application_name",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
    }
)
_FIXED: Final = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
LOCAL: Final[Mapping[str, str]] = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
"""What a program gets that connects to nothing."""


def client_environment(conninfo: str) -> dict[str, str]:
    """Return all that a program gets to see of the environment; it may hold a password.

    What the URL leaves open is taken from where psycopg takes it too: PGPASSWORD, ~/.pgpass and the like. Raises
    SettingsError for a parameter that cannot be handed over.
    """
    variables = {
        option.keyword.decode(): option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar
    }
    inherited = (*variables.values(), *_KEPT)
    environment = {name: os.environ[name] for name in inherited if os.environ.get(name)}
    environment |= {"PGCONNECT_TIMEOUT": environment.get("PGCONNECT_TIMEOUT", "10"), **_FIXED}
    for option in pq.Conninfo.parse(conninfo.encode()):
        keyword = option.keyword.decode()
        if not option.val or keyword in _NOT_NEEDED:
            continue
        if keyword not in variables:
            raise SettingsError([f"the database URL's parameter {keyword} cannot be handed to pg_dump; leave it away."])
        environment[variables[keyword]] = option.val.decode()
    return environment
