"""500 cases of Kent's repertory have the very digits that a slow implementation of the contract gave them once."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import golden_kent as golden
import pytest
from golden_kent import Kent

import clincore
from clincore.domain.repertory import RubricTag
from clincore.services.repertorization import repertorize

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@pytest.fixture(scope="module")
def kent_rows(kent_directory: Path) -> Kent:
    return Kent.read(kent_directory)


def tags_of(given: Mapping[str, Any]) -> dict[int, RubricTag]:
    return {
        int(rubric_id): RubricTag(bucket=bucket, ailments_from=ailments_from, delusions=delusions)
        for rubric_id, (bucket, ailments_from, delusions) in given["tags"].items()
    }


async def ranked(repertory: Path, cache: Path, cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the library gives, through the importer, the cache and the engine; every grid is added up besides."""
    found = []
    async with clincore.open("memory:", repertory, cache_directory=cache) as core:
        for given in cases:
            tags: Any = core.resources.tags
            tags.clear()
            tags.update(tags_of(given))
            case = await repertorize(core.resources, clincore.CaseInput.parse(golden.payload_of(given)))
            for row in case.grid():
                assert sum(cell.contribution for cell in row.cells) == row.row.score.score
            found.append(golden.digits([dict(row.to_json()) for row in case.ranking.rows]))
    return found


def test_the_engine_gives_every_case_its_digits(kent_repertory: Path, tmp_path: Path) -> None:
    cases = golden.kept()
    expected = [{name: case[name] for name in ("remedies", "sha256", "first")} for case in cases]
    assert asyncio.run(ranked(kent_repertory, tmp_path, cases)) == expected


def test_the_file_is_the_reference_s(kent_rows: Kent) -> None:
    """A twentieth of the cases made anew; the inputs are those of the seed."""
    cases = golden.kept()
    given = [{name: case[name] for name in ("rubrics", "tags", "course", "case_type", "method")} for case in cases]
    assert given == golden.inputs(kent_rows)
    for case in cases[::20]:
        assert {**case, **golden.digits(golden.expected_rows(kent_rows, case))} == case


def test_the_cases_are_of_every_kind() -> None:
    cases = golden.kept()
    assert len(cases) == 500
    for name in ("method", "course", "case_type"):
        assert min(Counter(case[name] for case in cases).values()) > 50
    assert sum(1 for case in cases if any(text.endswith("!") for text in case["rubrics"])) > 50
    assert sum(1 for case in cases if case["tags"]) > 200
    assert sum(1 for case in cases if case["remedies"] > 100) > 50
