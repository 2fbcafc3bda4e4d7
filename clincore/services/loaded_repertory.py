"""The loaded repertory, as the holder of a key reads it."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from typing import TYPE_CHECKING

from attrs import field, frozen

from clincore.domain.errors import InvalidCursor, InvalidInput, Problem, RepertoryError, RubricNotFound
from clincore.domain.limits import PAGE_SIZE
from clincore.domain.page import Page, require_page_size
from clincore.domain.usage import Endpoint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import TypeVar

    from clincore.domain.repertory import Edition, Remedy, Rubric, RubricFamily, RubricLine, RubricPage
    from clincore.ports.repertory import Repertory
    from clincore.services.session import Session

    T = TypeVar("T")


@frozen(kw_only=True)
class Overview:
    """Which repertory is loaded, and its chapters in repertory order."""

    edition: Edition
    chapters: tuple[RubricLine, ...] = field(repr=False)


@frozen(kw_only=True)
class RubricView:
    """A rubric, its remedies by abbreviation, and what stands around it."""

    rubric: Rubric
    remedies: Mapping[str, Remedy] = field(repr=False)
    family: RubricFamily = field(repr=False)


@frozen
class LoadedRepertory:
    """The installation's repertory; it belongs to no tenant, but each call is metered.

    Every method raises Unauthenticated, DatabaseUnavailable and RepertoryError.
    """

    _session: Session

    async def overview(self) -> Overview:
        """Return the edition and the chapters."""
        return await self._metered(Endpoint.VIEW_REPERTORY, _overview)

    async def search(self, query: str, *, limit: int = PAGE_SIZE, cursor: str | None = None) -> RubricPage:
        """Return a page of the rubrics that fit the query, in repertory order within relevance.

        Raises InvalidInput for the limit, InvalidQuery with the position, and InvalidCursor.
        """
        require_page_size(limit)
        if not isinstance(query, str):
            raise InvalidInput([Problem("q", f"must be a text, not {type(query).__name__}")])
        if cursor is not None and not isinstance(cursor, str):
            raise InvalidCursor
        return await self._metered(
            Endpoint.SEARCH_RUBRICS, lambda repertory: repertory.search(query, limit=limit, after=cursor)
        )

    async def rubric(self, rubric_id: int) -> RubricView:
        """Return one rubric; raises RubricNotFound."""
        if type(rubric_id) is not int:
            raise InvalidInput([Problem("id", f"must be a whole number, not {type(rubric_id).__name__}")])
        return await self._metered(Endpoint.VIEW_RUBRIC, lambda repertory: _view(repertory, rubric_id))

    async def remedies(self, *, limit: int = PAGE_SIZE, cursor: str | None = None) -> Page[Remedy]:
        """Return a page of the remedies that stand at a counting grade, by abbreviation (code points).

        Raises InvalidInput for the limit, and InvalidCursor.
        """
        require_page_size(limit)
        after = _abbreviation(cursor) if cursor is not None else None

        async def page(repertory: Repertory) -> Page[Remedy]:
            known = repertory.statistics.remedies
            names = sorted(known)
            start = bisect_right(names, after) if after is not None else 0
            chosen = names[start : start + limit]
            more = start + limit < len(names)
            return Page(items=tuple(known[name] for name in chosen), next=_cursor(chosen[-1]) if more else None)

        return await self._metered(Endpoint.LIST_REMEDIES, page)

    async def _metered(self, endpoint: Endpoint, read: Callable[[Repertory], Awaitable[T]]) -> T:
        """Read once the key was found valid; a call that is refused is not counted."""
        async with self._session.begin(endpoint) as work:
            work.usage.count()
            await work.flush()
            found = await read(self._session.resources.repertory)
            await work.commit()
        return found


async def _overview(repertory: Repertory) -> Overview:
    root = await repertory.family(None)
    if root is None:
        raise RepertoryError
    return Overview(edition=repertory.edition, chapters=root.children)


async def _view(repertory: Repertory, rubric_id: int) -> RubricView:
    rubric = (await repertory.rubrics([rubric_id])).get(rubric_id)
    family = await repertory.family(rubric_id)
    if rubric is None or family is None:
        raise RubricNotFound(rubric_id)
    known = repertory.statistics.remedies
    return RubricView(
        rubric=rubric,
        remedies={abbreviation: known[abbreviation] for abbreviation in rubric.grades},
        family=family,
    )


def _cursor(abbreviation: str) -> str:
    return urlsafe_b64encode(abbreviation.encode()).decode().rstrip("=")


def _abbreviation(cursor: str) -> str:
    try:
        abbreviation = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
    except (ValueError, AttributeError):
        raise InvalidCursor from None
    if _cursor(abbreviation) != cursor:
        raise InvalidCursor
    return abbreviation
