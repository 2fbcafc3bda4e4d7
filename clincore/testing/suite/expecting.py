"""What laws look at: whole lists, refusals, and what attempts at once come to."""

from __future__ import annotations

import asyncio
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from attrs import define

from clincore.domain.errors import ClinCoreError
from clincore.domain.page import Page, PageRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)

LAW_TASK: Final = "started by a law"


@define
class Refusal(Generic[E]):
    """What was raised, once it was."""

    error: E | None = None


@contextmanager
def refused(kind: type[E], *, match: str = "") -> Iterator[Refusal[E]]:
    """Hold if the block raises an error of this class, whose message matches; any other error is the law's failure."""
    refusal: Refusal[E] = Refusal()
    try:
        yield refusal
    except kind as error:
        assert re.search(match, str(error)), f"{error!r} does not say {match!r}"
        refusal.error = error
    except (ClinCoreError, RuntimeError, ValueError) as other:
        raise AssertionError(f"{type(other).__name__} was raised in place of {kind.__name__}") from other
    else:
        raise AssertionError(f"{kind.__name__} was not raised")


async def pages(ask: Callable[[PageRequest], Awaitable[Page[T]]], limit: int) -> list[T]:
    """Return a whole list, read page by page."""
    found: list[T] = []
    cursor: str | None = None
    while True:
        page = await ask(PageRequest.parse(limit, cursor))
        found += page.items
        assert len(page.items) == limit or page.next is None
        if page.next is None:
            return found
        cursor = page.next


async def pages_while(
    ask: Callable[[PageRequest], Coroutine[Any, Any, Page[T]]], limit: int, enterings: list[Coroutine[Any, Any, object]]
) -> list[T]:
    """Return a whole list, read page by page, while others enter something beside each page."""
    found: list[T] = []
    cursor: str | None = None
    beside = [started(entering) for entering in enterings[:1]]
    waiting = enterings[1:]
    while True:
        page = await ask(PageRequest.parse(limit, cursor))
        found += page.items
        if page.next is None:
            break
        cursor = page.next
        beside += [started(waiting.pop(0))] if waiting else []
    await asyncio.gather(*beside, *map(started, waiting))
    return found


def started(attempt: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start an attempt that goes on beside the law, and ends with it at the latest."""
    return asyncio.create_task(attempt, name=LAW_TASK)


async def at_once(*attempts: Coroutine[Any, Any, T]) -> list[T]:
    """Run attempts at once and return their results, or raise the first error."""
    return list(await asyncio.gather(*map(started, attempts)))


async def outcomes(*attempts: Coroutine[Any, Any, T] | asyncio.Task[T]) -> list[T | BaseException]:
    """Run attempts at once and return what each came to, errors among them."""
    tasks = [each if isinstance(each, asyncio.Task) else started(each) for each in attempts]
    return list(await asyncio.gather(*tasks, return_exceptions=True))
