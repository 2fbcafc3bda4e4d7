from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from kent_queries import MEANT

from clincore.adapters.sqlite_repertory import ImportSummary, SqliteRepertory, import_kent_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clincore.domain.repertory import RubricHit, RubricPage


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def kent(
    runner: asyncio.Runner, kent_repertory: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SqliteRepertory]:
    cache = tmp_path_factory.mktemp("cache")
    repertory = runner.run(SqliteRepertory.open(kent_repertory, cache_directory=cache))
    yield repertory
    runner.run(repertory.close())


def test_every_row_of_kent_is_imported(kent_directory: Path, tmp_path: Path) -> None:
    """The numbers its description names."""
    summary = import_kent_rows(kent_directory, tmp_path / "kent.sqlite", name="Kent", edition="")
    assert summary == ImportSummary(rubrics=66_959, grades=447_994, remedies=562)


def test_kent_s_sizes_and_median(kent: SqliteRepertory) -> None:
    """The contract gives the median as an example."""
    edition = kent.edition
    assert (edition.rubrics, edition.grades, edition.remedies) == (66_959, 447_994, 562)
    assert kent.statistics.median_frequency == Decimal("239.5")
    assert kent.statistics.remedies["ars"].name == "Arsenicum album"


def test_every_rubric_of_kent_has_the_grades_of_its_rows(
    kent: SqliteRepertory, kent_repertory: Path, runner: asyncio.Runner
) -> None:
    """Compared row by row with the file."""
    with closing(sqlite3.connect(kent_repertory)) as connection:
        expected: dict[int, dict[str, int]] = {id: {} for (id,) in connection.execute("SELECT id FROM syntree")}
        for rubric, remedy, grade in connection.execute("SELECT symptom_id, remedy, degree FROM symptom_remedies"):
            expected[rubric][remedy] = grade
    rubrics = runner.run(kent.rubrics(list(expected)))
    assert {id: rubric.grades for id, rubric in rubrics.items()} == expected


def search(kent: SqliteRepertory, runner: asyncio.Runner, query: str) -> RubricPage:
    return runner.run(kent.search(query, limit=50))


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("anxiety", "Mind > ANXIETY"),
        ("anxiety night", "Mind > ANXIETY, evening, bed, in > night"),
        ("fear of death", "Mind > FEAR, dawn, of the return of > death, of"),
        ('"fear of death"', "Mind > FEAR, dawn, of the return of > death, of"),
        ("vertigo -morning", "Vertigo > VERTIGO"),
        ("chill evening", "Chill > EVENING"),
        ("perspiration night", "Perspiration > NIGHT"),
        ("grief", "Mind > GRIEF"),
        ("warts face", "Face > WARTS"),
        ("worse motion generalities", "Generalities > MOTION agg"),
        ("aversion company", "Mind > COMPANY aversion to"),
        ("stammer*", "Mouth > SPEECH, broken > stammering"),
    ],
)
def test_the_rubric_that_is_meant_stands_first(
    kent: SqliteRepertory, runner: asyncio.Runner, query: str, path: str
) -> None:
    """As a practitioner would ask for it."""
    assert " > ".join(search(kent, runner, query).hits[0].path) == path


@pytest.mark.parametrize(("query", "rubric"), MEANT.items(), ids=MEANT)
def test_the_rubric_that_a_practitioner_means_is_among_the_first_five(
    kent: SqliteRepertory, runner: asyncio.Runner, query: str, rubric: int
) -> None:
    """Two words or three are enough; nobody reads a second page."""
    assert rubric in [hit.id for hit in search(kent, runner, query).hits[:5]]


def test_paging_through_a_chapter_finds_every_rubric_once(kent: SqliteRepertory, runner: asyncio.Runner) -> None:
    """Without the excluded ones, and in two parts: with a word of the query in their own text, and without."""
    found: list[RubricHit] = []
    after = None
    while True:
        page = runner.run(kent.search("vertigo -morning", limit=37, after=after))
        found += page.hits
        after = page.next
        if after is None:
            break
    texts = [" > ".join(hit.path).lower() for hit in found]
    assert len({hit.id for hit in found}) == len(found) > 400
    assert all("vertigo" in text and "morning" not in text.replace(",", " ").split() for text in texts)
    own = ["vertigo" in hit.path[-1].lower() for hit in found]
    assert own == sorted(own, reverse=True)


def test_filters_hold_in_every_hit(kent: SqliteRepertory, runner: asyncio.Runner) -> None:
    """Read again from the rubrics themselves."""
    page = search(kent, runner, "pain remedy:bell grade:3")
    rubrics = runner.run(kent.rubrics([hit.id for hit in page.hits]))
    assert len(page.hits) == 50
    assert all(rubric.grades["bell"] >= 3 for rubric in rubrics.values())


def test_the_one_cross_reference_of_kent_leads_to_its_rubric(kent: SqliteRepertory, runner: asyncio.Runner) -> None:
    """ "slow (See Feeble" stands on another page of the book than "feeble stream"."""
    family = runner.run(kent.family(31597))
    assert family is not None
    assert [(found.text, [line.id for line in found.rubrics]) for found in family.cross_references] == [
        ("Feeble", [31440])
    ]
