"""The spellings of DATABASE_URL that mean PostgreSQL."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit, urlunsplit

from attrs import frozen

SCHEMES: Final = ("postgresql+psycopg_async", "postgresql+psycopg", "postgresql", "postgres")


@frozen
class PostgresUrl:
    """A connection string for libpq, and whether ``localhost`` in it was taken as 127.0.0.1."""

    conninfo: str
    was_localhost: bool

    def __repr__(self) -> str:
        return "PostgresUrl(…)"


def parse_url(url: str) -> PostgresUrl:
    """Return libpq's form of a PostgreSQL URL; raises ValueError, without the URL in it, for anything else.

    ``localhost`` may resolve to ::1 first, where a server on 127.0.0.1 does not listen.
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError(f"the URL begins with none of {', '.join(f'{scheme}://' for scheme in SCHEMES)}")
    user, at, host = parts.netloc.rpartition("@")
    name, colon, port = host.partition(":")
    was_localhost = name.lower() == "localhost"
    if was_localhost:
        host = f"127.0.0.1{colon}{port}"
    conninfo = urlunsplit(("postgresql", f"{user}{at}{host}", parts.path, parts.query, ""))
    return PostgresUrl(conninfo, was_localhost)
