"""``clincore repertory``: import one, look into it, rank with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from clincore.domain.limits import MAX_PAGE_SIZE
from clincore.entrypoints.cli.importing import importing
from clincore.entrypoints.cli.opened import opened_repertory, repertory_option
from clincore.entrypoints.cli.proofs import prove, verify_proof
from clincore.entrypoints.cli.ranking import rank
from clincore.entrypoints.cli.running import run
from clincore.entrypoints.cli.showing import show
from clincore.entrypoints.cli.tables import Column, facts, table

if TYPE_CHECKING:
    from pathlib import Path

    from clincore.domain.repertory import Edition, RubricHit, RubricPage


@click.group()
def command() -> None:
    """Import, search and rank with a repertory; no database and no key needed.

    The repertory is that of --repertory, else that of REPERTORY_DB_PATH, else the starter repertory.
    """


command.add_command(rank)
command.add_command(prove)
command.add_command(verify_proof)


command.add_command(importing)
command.add_command(show)


@command.command()
@repertory_option
def info(repertory: Path | None) -> None:
    """Say which repertory it is, how large, and its fingerprint."""
    edition = run(_edition(repertory))
    click.echo(
        facts(
            [
                ("name", edition.name),
                ("edition", edition.edition),
                ("rubrics", f"{edition.rubrics:,}"),
                ("remedies", f"{edition.remedies:,}"),
                ("grades", f"{edition.grades:,}"),
                ("fingerprint", edition.fingerprint),
            ]
        )
    )


async def _edition(repertory: Path | None) -> Edition:
    async with opened_repertory(repertory) as core:
        return core.edition


def _terms(ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> str:
    """Join what the shell took apart; -term is one, and what begins with two dashes is a mistyped option."""
    for value in values:
        if value.startswith("--"):
            raise click.NoSuchOption(value, ctx=ctx)
    return " ".join(values)


# A term such as -night must not be read as a row of short options, among them -h.
@command.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("query", nargs=-1, required=True, callback=_terms)
@repertory_option
@click.option("--limit", type=click.IntRange(1, MAX_PAGE_SIZE), default=20, show_default=True, help="Rubrics a page.")
@click.option("--cursor", metavar="C", help="Go on where a page ended.")
def search(*, query: str, repertory: Path | None, limit: int, cursor: str | None) -> None:
    """Find rubrics: all terms must fit.

    A "phrase in quotes", -term to leave out, anx* or *iety for the beginning or the end of a word, remedy:ars and
    grade:3 to restrict. The best-graded remedies are shown with their grades.
    """
    page = run(_search(query, repertory, limit, cursor))
    if not page.hits:
        click.echo("No rubric fits.", err=True)
        return
    columns = [Column("id", number=True), Column("remedies", number=True), Column("best"), Column("rubric")]
    click.echo(table(columns, map(_row, page.hits)))
    if page.next is not None:
        click.echo(f"There are more: --cursor {page.next}", err=True)


def _row(hit: RubricHit) -> list[Any]:
    best = ", ".join(f"{remedy} {grade}" for remedy, grade in hit.best)
    return [hit.id, hit.remedies, best, " > ".join(hit.path)]


async def _search(query: str, repertory: Path | None, limit: int, cursor: str | None) -> RubricPage:
    async with opened_repertory(repertory) as core:
        return await core.resources.repertory.search(query, limit=limit, after=cursor)
