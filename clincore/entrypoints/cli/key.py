"""``clincore key``: the API keys of a clinic."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from clincore.domain.identity import Role
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

    from clincore.services.keys import ListedKey, NewKey


@click.group()
def command() -> None:
    """Make, list and revoke the API keys of a clinic; 'clincore tenant list' has the clinics' ids.

    The database is that of MIGRATION_DATABASE_URL, a role that owns it; without one, that of DATABASE_URL.
    """


@command.command()
@tenant_argument
@click.option("--label", required=True, help="Who uses it, or what for.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.USER.value,
    show_default=True,
    help="What its holder may do; an admin also manages keys and sees usage.",
)
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="It ends when that day (YYYY-MM-DD, UTC) begins; without a date it does not end.",
)
@json_option
def create(*, tenant_id: UUID, label: str, role: str, expires: datetime | None, as_json: bool) -> None:
    """Make a key for a clinic, and print it: it is shown only now."""
    expires_at = expires.replace(tzinfo=UTC) if expires else None
    key = run(_create(tenant_id, label, Role(role), expires_at))
    if as_json:
        print_json({**new_key_facts(key), "role": role, "expires_at": expires_at})
    else:
        ends = moment(expires_at) if expires_at else "never"
        click.echo(facts([("key", key.key_id), ("role", role), ("expires", ends), ("API key", key.api_key)]))
    say_shown_once()


async def _create(tenant_id: UUID, label: str, role: Role, expires_at: datetime | None) -> NewKey:
    async with opened_tenants() as tenants:
        return await tenants.keys.create(tenant_id, label=label, role=role, expires_at=expires_at)


@command.command("list")
@tenant_argument
@json_option
def listing(*, tenant_id: UUID, as_json: bool) -> None:
    """List every key that a clinic ever had, newest first.

    A key is valid as long as it is let in, in the grace after its rotation too; else it is expired, rotated or revoked.
    Its last use is kept to the hour.
    """
    found = run(_list(tenant_id))
    if as_json:
        print_json([_key_json(key) for key in found])
    elif found:
        headings = ("key", "role", "state", "created", "expires", "last used", "label")
        click.echo(table([Column(heading) for heading in headings], map(_row, found)))
    else:
        click.echo(f"The clinic has no key; 'clincore key create {tenant_id} --label LABEL' makes one.", err=True)


async def _list(tenant_id: UUID) -> tuple[ListedKey, ...]:
    async with opened_tenants() as tenants:
        return await tenants.keys.list(tenant_id)


def _row(key: ListedKey) -> list[object]:
    record = key.record
    times = [moment(at) for at in (record.created_at, record.expires_at, record.last_used_at)]
    return [record.id, record.role.value, key.state.value, *times, record.label]


def _key_json(key: ListedKey) -> dict[str, object]:
    record = key.record
    return {
        "key_id": record.id,
        "label": record.label,
        "role": record.role,
        "state": key.state,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "rotated_at": record.rotated_at,
        "revoked_at": record.revoked_at,
        "last_used_at": record.last_used_at,
    }


@command.command()
@tenant_argument
@click.argument("key_id", metavar="KEY", type=click.UUID)
@json_option
def revoke(*, tenant_id: UUID, key_id: UUID, as_json: bool) -> None:
    """End a key at once and for good, be it the clinic's last admin key."""
    admin_keys = run(_revoke(tenant_id, key_id))
    if as_json:
        print_json({"revoked": key_id, "valid_admin_keys": admin_keys})
    else:
        click.echo(f"revoked {key_id}")
    if not admin_keys:
        cure = f"clincore key create {tenant_id} --role {Role.ADMIN} --label LABEL"
        click.echo(f"The clinic has no valid admin key now. To make one: {cure}", err=True)


async def _revoke(tenant_id: UUID, key_id: UUID) -> int:
    async with opened_tenants() as tenants:
        return await tenants.keys.revoke(tenant_id, key_id)
