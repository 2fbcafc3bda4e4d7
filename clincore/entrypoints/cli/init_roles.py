"""``clincore init-roles``: the roles of a deployment."""

from __future__ import annotations

import click


@click.command()
@click.option("--sql", "as_sql", is_flag=True, required=True, help="Print the script; nothing is run.")
@click.option("--database", default="clincore", show_default=True, help="The database, made where it is missing.")
@click.option("--owner", default="clincore_owner", show_default=True, help="Owns the database and runs migrations.")
@click.option("--service", default="clincore_user", show_default=True, help="Serves; row-level security binds it.")
@click.option("--backup", default="clincore_backup", show_default=True, help="Reads everything, and writes nothing.")
def command(*, as_sql: bool, database: str, owner: str, service: str, backup: str) -> None:  # noqa: ARG001
    """Print the script for psql that makes a deployment's roles and its database.

    Run it as a superuser: clincore init-roles --sql | psql postgres. It may be run again, and then puts right what has
    changed. Passwords are taken from the environment of psql (CLINCORE_OWNER_PASSWORD, CLINCORE_SERVICE_PASSWORD and
    CLINCORE_BACKUP_PASSWORD); a role without one keeps what it has.
    """
    from clincore.wiring import roles_script

    click.echo(roles_script(database=database, owner=owner, service=service, backup=backup), nl=False)
