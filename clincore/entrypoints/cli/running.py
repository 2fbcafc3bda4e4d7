"""Runs a command's coroutine so that a signal closes what it has opened."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

T = TypeVar("T")
_ENDING: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Terminated(Exception):
    """A signal ended the command, after everything it had opened was closed."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.signal = int(number)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raise Terminated in the block where SIGTERM or SIGHUP comes, so that what it has begun is cleared away."""

    def end(number: int, _frame: object) -> None:
        raise Terminated(signal.Signals(number))

    before = {number: signal.getsignal(number) for number in _ENDING}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # nohup stays in force
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Return what the coroutine returns.

    Ctrl-C, SIGTERM and SIGHUP cancel it, and once it has ended KeyboardInterrupt or Terminated is raised.
    """
    return asyncio.run(_cancelled_by_signals(work))


async def _cancelled_by_signals(work: Coroutine[Any, Any, T]) -> T:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    received: list[signal.Signals] = []

    def end(number: signal.Signals) -> None:
        received.append(number)
        if task is not None and len(received) == 1:
            task.cancel()

    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup stays in force
            with suppress(NotImplementedError):
                loop.add_signal_handler(number, end, number)
    try:
        return await work
    except asyncio.CancelledError:
        if received:
            raise Terminated(received[0]) from None
        raise
    finally:
        for number in _ENDING:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)
