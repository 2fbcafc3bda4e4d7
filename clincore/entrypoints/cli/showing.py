"""``clincore repertory show``: one rubric, its graded remedies, and the tree around it."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clincore.domain.errors import RepertoryError
from clincore.entrypoints.cli.opened import opened_repertory, repertory_option
from clincore.entrypoints.cli.running import run
from clincore.entrypoints.cli.tables import Column, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from clincore.domain.repertory import Rubric, RubricFamily, RubricLine

_COLUMNS = [Column("id", number=True), Column("remedies", number=True), Column("below", number=True), Column("rubric")]


@click.command()
@click.argument("rubric", required=False, type=click.IntRange(min=1), metavar="[ID]")
@repertory_option
def show(*, rubric: int | None, repertory: Path | None) -> None:
    """Show the rubric ID: its path, its remedies by grade, and what stands above, beside and below it.

    Cross-references are followed where the rubric's text has some. Without an ID the chapters are listed.
    """
    click.echo(run(_shown(rubric, repertory)))


async def _shown(rubric_id: int | None, repertory: Path | None) -> str:
    async with opened_repertory(repertory) as core:
        port = core.resources.repertory
        family = await port.family(rubric_id)
        found = {} if rubric_id is None else await port.rubrics([rubric_id])
        name = core.edition.name
    if family is None:
        raise RepertoryError(f"{name} has no rubric {rubric_id}; clincore repertory search finds the ids.")
    if rubric_id is None:
        return _lines(family.children)
    return "\n\n".join(_parts(found[rubric_id], family))


def _parts(rubric: Rubric, family: RubricFamily) -> Iterator[str]:
    yield f"{rubric.id}  {rubric.text}"
    yield _remedies(rubric)
    for heading, lines in (("above", family.parents), ("beside", family.siblings), ("below", family.children)):
        if lines:
            yield f"{heading}:\n{_lines(lines)}"
    for reference in family.cross_references:
        yield f"see {reference.text}:\n{_lines(reference.rubrics) if reference.rubrics else '  no such rubric near it'}"


def _remedies(rubric: Rubric) -> str:
    """Return a line a grade, the highest first, its remedies in alphabetical order."""
    if not rubric.grades:
        return "no remedies"
    ordered = sorted(rubric.grades.items(), key=lambda given: (-given[1], given[0]))
    return "\n".join(
        f"grade {grade}:  {', '.join(remedy for remedy, _ in given)}"
        for grade, given in groupby(ordered, key=lambda given: given[1])
    )


def _lines(lines: Iterable[RubricLine]) -> str:
    return table(_COLUMNS, ([line.id, line.remedies, line.children or "", line.text] for line in lines), indent="  ")
