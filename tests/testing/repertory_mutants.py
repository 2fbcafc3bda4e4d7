"""Faults planted in front of the SQLite repertory, each with the law that must catch it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, frozen

from clincore.domain.errors import InvalidCursor, InvalidQuery
from clincore.domain.repertory import RemedyStatistics, Rubric, RubricFamily, RubricPage

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from clincore.adapters.sqlite_repertory import SqliteRepertory
    from clincore.domain.inclusion import InclusionProof
    from clincore.domain.repertory import Edition

MUTANTS: Final[list[tuple[str, str, type[Front]]]] = []
"""The fault, the law that catches it, and the repertory that has it."""


@frozen
class Front:
    """A repertory that passes on what it is asked."""

    behind: SqliteRepertory

    @property
    def edition(self) -> Edition:
        return self.behind.edition

    @property
    def statistics(self) -> RemedyStatistics:
        return self.behind.statistics

    async def rubrics(self, ids: Collection[int]) -> Mapping[int, Rubric]:
        return await self.behind.rubrics(ids)

    async def prove(self, rubric_id: int) -> InclusionProof | None:
        return await self.behind.prove(rubric_id)

    async def search(self, query: str, *, limit: int, after: str | None = None) -> RubricPage:
        return await self.behind.search(query, limit=limit, after=after)

    async def family(self, rubric_id: int | None) -> RubricFamily | None:
        return await self.behind.family(rubric_id)


def planted(fault: str, law: str) -> Callable[[type[Front]], type[Front]]:
    def register(kind: type[Front]) -> type[Front]:
        MUTANTS.append((fault, law, kind))
        return kind

    return register


READ: Final = "what_is_read_is_what_was_written"
FOUND: Final = "a_search_finds_what_fits_once_and_in_one_order"
FAMILIES: Final = "families_are_what_the_tree_says"


@planted("grades that lose their highest", READ)
class _CutsGrades(Front):
    async def rubrics(self, ids: Collection[int]) -> Mapping[int, Rubric]:
        found = await super().rubrics(ids)
        return {
            id: rubric._replace(grades={name: min(grade, 4) for name, grade in rubric.grades.items()})
            for id, rubric in found.items()
        }


@planted("a median of the frequencies' mean", READ)
class _Averages(Front):
    @property
    def statistics(self) -> RemedyStatistics:
        known = self.behind.statistics
        frequencies = [remedy.frequency for remedy in known.remedies.values()]
        mean: Any = sum(frequencies) / len(frequencies) if frequencies else 0
        return evolve(known, median_frequency=mean)


@planted("a path without its chapter", READ)
class _ForgetsChapters(Front):
    async def rubrics(self, ids: Collection[int]) -> Mapping[int, Rubric]:
        found = await super().rubrics(ids)
        return {id: rubric._replace(path=rubric.path[1:] or rubric.path) for id, rubric in found.items()}


@planted("an unknown rubric that is answered", "unknown_ids_are_absent")
class _MakesUp(Front):
    async def rubrics(self, ids: Collection[int]) -> Mapping[int, Rubric]:
        made = {id: Rubric(id=id, path=("",), grades={}) for id in ids}
        return {**made, **await super().rubrics(ids)}


@planted("an unknown rubric with the family of the chapters", "unknown_ids_are_absent")
class _AdoptsAll(Front):
    async def family(self, rubric_id: int | None) -> RubricFamily | None:
        return await super().family(rubric_id) or await super().family(None)


@planted("a proof of another place", "every_rubric_has_a_proof_that_holds_under_the_editions_head")
class _ProvesTheNext(Front):
    async def prove(self, rubric_id: int) -> InclusionProof | None:
        proof = await super().prove(rubric_id)
        return evolve(proof, index=(proof.index + 1) % proof.size) if proof else None


@planted("a sibling that is left out", FAMILIES)
class _LosesSiblings(Front):
    async def family(self, rubric_id: int | None) -> RubricFamily | None:
        family = await super().family(rubric_id)
        return evolve(family, siblings=family.siblings[1:]) if family else None


@planted("parents from below", FAMILIES)
class _TurnsParents(Front):
    async def family(self, rubric_id: int | None) -> RubricFamily | None:
        family = await super().family(rubric_id)
        return evolve(family, parents=family.parents[::-1]) if family else None


@planted("a search that forgets what is excluded", FOUND)
class _FindsExcluded(Front):
    async def search(self, query: str, *, limit: int, after: str | None = None) -> RubricPage:
        kept = " ".join(part for part in query.split() if not part.startswith("-"))
        return await super().search(kept, limit=limit, after=after)


@planted("a search that forgets the grade", FOUND)
class _FindsAnyGrade(Front):
    async def search(self, query: str, *, limit: int, after: str | None = None) -> RubricPage:
        kept = " ".join(part for part in query.split() if not part.startswith("grade:"))
        return await super().search(kept, limit=limit, after=after)


@planted("a page that repeats the last of the one before", FOUND)
class _Repeats(Front):
    async def search(self, query: str, *, limit: int, after: str | None = None) -> RubricPage:
        page = await super().search(query, limit=limit, after=after)
        return evolve(page, hits=(page.hits[-1:] + page.hits)[:limit]) if after else page


@planted("a last page that is left out", FOUND)
class _StopsEarly(Front):
    async def search(self, query: str, *, limit: int, after: str | None = None) -> RubricPage:
        page = await super().search(query, limit=limit, after=after)
        return evolve(page, next=None)


@planted("the lowest grades shown first", "a_hit_shows_its_rubric_and_the_best_of_its_remedies")
class _ShowsTheLowest(Front):
    async def search(self, query: str, *, limit: int, after: str | None = None) -> RubricPage:
        page = await super().search(query, limit=limit, after=after)
        return evolve(page, hits=tuple(evolve(hit, best=hit.best[::-1]) for hit in page.hits))


@planted("a query that cannot be read has an empty page", "a_query_that_cannot_be_read_is_refused_at_its_place")
class _ReadsAnything(Front):
    async def search(self, query: str, *, limit: int, after: str | None = None) -> RubricPage:
        try:
            return await super().search(query, limit=limit, after=after)
        except InvalidQuery:
            return RubricPage(hits=(), next=None)


@planted("a query refused at its beginning", "a_query_that_cannot_be_read_is_refused_at_its_place")
class _PointsAtTheBeginning(Front):
    async def search(self, query: str, *, limit: int, after: str | None = None) -> RubricPage:
        try:
            return await super().search(query, limit=limit, after=after)
        except InvalidQuery:
            raise InvalidQuery("no", 0) from None


@planted("any cursor is taken", "a_cursor_that_was_not_handed_out_is_refused")
class _TakesAnyCursor(Front):
    async def search(self, query: str, *, limit: int, after: str | None = None) -> RubricPage:
        try:
            return await super().search(query, limit=limit, after=after)
        except InvalidCursor:
            return await super().search(query, limit=limit)
