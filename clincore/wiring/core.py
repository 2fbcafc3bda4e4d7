"""Opens ClinCore itself: a database, a repertory, the methods, the clock and the entropy, met in one object."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from clincore.domain.errors import SettingsError
from clincore.domain.limits import METHOD_CHARACTERS
from clincore.domain.progress import silent
from clincore.domain.ranking.mcare import Mcare
from clincore.domain.ranking.parameters import McareParameters
from clincore.domain.ranking.plain import Coverage, SumOfGrades
from clincore.services.core import ClinCore
from clincore.services.resources import Resources
from clincore.wiring.databases import database_of, open_url
from clincore.wiring.repertories import read_mcare_config, read_tags, repertory_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from clincore.domain.progress import Progress
    from clincore.domain.repertory import RubricTag
    from clincore.ports.clock import Clock
    from clincore.ports.database import Database
    from clincore.ports.entropy import Entropy
    from clincore.ports.ranking_method import RankingMethod
    from clincore.ports.repertory import Repertory
    from clincore.settings import Settings


@asynccontextmanager
async def open_clincore(
    database: str | Database = "memory:",
    repertory: str | Path | Repertory | None = None,
    *,
    tags: Path | Mapping[int, RubricTag] | None = None,
    mcare: McareParameters | None = None,
    methods: Iterable[RankingMethod] = (),
    cache_directory: Path | None = None,
    free_tier_limit: int = 1000,
    bootstrap_token: str | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    pool_size: int = 16,
    pool_timeout: float = 5.0,
    progress: Progress = silent,
) -> AsyncIterator[ClinCore]:
    """Open ClinCore on a database and a repertory, each given by URL or path, or handed in as an object.

    ``database`` is a URL as in DATABASE_URL: ``memory:``, ``embedded:DIR`` (migrated to the head here), or
    ``postgresql://…``. ``repertory`` is an SQLite file; without one the starter repertory is taken. ``methods`` are
    ranking methods beside the three that come along. What was opened here is closed in the end; what was handed in is
    not. Raises SettingsError for a URL that is not one and for methods of one name, and RepertoryError; an unreachable
    database does not stop it.
    """
    from clincore.adapters.system.clock import SystemClock
    from clincore.adapters.system.entropy import SystemEntropy

    known = _by_name([Mcare(mcare or McareParameters()), SumOfGrades(), Coverage(), *methods])
    async with AsyncExitStack() as stack:
        opened_repertory = await repertory_of(stack, repertory, cache_directory, progress)
        yield ClinCore(
            Resources(
                database=await database_of(stack, database, pool_size, pool_timeout),
                repertory=opened_repertory,
                clock=clock or SystemClock(),
                entropy=entropy or SystemEntropy(),
                methods=known,
                tags=await asyncio.to_thread(read_tags, tags) if isinstance(tags, Path) else tags or {},
                free_tier_limit=free_tier_limit,
                bootstrap_token=bootstrap_token,
            )
        )


@asynccontextmanager
async def open_from_settings(settings: Settings, progress: Progress = silent) -> AsyncIterator[ClinCore]:
    """Open ClinCore as the settings say; raises SettingsError for files that they name and that are wrong."""
    async with AsyncExitStack() as stack:
        database = await open_url(stack, settings.database, settings.pool_size, settings.pool_timeout)
        opened = open_clincore(
            database,
            settings.repertory,
            tags=settings.tags,
            mcare=read_mcare_config(settings.mcare_config) if settings.mcare_config else None,
            cache_directory=settings.cache_directory,
            free_tier_limit=settings.free_tier_limit,
            bootstrap_token=settings.bootstrap_token,
            progress=progress,
        )
        yield await stack.enter_async_context(opened)


def _by_name(methods: Iterable[RankingMethod]) -> dict[str, RankingMethod]:
    """Raises SettingsError for a name that is taken, or that is no name with a version."""
    known: dict[str, RankingMethod] = {}
    for method in methods:
        name, slash, version = method.name.rpartition("/")
        if not (name and slash and version and len(method.name) <= METHOD_CHARACTERS and method.name.isascii()):
            raise SettingsError([f"the ranking method {method.name!r} needs a name and a version, such as own/1."])
        if method.name in known:
            raise SettingsError([f"there are two ranking methods {method.name!r}; another version needs another name."])
        known[method.name] = method
    return known
