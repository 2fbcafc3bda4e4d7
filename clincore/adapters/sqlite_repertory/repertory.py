"""The port to one repertory, over an SQLite file."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING

from attrs import frozen

from clincore.adapters.sqlite_repertory.family import Families
from clincore.adapters.sqlite_repertory.packed import PackedRubrics
from clincore.adapters.sqlite_repertory.reading import CacheReader
from clincore.adapters.sqlite_repertory.search import Search, folded_abbreviation
from clincore.domain.inclusion import InclusionProof, audit_path
from clincore.domain.progress import silent
from clincore.domain.repertory import Edition, Remedy, RemedyStatistics

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from clincore.domain.progress import Progress
    from clincore.domain.repertory import Rubric, RubricFamily, RubricPage

_META = "SELECT key, value FROM meta"
_REMEDIES = "SELECT abbreviation, name, frequency, number FROM remedy ORDER BY abbreviation"
_PACKED = "SELECT part, content FROM packed WHERE part <> 'leaf_hashes'"
_LEAF = "SELECT leaf FROM rubric WHERE id = ?"
_LEAF_HASHES = "SELECT content FROM packed WHERE part = 'leaf_hashes'"


@frozen
class SqliteRepertory:
    """One repertory file, opened read-only; any number of tasks may ask it at once.

        async with await SqliteRepertory.open(path) as repertory:
            page = await repertory.search("anxiety night", limit=20)

    The edition, the statistics and the rubrics are kept in memory; only a search reads the file.
    """

    edition: Edition
    statistics: RemedyStatistics
    _reader: CacheReader
    _search: Search
    _families: Families
    _packed: PackedRubrics

    @classmethod
    async def open(cls, path: Path, *, cache_directory: Path | None = None, progress: Progress = silent) -> Self:
        """Open a repertory; at the first time what is derived from it is built, which takes a while.

        ``progress`` is called from another thread. Raises RepertoryError.
        """
        reader = await CacheReader.open(path, cache_directory, progress)
        try:
            return await cls._read(reader)
        except BaseException:
            await reader.close()
            raise

    @classmethod
    async def _read(cls, reader: CacheReader) -> Self:
        meta = dict(await reader.rows(_META))
        rows = list(await reader.rows(_REMEDIES))
        edition = Edition(
            name=meta["name"] or reader.source.stem,
            edition=meta["edition"],
            fingerprint=meta["fingerprint"],
            rubrics=meta["rubrics"],
            remedies=meta["remedies"],
            grades=meta["grades"],
        )
        statistics = RemedyStatistics(
            remedies={
                remedy: Remedy(abbreviation=remedy, name=name, frequency=frequency)
                for remedy, name, frequency, _ in rows
            },
            median_frequency=Decimal(meta["median_frequency"]),
        )
        numbers: dict[str, list[int]] = {}
        for remedy, _, _, number in rows:
            numbers.setdefault(folded_abbreviation(remedy), []).append(number)
        search = Search(rows=reader.rows, fingerprint=edition.fingerprint, numbers=numbers)
        by_number = [remedy for remedy, _, _, _ in sorted(rows, key=itemgetter(3))]
        packed = PackedRubrics.of(dict(await reader.rows(_PACKED)), by_number)
        return cls(edition, statistics, reader, search, Families(rows=reader.rows), packed)

    async def rubrics(self, ids: Collection[int]) -> Mapping[int, Rubric]:
        """Return the rubrics among ``ids`` that exist; see the port."""
        self._reader.require_open()
        return self._packed.rubrics(ids)

    async def prove(self, rubric_id: int) -> InclusionProof | None:
        """Return the proof from the hashes of all leaves, which are read for it; see the port."""
        self._reader.require_open()
        index = self._packed.index(rubric_id)
        if index is None:
            return None
        ((leaf,),) = await self._reader.rows(_LEAF, (rubric_id,))
        ((hashes,),) = await self._reader.rows(_LEAF_HASHES)
        path = await asyncio.to_thread(audit_path, hashes, index)
        return InclusionProof(
            leaf=leaf, index=index, size=self.edition.rubrics, path=tuple(beside.hex() for beside in path)
        )

    async def search(self, query: str, *, limit: int, after: str | None = None) -> RubricPage:
        """Return a page of the rubrics that fit the query; see the port."""
        return await self._search.page(query, limit, after)

    async def family(self, rubric_id: int | None) -> RubricFamily | None:
        """Return what stands around a rubric; see the port."""
        return await self._families.of(rubric_id)

    async def close(self) -> None:
        """Close the file; again is harmless."""
        await self._reader.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self.close()
