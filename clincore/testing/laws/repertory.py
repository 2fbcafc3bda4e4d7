"""The laws of a repertory: what is read is what was written, searches lose nothing, and proofs hold."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.errors import InvalidCursor, InvalidQuery
from clincore.domain.repertory import RubricLine
from clincore.testing.strategies import RepertoryContent, invalid_queries, repertories
from clincore.testing.suite.expecting import at_once, refused
from clincore.testing.suite.law import law

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clincore.domain.repertory import RubricHit
    from clincore.ports.repertory import Repertory
    from clincore.testing.suite.repertory import RepertoryGround

CONTENTS: Final = repertories()
UNKNOWN: Final = (0, -1, -(2**70), 2**53, 2**63, 2**200)
"""Numbers that no rubric has: too small, and too large for some stores."""
ASKED: Final = ("mind", "FEAR", "death", "night", "alone", "HEMORRHAGE", "bed", "Толпа")
"""Words of generated repertories that mean themselves alone."""
EXCLUDED: Final = st.none() | st.sampled_from(ASKED)
REMEDIES: Final = st.none() | st.sampled_from(["Ars.", "ars.", "sulph", "Aur."])
GRADES: Final = st.none() | st.integers(1, 5)


def text_of(word: str, excluded: str | None, remedy: str | None, grade: int | None) -> str:
    filters = [
        f"-{excluded}" if excluded else "",
        f"remedy:{remedy}" if remedy else "",
        f"grade:{grade}" if grade else "",
    ]
    return " ".join([word, *filter(None, filters)])


def words_of(text: str) -> set[str]:
    plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
    return set(re.findall(r"[^\W_]+", plain))


def fitting(
    content: RepertoryContent, word: str, excluded: str | None, remedy: str | None, grade: int | None
) -> set[int]:
    """Return what a search must find, by looking at every rubric."""
    found = set()
    for id, rubric in content.rubrics.items():
        own = words_of(rubric.text)
        enough = {name.rstrip(".").casefold() for name, given in rubric.grades.items() if given >= (grade or 1)}
        if (
            words_of(word) <= own
            and not (excluded and words_of(excluded) <= own)
            and (remedy is None or remedy.rstrip(".").casefold() in enough)
            and (grade is None or enough)
        ):
            found.add(id)
    return found


async def searched(repertory: Repertory, text: str, limits: Sequence[int]) -> list[RubricHit]:
    """Return a whole result, read in pages of these sizes in turn."""
    hits: list[RubricHit] = []
    after = None
    for turn in range(1000):
        limit = limits[turn % len(limits)]
        page = await repertory.search(text, limit=limit, after=after)
        assert len(page.hits) == limit if page.next else len(page.hits) <= limit
        hits += page.hits
        after = page.next
        if after is None:
            return hits
    raise AssertionError("the pages do not end")


def is_known(repertory: Repertory, remedy: str | None) -> bool:
    """A remedy that is nowhere in the repertory is refused in a query."""
    known = {name.rstrip(".").casefold() for name in repertory.statistics.remedies}
    return remedy is None or remedy.rstrip(".").casefold() in known


@law(given(content=CONTENTS), examples=30)
async def what_is_read_is_what_was_written(ground: RepertoryGround, content: RepertoryContent) -> None:
    """Every path and grade, the frequencies and their median, the edition, and its fingerprint."""
    async with ground.open(content) as repertory:
        assert repertory.edition == content.identity
        assert repertory.statistics == content.statistics
        assert dict(await repertory.rubrics(list(content.texts))) == content.rubrics


@law(given(content=CONTENTS, data=st.data()), examples=20)
async def unknown_ids_are_absent(ground: RepertoryGround, content: RepertoryContent, data: st.DataObject) -> None:
    """Whatever number is asked for, and however often."""
    asked = data.draw(st.lists(st.sampled_from([*content.texts, *UNKNOWN, max(content.texts) + 1]), max_size=8))
    async with ground.open(content) as repertory:
        found = await repertory.rubrics(asked)
        assert sorted(found) == sorted(content.texts.keys() & set(asked))
        for unknown in UNKNOWN:
            assert await repertory.prove(unknown) is None
            assert await repertory.family(unknown) is None


@law(given(content=CONTENTS), examples=20)
async def every_rubric_has_a_proof_that_holds_under_the_editions_head(
    ground: RepertoryGround, content: RepertoryContent
) -> None:
    """And says of the rubric what the repertory says."""
    async with ground.open(content) as repertory:
        for id, rubric in content.rubrics.items():
            proof = await repertory.prove(id)
            assert proof is not None
            assert proof.holds(content.identity.head)
            assert proof.rubric == (id, rubric.path, rubric.grades)


@law(given(content=CONTENTS), examples=20)
async def families_are_what_the_tree_says(ground: RepertoryGround, content: RepertoryContent) -> None:
    """Parents from the chapter down; siblings and children all of them, by id; each with its own text and sizes."""

    def children(of: int | None) -> list[int]:
        return sorted(id for id, parent in content.parents.items() if parent == of)

    def lines(ids: Sequence[int]) -> tuple[RubricLine, ...]:
        return tuple(
            RubricLine(
                id=id,
                text=content.texts[id],
                remedies=len(content.grades.get(id, {})),
                children=len(children(id)),
            )
            for id in ids
        )

    async with ground.open(content) as repertory:
        for id in (None, *content.texts):
            family = await repertory.family(id)
            assert family is not None
            assert family.children == lines(children(id))
            above: list[int] = []
            parent = content.parents[id] if id is not None else None
            while parent is not None:
                above.insert(0, parent)
                parent = content.parents[parent]
            assert family.parents == lines(above)
            beside = children(content.parents[id]) if id is not None else []
            assert family.siblings == lines([each for each in beside if each != id])


@law(
    given(
        content=repertories(smallest=6),
        excluded=EXCLUDED,
        remedy=REMEDIES,
        grade=GRADES,
        limits=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    ),
    examples=25,
)
async def a_search_finds_what_fits_once_and_in_one_order(
    ground: RepertoryGround,
    content: RepertoryContent,
    *,
    excluded: str | None,
    remedy: str | None,
    grade: int | None,
    limits: list[int],
) -> None:
    """Whatever the sizes of the pages: nothing is lost, nothing comes twice, and nothing else is found."""
    async with ground.open(content) as repertory:
        known = remedy if is_known(repertory, remedy) else None
        for word in ASKED:
            for filters in {(None, None, None), (excluded, None, None), (None, known, grade), (excluded, known, grade)}:
                text = text_of(word, *filters)
                hits = await searched(repertory, text, limits)
                assert (text, sorted(hit.id for hit in hits)) == (text, sorted(fitting(content, word, *filters)))
                assert hits == await searched(repertory, text, [200])


@law(given(content=CONTENTS, word=st.sampled_from(ASKED)), examples=30)
async def a_hit_shows_its_rubric_and_the_best_of_its_remedies(
    ground: RepertoryGround, content: RepertoryContent, word: str
) -> None:
    """Highest grades first; none that is left out has a higher one."""
    async with ground.open(content) as repertory:
        for hit in await searched(repertory, word, [50]):
            rubric = content.rubrics[hit.id]
            assert (hit.path, hit.remedies) == (rubric.path, len(rubric.grades))
            shown = [grade for _, grade in hit.best]
            assert shown == sorted(shown, reverse=True)
            assert dict(hit.best).items() <= rubric.grades.items()
            left = [grade for remedy, grade in rubric.grades.items() if remedy not in dict(hit.best)]
            assert max(left, default=0) <= min(shown, default=5)
            assert bool(hit.best) is bool(rubric.grades)


@law(given(content=CONTENTS, wrong=invalid_queries()), examples=20)
async def a_query_that_cannot_be_read_is_refused_at_its_place(
    ground: RepertoryGround, content: RepertoryContent, wrong: tuple[str, int]
) -> None:
    text, position = wrong
    async with ground.open(content) as repertory:
        with refused(InvalidQuery) as refusal:
            await repertory.search(text, limit=10)
        assert refusal.error is not None
        assert refusal.error.position == position


@law(
    given(content=CONTENTS, garbage=st.text(max_size=30) | st.from_regex(r"[A-Za-z0-9_-]{23}", fullmatch=True)),
    examples=15,
)
async def a_cursor_that_was_not_handed_out_is_refused(
    ground: RepertoryGround, content: RepertoryContent, garbage: str
) -> None:
    """Never an empty page, never an error of another kind."""
    async with ground.open(content) as repertory:
        with refused(InvalidCursor):
            await repertory.search("night", limit=10, after=garbage)


@law(given(content=CONTENTS), examples=10)
async def answers_to_many_who_ask_at_once_do_not_mix(ground: RepertoryGround, content: RepertoryContent) -> None:
    async with ground.open(content) as repertory:
        ids = list(content.texts) * 5

        async def ask(id: int) -> list[int]:
            return list(await repertory.rubrics([id]))

        assert await at_once(*map(ask, ids)) == [[id] for id in ids]
