"""Where a running embedded server is reached."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

PORT = 5432
"""Only the name of the socket's file: the server does not listen on TCP."""

DATABASE = "clincore"
SUPERUSER = "postgres"
OWNER = "clincore_owner"
SERVICE = "clincore_user"


@frozen(kw_only=True)
class EmbeddedAddress:
    """The URLs of a running server, and its binaries.

    No URL holds a password: who may open the socket's private directory may connect. ``superuser_url`` leads to
    the maintenance database ``postgres``, the other two to ``clincore``. ``binaries`` is the folder with
    ``psql``, ``pg_dump`` and the like.
    """

    service_url: str
    owner_url: str
    superuser_url: str
    binaries: Path

    @classmethod
    def at(cls, sockets: Path, binaries: Path) -> EmbeddedAddress:
        """Return the address of the server whose socket is in the directory ``sockets``."""
        return cls(
            service_url=_url(SERVICE, DATABASE, sockets),
            owner_url=_url(OWNER, DATABASE, sockets),
            superuser_url=_url(SUPERUSER, "postgres", sockets),
            binaries=binaries,
        )


def _url(role: str, database: str, sockets: Path) -> str:
    return f"postgresql://{role}@/{database}?host={sockets}&port={PORT}"
