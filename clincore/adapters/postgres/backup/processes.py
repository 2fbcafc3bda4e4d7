"""Runs PostgreSQL's client programs, so that none outlives the command that needed it."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

_PATIENCE: Final = 10.0
_LINE_LIMIT: Final = 1 << 20


@frozen
class Ended:
    """A program that has ended; what it wrote may quote rows."""

    code: int
    out: bytes = field(repr=False)
    errors: str = field(repr=False)


async def ended(program: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> Ended:
    """Run a program to its end; raises OSError where it cannot be started."""
    async with started(program, arguments, environment) as process:
        out, errors = await process.communicate()
        return Ended(process.returncode or 0, out, errors.decode(errors="replace"))


@asynccontextmanager
async def started(
    program: Path, arguments: Sequence[str], environment: Mapping[str, str], *, reads: bool = False
) -> AsyncIterator[Process]:
    """Start a program, with pipes to its streams, that has ended when the block does, whatever the reason."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        env=environment,
        cwd="/",
        stdin=PIPE if reads else DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        limit=_LINE_LIMIT,
        # Ctrl-C in a terminal is for the command alone, which then ends the program and clears up.
        start_new_session=True,
    )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(_drained(process), _PATIENCE)
    except TimeoutError:
        process.kill()
        await _drained(process)


async def _drained(process: Process) -> None:
    """Read what is left, so that nothing waits for a reader, until the program has ended."""
    streams = [stream.read() for stream in (process.stdout, process.stderr) if stream is not None]
    with suppress(RuntimeError):  # another reader was cancelled a moment ago
        await asyncio.gather(*streams)
    await process.wait()
