"""``clincore migrate``: the database's schema, revision by revision."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import click

from clincore.domain.errors import ClinCoreError, DatabaseUnavailable, SettingsError
from clincore.domain.migration import Direction, Standing
from clincore.entrypoints.cli.running import run
from clincore.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from clincore.domain.migration import Step, Verification
    from clincore.ports.migrations import Migrations

_SERVICE_ROLE: Final = "clincore_user"
_NOT_LOOKED_AT: Final = 4


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


@command.command()
@click.option("--service-role", metavar="NAME", help="The role that is granted to; else the user of DATABASE_URL.")
def verify(*, service_role: str | None) -> None:
    """Compare the files and the live schema with what was reviewed.

    Exit code 0: in order; 1: revisions are pending; 2: a file is not the one that was applied; 3: the live schema is
    not that of its revision. Of several the highest. 4: the database could not be looked at.
    """
    try:
        verification = run(_verify(service_role))
    except SettingsError:
        raise
    except ClinCoreError as error:
        click.echo(f"error: {error}", err=True)
        click.get_current_context().exit(_NOT_LOOKED_AT)
    for line in _verdict_lines(verification):
        click.echo(line)
    click.get_current_context().exit(int(verification.standing))


@command.command()
@click.argument("target")
@click.option("--service-role", metavar="NAME", help="The role that is granted to; else the user of DATABASE_URL.")
def stamp(*, target: str, service_role: str | None) -> None:
    """Record that the database is at TARGET, a revision or head, running nothing.

    For a database whose state was lost, or that was made by earlier files of the same revisions. Refused, with the
    differences, where the live schema is not that of the revision.
    """
    if not run(_stamp(target, service_role)):
        click.echo("nothing to do: that is what is recorded", err=True)


def _running_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--lock-timeout",
            type=click.FloatRange(0.1, 3600),
            default=30.0,
            show_default=True,
            metavar="SECONDS",
            help="How long to wait for another migration, and for each lock.",
        ),
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
@_running_options
def upgrade(*, target: str, as_sql: bool, service_role: str | None, start: str | None, lock_timeout: float) -> None:
    """Apply revisions up to TARGET: head, a revision, or +N."""
    if as_sql:
        _print_script("upgrade", target, start or None, service_role, allow_data_loss=False)
    else:
        _refuse_start(start)
        run(_upgrade(target, service_role, lock_timeout))


def _target_or_offset(ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Let -1 through, which the option parser was told to leave alone, and nothing else that begins like an option."""
    if value.startswith("-") and not value[1:].isdecimal():
        raise click.NoSuchOption(value, ctx=ctx)
    return value


@command.command(context_settings={"ignore_unknown_options": True})
@click.argument("target", callback=_target_or_offset)
@click.option("--allow-data-loss", is_flag=True, help="Also where rows, or values of a column, go with it.")
@_running_options
def downgrade(
    *,
    target: str,
    allow_data_loss: bool,
    as_sql: bool,
    service_role: str | None,
    start: str | None,
    lock_timeout: float,
) -> None:
    """Take revisions back to TARGET: -N, a revision, or base."""
    if as_sql:
        _print_script("downgrade", target, start or None, service_role, allow_data_loss=allow_data_loss)
    else:
        _refuse_start(start)
        run(_downgrade(target, service_role, lock_timeout, allow_data_loss=allow_data_loss))


def _refuse_start(start: str | None) -> None:
    if start is not None:
        raise click.UsageError("--from goes with --sql; without it the database knows where it is.")


# --- on the database -----------------------------------------------------------------------------------


async def _current() -> str | None:
    async with _open(None) as migrations:
        return await migrations.current()


async def _upgrade(target: str, service_role: str | None, lock_seconds: float) -> None:
    told = _Told()
    async with _open(service_role, lock_seconds) as migrations:
        await migrations.upgrade(target, told, _tell_wait)
        await told.finish(migrations)


async def _downgrade(target: str, service_role: str | None, lock_seconds: float, *, allow_data_loss: bool) -> None:
    told = _Told()
    async with _open(service_role, lock_seconds) as migrations:
        await migrations.downgrade(target, told, _tell_wait, allow_data_loss=allow_data_loss)
        await told.finish(migrations)


async def _verify(service_role: str | None) -> Verification:
    async with _open(service_role) as migrations:
        return await migrations.verify()


async def _stamp(target: str, service_role: str | None) -> bool:
    async with _open(service_role) as migrations:
        return await migrations.stamp(target)


def _tell_wait(wait: str) -> None:
    click.echo(wait, err=True)


def _verdict_lines(verification: Verification) -> list[str]:
    lines = [f"pending: {revision.id} {revision.description}" for revision in verification.pending]
    lines += [str(changed) for changed in verification.changed_files]
    lines += verification.differences
    if verification.standing is Standing.IN_ORDER:
        lines.append("in order: the files are those that were applied, and the schema is the reviewed one")
    return [f"at {verification.current or 'base'}", *lines]


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


def _open(service_role: str | None, lock_seconds: float = 30.0) -> AbstractAsyncContextManager[Migrations]:
    from clincore.wiring import open_migrations

    url, service_user = Settings.read_migration_database(os.environ)
    if url.was_localhost:
        click.echo("warning: localhost is taken as 127.0.0.1 in the database's URL", err=True)
    return open_migrations(url, service_role or service_user, lock_seconds=lock_seconds)


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
