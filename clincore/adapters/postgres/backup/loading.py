"""Loads an archive, in one transaction."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from clincore.adapters.postgres.backup.archive import COLUMN_VERSION
from clincore.adapters.postgres.backup.environment import LOCAL, client_environment
from clincore.adapters.postgres.backup.messages import failure
from clincore.adapters.postgres.backup.processes import ended, started
from clincore.domain.errors import RestoreRefused

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from asyncio.subprocess import Process
    from pathlib import Path

    from clincore.adapters.postgres.backup.archive import Archive

_NO_SUCH_SETTING: Final = b"SET transaction_timeout = 0;\n"
_SETTING_SINCE: Final = 17
_RESTRICT: Final = b"\\restrict "
_FIRST_STATEMENT: Final = b"SET "
_FIRST_ROWS: Final = b"COPY "
_CHUNK: Final = 1 << 18
_NOTHING_LEFT: Final = "The target is as it was."


async def load(path: Path, archive: Archive, conninfo: str, target_major: int) -> None:
    """Load an archive into the database of a URL; raises RestoreRefused, with the target as it was."""
    is_strict = archive.programs.major >= _SETTING_SINCE > target_major
    if is_strict or archive.has_column_versions:
        await _load_filtered(path, archive, conninfo, target_major)
    else:
        await _load_whole(path, archive, conninfo)


async def _load_whole(path: Path, archive: Archive, conninfo: str) -> None:
    database = make_conninfo(dbname=str(conninfo_to_dict(conninfo).get("dbname") or ""))
    options = ["--exit-on-error", "--single-transaction", "--no-password", f"--dbname={database}", str(path)]
    loaded = await ended(archive.programs.pg_restore, options, client_environment(conninfo))
    if loaded.code != 0:
        raise RestoreRefused(f"{failure('pg_restore', loaded.errors)}. {_NOTHING_LEFT}")


async def _load_filtered(path: Path, archive: Archive, conninfo: str, target_major: int) -> None:
    """Have psql run what pg_restore writes, without the lines that this server does not know.

    COMMIT is sent only once pg_restore has ended well: a script that breaks off is rolled back.
    """
    options = ["--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--output=/dev/null", "--file=-"]
    programs = archive.programs
    async with (
        started(programs.pg_restore, ["--file=-", str(path)], LOCAL) as reading,
        started(programs.psql, options, client_environment(conninfo), reads=True) as writing,
    ):
        said = asyncio.gather(_errors(reading), _errors(writing), _all(writing.stdout))
        broke = await _piped(reading, writing, target_major)
        read_errors, write_errors, _ = await said
        codes = (await reading.wait(), await writing.wait())
    if codes[1] != 0 or (broke and codes[0] == 0):
        raise RestoreRefused(f"{failure('psql', write_errors)}. {_NOTHING_LEFT}")
    if codes[0] != 0:
        raise RestoreRefused(f"{failure('pg_restore', read_errors)}. {_NOTHING_LEFT}")


async def _piped(reading: Process, writing: Process, target_major: int) -> bool:
    """Hand the script over, and COMMIT where it came to its end; True where psql has gone before."""
    source, sink = reading.stdout, writing.stdin
    if source is None or sink is None:
        raise RuntimeError("the programs were started without pipes")
    try:
        sink.write(b"BEGIN;\n")
        await _schema(source, sink, target_major)
        while chunk := await source.read(_CHUNK):
            sink.write(chunk)
            await sink.drain()
        if await reading.wait() == 0:
            sink.write(b"\nCOMMIT;\n")
            await sink.drain()
    except (BrokenPipeError, ConnectionResetError):
        reading.kill()
        await _all(source)
        return True
    finally:
        sink.close()
    return False


async def _schema(source: StreamReader, sink: StreamWriter, target_major: int) -> None:
    """Hand over, line by line, what stands before the first rows."""
    is_restricted = False
    while line := await source.readline():
        is_restricted = is_restricted or line.startswith(_RESTRICT)
        if line.startswith(_FIRST_STATEMENT) and not is_restricted:
            # Without it, text in an archive could be taken for psql's own commands, and run as programs.
            raise RestoreRefused(f"This release of pg_restore is too old: take 17.6, 18 or newer. {_NOTHING_LEFT}")
        is_unknown = line == _NO_SUCH_SETTING and target_major < _SETTING_SINCE
        if not is_unknown and not COLUMN_VERSION.match(line):
            sink.write(line)
            await sink.drain()
        if line.startswith(_FIRST_ROWS):
            return


async def _errors(process: Process) -> str:
    return (await _all(process.stderr)).decode(errors="replace")


async def _all(stream: StreamReader | None) -> bytes:
    return await stream.read() if stream is not None else b""
