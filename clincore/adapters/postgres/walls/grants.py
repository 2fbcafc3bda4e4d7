"""Whether the service has more rights than the reviewed schema gives it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, LiteralString

from clincore.adapters.postgres.catalog.expected import expected_catalog
from clincore.adapters.postgres.walls.tenant_tables import OTHERS_SCHEMAS, find_tenant_tables
from clincore.domain.finding import Finding, failed, passed, warned
from clincore.domain.migration import HEAD

if TYPE_CHECKING:
    from collections.abc import Mapping

    import psycopg

CHECK: Final = "grants to the service"
_HELD: Final[LiteralString] = (
    """
    SELECT n.nspname || '.' || c.relname, r.name, c.relowner = me.oid
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_roles me ON me.rolname = current_user
    CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) r (name)
    WHERE c.relkind IN ('r', 'p', 'f') AND NOT me.rolsuper
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
      AND CASE WHEN r.name IN ('DELETE', 'TRUNCATE', 'TRIGGER') THEN has_table_privilege(c.oid, r.name)
               ELSE has_any_column_privilege(c.oid, r.name) END
      AND """
    + OTHERS_SCHEMAS
    + " ORDER BY 1, 2"
)
# What a tenant table that the reviewed schema does not know may be used for.
_FOR_UNKNOWN: Final = frozenset({"SELECT", "INSERT", "UPDATE"})
_GRANT: Final = re.compile(r"grant on (\S+) to (\S+): (.*)")


async def look_at_grants(connection: psycopg.AsyncConnection[Any]) -> list[Finding]:
    """Return one finding a right too many of the connection's role, or that there is none."""
    rows = await (await connection.execute(_HELD)).fetchall()
    tenants = {table.name for table in await find_tenant_tables(connection)}
    is_owner = any(owns for name, _, owns in rows if name == "public.alembic_version")
    reviewed = _reviewed(is_of_one_role=is_owner)
    cure = "REVOKE it from the service's role"
    found = []
    for name, right, owns in rows:
        ownership = {"REFERENCES", "TRIGGER"} if owns else set()
        if name not in reviewed and name not in tenants:
            if right == "SELECT":
                told = f"{name}: the service may read it, and it has no tenant"
                found.append(warned(CHECK, told, "see to it that it holds nothing of a tenant, or REVOKE"))
        elif right not in (reviewed.get(name) or _FOR_UNKNOWN | ownership):
            found.append(failed(CHECK, f"{name}: the service may {right}", cure))
    return found or [passed(CHECK, "no more than it needs")]


def _reviewed(*, is_of_one_role: bool) -> Mapping[str, frozenset[str]]:
    """The rights of the service's role by table; a table on which it has none has an empty word for it."""
    role = "owner" if is_of_one_role else "service"
    lines = expected_catalog(HEAD, is_of_one_role=is_of_one_role).lines
    rights: dict[str, frozenset[str]] = {
        line.removeprefix("table ").partition(":")[0]: frozenset({""}) for line in lines if line.startswith("table ")
    }
    for name, grantee, held in (match.groups() for match in map(_GRANT.fullmatch, lines) if match):
        if grantee == role and name in rights:
            rights[name] = frozenset(held.split(", "))
    return rights
