"""``clincore tenant``: the clinics of a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clincore.domain.identity import Plan
from clincore.entrypoints.cli.operating import (
    json_option,
    moment,
    new_key_facts,
    opened_tenants,
    print_json,
    say_shown_once,
    tenant_argument,
)
from clincore.entrypoints.cli.running import run
from clincore.entrypoints.cli.tables import Column, facts, table

if TYPE_CHECKING:
    from uuid import UUID

    from clincore.domain.identity import Tenant
    from clincore.services.keys import NewKey

_plans = click.Choice([plan.value for plan in Plan])


@click.group()
def command() -> None:
    """Set up clinics, list them, and put them on a plan.

    The database is that of MIGRATION_DATABASE_URL, a role that owns it; without one, that of DATABASE_URL.
    """


@command.command()
@click.argument("name")
@click.option("--plan", type=_plans, default=Plan.FREE.value, show_default=True, help="What the clinic pays.")
@json_option
def create(*, name: str, plan: str, as_json: bool) -> None:
    """Set up the clinic NAME, and print its first admin key, which is shown only now."""
    key = run(_create(name, Plan(plan)))
    if as_json:
        print_json(new_key_facts(key))
    else:
        click.echo(facts([("tenant", key.tenant_id), ("key", key.key_id), ("API key", key.api_key)]))
    say_shown_once()


async def _create(name: str, plan: Plan) -> NewKey:
    async with opened_tenants() as tenants:
        return await tenants.create(name, plan=plan)


@command.command("list")
@json_option
def listing(*, as_json: bool) -> None:
    """List all clinics, newest first, with their plans."""
    found = run(_list())
    if as_json:
        print_json([_tenant_json(tenant) for tenant in found])
    elif found:
        columns = [Column("tenant"), Column("plan"), Column("created"), Column("name")]
        click.echo(table(columns, [(one.id, one.plan.value, moment(one.created_at), one.name) for one in found]))
    else:
        click.echo("There is no clinic yet; 'clincore tenant create NAME' sets one up.", err=True)


async def _list() -> tuple[Tenant, ...]:
    async with opened_tenants() as tenants:
        return await tenants.list()


def _tenant_json(tenant: Tenant) -> dict[str, object]:
    return {"tenant_id": tenant.id, "plan": tenant.plan, "created_at": tenant.created_at, "name": tenant.name}


@command.command()
@tenant_argument
@click.argument("plan", type=_plans)
@json_option
def set_plan(*, tenant_id: UUID, plan: str, as_json: bool) -> None:
    """Put a clinic on a plan, at once: free (a limit of new cases a month), paid or subscription (none)."""
    run(_set_plan(tenant_id, Plan(plan)))
    if as_json:
        print_json({"tenant_id": tenant_id, "plan": plan})
    else:
        click.echo(facts([("tenant", tenant_id), ("plan", plan)]))


async def _set_plan(tenant_id: UUID, plan: Plan) -> None:
    async with opened_tenants() as tenants:
        await tenants.set_plan(tenant_id, plan)
