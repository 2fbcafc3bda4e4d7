"""The spellings of DATABASE_URL."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from attrs import field, frozen

_SCHEMES: Final = ("postgresql+psycopg_async", "postgresql+psycopg", "postgresql", "postgres")
_BARE_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CURE: Final = "write postgresql://user:password@127.0.0.1:5432/clincore, embedded:DIRECTORY or memory:"


class DatabaseKind(Enum):
    MEMORY = "memory"
    EMBEDDED = "embedded"
    POSTGRES = "postgres"


@frozen(kw_only=True)
class DatabaseUrl:
    """Which database is meant; ``conninfo`` is libpq's form of a PostgreSQL URL and may hold a password."""

    kind: DatabaseKind
    conninfo: str = field(default="", repr=False)
    user: str | None = None
    directory: Path | None = None
    was_localhost: bool = False

    @classmethod
    def parse(cls, url: str) -> DatabaseUrl:
        """Raises ValueError, with the cure and without the URL in it.

        ``localhost`` is taken as 127.0.0.1, because it may resolve to ::1, where a server on 127.0.0.1 does not listen.
        """
        if url == "memory:":
            return cls(kind=DatabaseKind.MEMORY)
        if url.startswith("embedded:"):
            directory = url.removeprefix("embedded:")
            if not directory:
                raise ValueError("names no directory after 'embedded:'; write embedded:DIRECTORY")
            return cls(kind=DatabaseKind.EMBEDDED, directory=Path(directory).expanduser())
        return cls._postgres(url)

    @classmethod
    def _postgres(cls, url: str) -> DatabaseUrl:
        # Split here, because to urlsplit a scheme with an underscore is none.
        scheme, _, rest = url.partition("://")
        try:
            parts = urlsplit(f"postgresql://{rest}")
            known = scheme.lower() in _SCHEMES and (parts.port is None or parts.port > 0)
        except ValueError:
            known = False
        if not known:
            raise ValueError(f"is not a database URL that ClinCore knows; {_CURE}")
        credentials, at, host = parts.netloc.rpartition("@")
        if "@" in credentials or _BARE_PERCENT.search(url):
            raise ValueError("has an @ or a % that is not written as %40 or %25, as in a password it must be")
        if not parts.path.strip("/") and "dbname=" not in parts.query:
            raise ValueError(f"names no database; {_CURE}")
        name, colon, port = host.partition(":")
        was_localhost = name.lower() == "localhost"
        netloc = f"{credentials}{at}127.0.0.1{colon}{port}" if was_localhost else parts.netloc
        return cls(
            kind=DatabaseKind.POSTGRES,
            conninfo=urlunsplit(("postgresql", netloc, parts.path, parts.query, "")),
            user=unquote(parts.username) if parts.username else None,
            was_localhost=was_localhost,
        )
