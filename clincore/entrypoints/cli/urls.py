"""A database's URL as an option, and what is told of work on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clincore.database_url import DatabaseUrl

if TYPE_CHECKING:
    from collections.abc import Callable


def url_option(*names: str, required: bool = False, help: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option that takes a database's URL."""
    return click.option(*names, metavar="URL", required=required, callback=_parsed, help=help)


def _parsed(ctx: click.Context, parameter: click.Parameter, value: str | None) -> DatabaseUrl | None:
    """Refuse what is no database's URL, without repeating it: it may hold a password."""
    if value is None:
        return None
    try:
        return DatabaseUrl.parse(value)
    except ValueError as error:
        raise click.BadParameter(f"the URL {error}.", ctx=ctx, param=parameter) from None


def warn_of_localhost(url: DatabaseUrl) -> None:
    if url.was_localhost:
        click.echo("warning: localhost is taken as 127.0.0.1 in the database's URL", err=True)


def tell(step: str) -> None:
    """Tell of a step on stderr."""
    click.echo(step, err=True)
