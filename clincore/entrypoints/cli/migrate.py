"""``clincore migrate``: the database's schema, revision by revision."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import click

from clincore.domain.errors import DatabaseUnavailable
from clincore.entrypoints.cli.running import run
from clincore.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from clincore.wiring import Migrations, Step

Direction: TypeAlias = Literal["upgrade", "downgrade"]
_SERVICE_ROLE: Final = "clincore_user"


@click.group()
def command() -> None:
    """Bring a database's schema up or down, and say where it is.

    The database is that of MIGRATION_DATABASE_URL, a role that owns it; without one, that of DATABASE_URL.
    """


@command.command()
def heads() -> None:
    """Print the newest revision; needs no database."""
    click.echo(f"{_offline(None).chain[-1].id} (head)")


@command.command()
def current() -> None:
    """Print the revision the database is at; nothing where none was applied."""
    if (revision := run(_current())) is not None:
        is_head = revision == _offline(None).chain[-1].id
        click.echo(f"{revision} (head)" if is_head else revision)


@command.command()
def history() -> None:
    """List the revisions, newest first; needs no database."""
    chain = _offline(None).chain
    for revision in reversed(chain):
        head = " (head)" if revision is chain[-1] else ""
        click.echo(f"{revision.revises or '<base>'} -> {revision.id}{head}, {revision.description}")


def _script_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--from", "start", metavar="REVISION", help="With --sql: begin there, whatever the database says."
        ),
        click.option("--service-role", metavar="NAME", help="The role to grant to; else the user of DATABASE_URL."),
        click.option("--sql", "as_sql", is_flag=True, help="Print the script for psql and run nothing."),
    ):
        function = option(function)
    return function


@command.command()
@click.argument("target")
@_script_options
def upgrade(*, target: str, as_sql: bool, service_role: str | None, start: str | None) -> None:
    """Apply revisions up to TARGET: head, a revision, or +N."""
    if as_sql:
        _print_script("upgrade", target, start or None, service_role, allow_data_loss=False)
    else:
        _refuse_start(start)
        run(_upgrade(target, service_role))


def _target_or_offset(ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Let -1 through, which the option parser was told to leave alone, and nothing else that begins like an option."""
    if value.startswith("-") and not value[1:].isdecimal():
        raise click.NoSuchOption(value, ctx=ctx)
    return value


@command.command(context_settings={"ignore_unknown_options": True})
@click.argument("target", callback=_target_or_offset)
@click.option("--allow-data-loss", is_flag=True, help="Also where rows, or values of a column, go with it.")
@_script_options
def downgrade(*, target: str, allow_data_loss: bool, as_sql: bool, service_role: str | None, start: str | None) -> None:
    """Take revisions back to TARGET: -N, a revision, or base."""
    if as_sql:
        _print_script("downgrade", target, start or None, service_role, allow_data_loss=allow_data_loss)
    else:
        _refuse_start(start)
        run(_downgrade(target, service_role, allow_data_loss=allow_data_loss))


def _refuse_start(start: str | None) -> None:
    if start is not None:
        raise click.UsageError("--from goes with --sql; without it the database knows where it is.")


# --- on the database -----------------------------------------------------------------------------------


async def _current() -> str | None:
    async with _open(None) as migrations:
        return await migrations.current()


async def _upgrade(target: str, service_role: str | None) -> None:
    told = _Told()
    async with _open(service_role) as migrations:
        await migrations.upgrade(target, told)
        await told.finish(migrations)


async def _downgrade(target: str, service_role: str | None, *, allow_data_loss: bool) -> None:
    told = _Told()
    async with _open(service_role) as migrations:
        await migrations.downgrade(target, told, allow_data_loss=allow_data_loss)
        await told.finish(migrations)


class _Told:
    """Prints each step once it is committed."""

    def __init__(self) -> None:
        self._steps = 0

    def __call__(self, step: Step) -> None:
        self._steps += 1
        revision = step.revision
        if step.direction == "upgrade":
            click.echo(f"applied    {revision.id:<14} {revision.description}")
        else:
            click.echo(f"took back  {revision.id:<14} {revision.description}")

    async def finish(self, migrations: Migrations) -> None:
        if not self._steps:
            click.echo(f"nothing to do: the database is at {await migrations.current() or 'base'}", err=True)


def _open(service_role: str | None) -> AbstractAsyncContextManager[Migrations]:
    from clincore.wiring import open_migrations

    url, service_user = Settings.read_migration_database(os.environ)
    if url.was_localhost:
        click.echo("warning: localhost is taken as 127.0.0.1 in the database's URL", err=True)
    return open_migrations(url, service_role or service_user)


# --- as a script ---------------------------------------------------------------------------------------


def _offline(service_role: str | None) -> Migrations:
    from clincore.wiring import migrations_without_database

    return migrations_without_database(service_role or _SERVICE_ROLE)


def _print_script(
    direction: Direction, target: str, start: str | None, service_role: str | None, *, allow_data_loss: bool
) -> None:
    revision, role = run(_beginning(direction, start))
    text = _offline(service_role or role).printed(revision, target, direction, allow_data_loss=allow_data_loss)
    click.echo(text, nl=False)


async def _beginning(direction: Direction, start: str | None) -> tuple[str | None, str | None]:
    """Return from which revision a script begins, and the service role; the reason is told on stderr."""
    is_set = any(os.environ.get(name, "").strip() for name in ("DATABASE_URL", "MIGRATION_DATABASE_URL"))
    role = Settings.read_migration_database(os.environ)[1] if is_set else None
    head = _offline(None).chain[-1].id
    if start is not None:
        return {"base": None, "head": head}.get(start, start), role
    reason = "no database is set"
    if is_set:
        try:
            revision = await _current()
        except DatabaseUnavailable:
            reason = "the database cannot be reached"
        else:
            click.echo(f"the script begins at {revision or 'base'}, where the database is", err=True)
            return revision, role
    assumed = None if direction == "upgrade" else head
    click.echo(f"the script begins at {assumed or 'base'}: {reason} (--from REVISION changes that)", err=True)
    return assumed, role
