"""``clincore repertory rank``, and rankings as text, CSV and JSON."""

from __future__ import annotations

import csv
import json
from decimal import Decimal, InvalidOperation
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from clincore.domain.case_input import AUTO, DEFAULT_METHOD, CaseInput
from clincore.domain.limits import TOP_N
from clincore.domain.ranking.case import CaseType, Course
from clincore.entrypoints.cli.opened import opened_repertory, repertory_option
from clincore.entrypoints.cli.running import run
from clincore.entrypoints.cli.tables import Column, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from clincore.domain.repertory import Edition
    from clincore.services.repertorization import Repertorization

FORMS: Final = ("text", "json", "csv")
_ROW: Final = ("rank", "remedy", "name", "score", "raw_score", "coverage", "rubrics_hit", "mind_strong_hits", "tied")
_ABSENT: Final = "."
_COLUMNS: Final = (
    Column("rank", number=True),
    Column("remedy"),
    Column("name"),
    Column("score", number=True),
    Column("raw", number=True),
    Column("coverage", number=True),
    Column("hits", number=True),
)


def _weighted(_ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> list[dict[str, Any]]:
    """Read ID or ID:WEIGHT as entries of an ``input_payload``; the limits are the domain's to know."""
    entries: list[dict[str, Any]] = []
    for value in values:
        rubric_id, colon, weight = value.partition(":")
        try:
            entries.append({"symptom_id": int(rubric_id), **({"weight": Decimal(weight)} if colon else {})})
        except (ValueError, InvalidOperation):
            raise click.BadParameter(f"{value!r} is not a rubric's id, nor ID:WEIGHT such as 18:2.") from None
    return entries


@click.command()
@click.option(
    "--rubric",
    "rubrics",
    callback=_weighted,
    metavar="ID[:WEIGHT]",
    multiple=True,
    help="A rubric, with its weight (1).",
)
@click.option(
    "--eliminate", "eliminating", type=int, metavar="ID", multiple=True, help="A rubric; who is not in it drops out."
)
@repertory_option
@click.option("--course", type=click.Choice([item.value for item in Course]), default=Course.CHRONIC.value)
@click.option("--case-type", type=click.Choice([AUTO, *(item.value for item in CaseType)]), default=AUTO)
@click.option("--method", default=DEFAULT_METHOD, show_default=True, help="The ranking method.")
@click.option("--top", type=click.IntRange(0), default=TOP_N, show_default=True, help="How many remedies; 0: all.")
@click.option("--grid", "with_grid", is_flag=True, help="Also what each rubric contributes to each score.")
@click.option("--stability", is_flag=True, help="Also how much one weight must change to put another remedy first.")
@click.option(
    "--format", "form", type=click.Choice(FORMS), default="text", show_default=True, help="How it is printed."
)
@click.option(
    "--json", "as_json", is_flag=True, help="The same as --format json, which is as the HTTP service answers."
)
def rank(
    *,
    rubrics: list[dict[str, Any]],
    eliminating: tuple[int, ...],
    repertory: Path | None,
    course: str,
    case_type: str,
    method: str,
    top: int,
    with_grid: bool,
    stability: bool,
    form: str,
    as_json: bool,
) -> None:
    """Rank the remedies of the rubrics given by --rubric and --eliminate.

    As csv, the table alone is printed: a remedy a line; with --grid a contribution a line, and the scores that they add
    up to; --stability is not for it.
    """
    form = "json" if as_json else form
    entries = _entries(rubrics, eliminating)
    if not entries:
        raise click.UsageError("Name at least one rubric: --rubric ID[:WEIGHT]. 'clincore repertory search' finds ids.")
    payload = {"rubrics": entries, "course": course, "case_type": case_type, "method": method, "top_n": top}
    if form == "csv" and stability:
        raise click.UsageError("--stability has no place in a table; take --format text or json.")
    found, edition = run(_rank(CaseInput.parse(payload), repertory, stability=stability))
    if form == "json":
        click.echo(json.dumps(found.to_json(grid=with_grid), ensure_ascii=False, indent=2))
    elif form == "csv":
        click.echo(grid_csv(found) if with_grid else ranking_csv(found), nl=False)
    else:
        click.echo("\n\n".join(_texts(found, edition, with_grid=with_grid)))


def _texts(found: Repertorization, edition: Edition, *, with_grid: bool) -> Iterator[str]:
    top = found.entered.top_n
    yield heading(found, edition)
    yield ranking_table(found, top)
    if with_grid:
        yield "What each rubric contributes, and the grade behind it; a row adds up to the score exactly:"
        yield grid_table(found, top)
        yield legend(found)
    if found.stability is not None:
        yield stability_text(found)


def _entries(rubrics: Iterable[dict[str, Any]], eliminating: Sequence[int]) -> list[dict[str, Any]]:
    """Join both options: a rubric that only stands in --eliminate has the weight 1."""
    entries = [{**rubric, "eliminate": rubric["symptom_id"] in eliminating} for rubric in rubrics]
    named = {entry["symptom_id"] for entry in entries}
    return entries + [{"symptom_id": one, "eliminate": True} for one in eliminating if one not in named]


async def _rank(entered: CaseInput, repertory: Path | None, *, stability: bool) -> tuple[Repertorization, Edition]:
    from clincore.services.repertorization import repertorize

    async with opened_repertory(repertory) as core:
        return await repertorize(core.resources, entered, stability=stability), core.edition


# --- as CSV --------------------------------------------------------------------------------------------


def ranking_csv(found: Repertorization) -> str:
    """Return a remedy a line, with the columns of the JSON rows."""
    rows = [{**row.to_json(), "tied": str(row.tied).lower()} for row in found.ranking.top(found.entered.top_n)]
    return _csv(_ROW, ([row[name] for name in _ROW] for row in rows))


def grid_csv(found: Repertorization) -> str:
    """Return a remedy a line: what rubric 8 gives stands below ``contribution 8``, its grade below ``grade 8``.

    A line's contributions add up to its score exactly; both are empty where the rubric lacks the remedy.
    """
    ids = found.entered.symptom_ids
    heads = [f"{name} {one}" for one in ids for name in ("grade", "contribution")]
    lines: list[list[object]] = []
    for row in found.grid():
        cells = {cell.rubric_id: (cell.grade, cell.contribution) for cell in row.cells}
        given = [value for one in ids for value in cells.get(one, ("", ""))]
        lines.append([row.row.rank, row.row.remedy, row.row.name, *given, row.row.score.score])
    return _csv(["rank", "remedy", "name", *heads, "score"], lines)


def _csv(heads: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    written = StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(lines)
    return written.getvalue()


# --- as text -------------------------------------------------------------------------------------------


def heading(found: Repertorization, edition: Edition) -> str:
    """Name the repertory, the method and what it made of the case."""
    ranking = found.ranking
    title = ", ".join(part for part in (edition.name, edition.edition) if part)
    return (
        f"{title} | {ranking.method} | {ranking.course.value} course | case type {ranking.case_type.value} | "
        f"{ranking.remedies_evaluated:,} remedies"
    )


def ranking_table(found: Repertorization, top: int, *, indent: str = "") -> str:
    """Return the first ``top`` rows (0: all); equal ranks are marked with =."""
    rows = found.ranking.top(top)
    texts = [
        [
            f"{row.rank}=" if row.tied else row.rank,
            row.remedy,
            row.name,
            row.score.score,
            row.score.raw_score,
            row.score.coverage,
            f"{row.score.rubrics_hit}/{len(found.case.rubrics)}",
        ]
        for row in rows
    ]
    note = f"\n{indent}= tied" if any(row.tied for row in rows) else ""
    return table(_COLUMNS, texts, indent=indent) + note


def grid_table(found: Repertorization, top: int, *, indent: str = "") -> str:
    """Return remedies down and rubrics across, R1 to Rn in the order of entry."""
    ids = found.entered.symptom_ids
    columns = [Column("remedy"), *(Column(f"R{number}", number=True) for number in range(1, len(ids) + 1))]
    texts = []
    for row in found.grid(top):
        cells = {cell.rubric_id: f"{cell.contribution} ({cell.grade})" for cell in row.cells}
        texts.append([row.row.remedy, *(cells.get(one, _ABSENT) for one in ids), row.row.score.score])
    return table([*columns, Column("= score", number=True)], texts, indent=indent)


def stability_text(found: Repertorization) -> str:
    """Say how much one weight must change, and which, to put another remedy first."""
    stability = found.stability
    if stability is None or not stability.is_supported:
        return f"The stability margin is not known: {found.ranking.method} cannot tell it."
    if stability.margin is None:
        return "Stable: no weight between a tenth and ten times of what it is puts another remedy first."
    margin = stability.margin
    return (
        f"Stability margin {margin.rounded}: if the weight of rubric {margin.rubric_id} "
        f"({found.rubrics[margin.rubric_id].text}) changes by that part of itself, {margin.remedy} is first or level."
    )


def legend(found: Repertorization, *, indent: str = "") -> str:
    """Say which rubric R1 to Rn are, with their weights where they are not 1."""
    rows = []
    for number, choice in enumerate(found.entered.rubrics, 1):
        rubric = found.rubrics[choice.symptom_id]
        notes = [f"weight {choice.weight}"] if choice.weight != 1 else []
        notes += ["eliminates"] if choice.eliminate else []
        text = f"{rubric.text}  [{', '.join(notes)}]" if notes else rubric.text
        rows.append([f"R{number}", choice.symptom_id, len(rubric.grades), text])
    columns = [Column(""), Column("id", number=True), Column("remedies", number=True), Column("rubric")]
    return table(columns, rows, indent=indent)
