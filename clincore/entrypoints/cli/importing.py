"""``clincore repertory import``: make a repertory file of what other programs write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from clincore.domain.errors import RepertoryError
from clincore.entrypoints.cli.bars import Bars
from clincore.entrypoints.cli.running import ended_by_signals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clincore.wiring import ImportSummary

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_out = click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The file to write.")
_overwrite = click.option("--overwrite", is_flag=True, help="Replace FILE where it exists.")


@click.group("import")
def importing() -> None:
    """Make a repertory file of another form.

    A row that is broken is named by file and line, and nothing is written then. Files may be gzipped.
    """


@importing.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_out
@click.option("--name", default="Kent", show_default=True, help="The repertory's name.")
@click.option("--edition", default="", help="Which edition of it.")
@_overwrite
def kent(*, directory: Path, out: Path, name: str, edition: str, overwrite: bool) -> None:
    """Import Kent's repertory from DIRECTORY: rubrics.tsv, remedies.tsv and grades.tsv, plain or gzipped."""
    from clincore.wiring import import_kent

    _check_out(out, overwrite)
    with ended_by_signals(), Bars() as bars:
        summary = import_kent(directory, out, name=name, edition=edition, overwrite=overwrite, progress=bars)
    _tell(out, summary)


@importing.command()
@click.argument("dump", type=_FILE)
@_out
@click.option("--abbrev", metavar="ABBREV", help="Which repertory of the dump; needed where it holds several.")
@click.option("--name", help="The repertory's name; else the title that the dump has.")
@click.option("--edition", help="Which edition of it; else what the dump says.")
@_overwrite
def oorep(*, dump: Path, out: Path, abbrev: str | None, name: str | None, edition: str | None, overwrite: bool) -> None:
    """Import a repertory of OOREP from DUMP, a plain pg_dump of its database such as oorep.sql.gz."""
    from clincore.wiring import import_oorep

    _check_out(out, overwrite)
    with ended_by_signals(), Bars() as bars:
        summary = import_oorep(
            dump, out, abbreviation=abbrev, name=name, edition=edition, overwrite=overwrite, progress=bars
        )
    _tell(out, summary)


def _columns(_ctx: click.Context, _parameter: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    columns = {}
    for value in values:
        field, equals, column = value.partition("=")
        if not (equals and field.strip() and column.strip()):
            raise click.BadParameter(f"{value} is not FIELD=COLUMN, as in grade=Weight")
        columns[field.strip()] = column.strip()
    return columns


@importing.command("csv")
@click.argument("grades", type=_FILE)
@_out
@click.option("--name", required=True, help="The repertory's name.")
@click.option("--edition", default="", help="Which edition of it.")
@click.option("--rubrics", type=_FILE, metavar="FILE", help="The table of rubrics, where GRADES does not hold them.")
@click.option("--remedies", type=_FILE, metavar="FILE", help="The table of remedies' names.")
@click.option("--column", "columns", multiple=True, callback=_columns, metavar="FIELD=COLUMN", help="May be repeated.")
@_overwrite
def tables(
    *,
    grades: Path,
    out: Path,
    name: str,
    edition: str,
    rubrics: Path | None,
    remedies: Path | None,
    columns: dict[str, str],
    overwrite: bool,
) -> None:
    """Import CSV or TSV tables; the first line of each names its columns.

    GRADES has a row for each remedy of a rubric: remedy, grade, and the rubric by its rubric_id or its whole path
    ("Mind > FEAR > death, of"). With --rubrics the rubrics come from their own table: rubric_id, and parent_id with
    text, or path. Names that these columns often have are known; others are given as --column grade=Weight or, for one
    table alone, --column grades.rubric_id=Nr.
    """
    from clincore.wiring import import_csv

    _check_out(out, overwrite)
    with ended_by_signals(), Bars() as bars:
        summary = import_csv(
            grades,
            out,
            rubrics=rubrics,
            remedies=remedies,
            columns=columns,
            name=name,
            edition=edition,
            overwrite=overwrite,
            progress=bars,
        )
    _tell(out, summary)


def _check_out(out: Path, overwrite: bool) -> None:
    if out.exists() and not overwrite:
        raise RepertoryError(f"{out}: exists already; --overwrite replaces it.")


def _tell(out: Path, summary: ImportSummary) -> None:
    click.echo(f"{out}: {summary.rubrics:,} rubrics, {summary.remedies:,} remedies, {summary.grades:,} grades")
    for note in summary.notes:
        click.echo(f"note: {note}", err=True)
