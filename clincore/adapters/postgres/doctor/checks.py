"""One function a line of the checklist, each asking the database over the service's own connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString

from psycopg import sql

from clincore.adapters.postgres.catalog.expected import differences, expected_catalog
from clincore.adapters.postgres.catalog.reading import read_catalog
from clincore.adapters.postgres.walls.tenant_tables import find_tenant_tables
from clincore.domain.finding import Finding, failed, passed, warned
from clincore.domain.migration import HEAD

if TYPE_CHECKING:
    import psycopg

    from clincore.ports.clock import Clock

OLDEST: Final = 15
_TABLES: Final = ("access_logs", "alembic_version", "api_keys", "cases", "patients", "tenants", "usage_events")
_TOLD: Final = 5
_WARN_SECONDS: Final = 2.0
_FAIL_SECONDS: Final = 60.0
_UPGRADE: Final = "clincore migrate upgrade head"

_SERVER: Final[LiteralString] = """
    SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000,
           current_setting('server_encoding'), lower(chr(196)) = chr(228)
"""
"""The last is of Ä and ä, and is looked at where the encoding is UTF8."""
_DURABILITY: Final[LiteralString] = """
    SELECT name FROM pg_settings
    WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off' ORDER BY name
"""
_MAY_READ_REVISION: Final[LiteralString] = """
    SELECT has_table_privilege(to_regclass('public.alembic_version'), 'SELECT')
"""
_CURRENT: Final[LiteralString] = "SELECT version_num FROM public.alembic_version"
_IN_PUBLIC: Final[LiteralString] = """
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind NOT IN ('i', 'I', 't')
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1
"""
_COUNT: Final[LiteralString] = "SELECT count(*) FROM {}"
_CLOCK: Final[LiteralString] = "SELECT clock_timestamp()"


async def server(connection: psycopg.AsyncConnection[Any]) -> list[Finding]:
    """Whether the server is one that ClinCore is tested on, and keeps what it has answered."""
    row = await (await connection.execute(_SERVER)).fetchone()
    version, major, encoding, knows_letters = row or ("?", 0, "?", False)
    told = f"PostgreSQL {version}, {encoding}"
    findings = []
    if major < OLDEST:
        findings.append(failed("server", f"{told}: too old", f"PostgreSQL {OLDEST} or newer"))
    if encoding != "UTF8":
        cure = "make the database anew: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        findings.append(failed("server", f"{told}: names beyond {encoding} would be lost", cure))
    elif not knows_letters:
        cure = "make the database anew: CREATE DATABASE … LOCALE 'C.UTF-8' TEMPLATE template0"
        findings.append(
            warned("server", f"{told}: its locale does not know Ä from ä, so that ähn does not find Ähn", cure)
        )
    off = [row[0] for row in await (await connection.execute(_DURABILITY)).fetchall()]
    if off:
        cure = "set them on: else a crash of the machine loses what was answered"
        findings.append(warned("durability", f"off: {', '.join(off)}", cure))
    else:
        findings.append(passed("durability", "what was answered outlives a crash"))
    return findings if findings[0].check == "server" else [passed("server", told), *findings]


async def revision(connection: psycopg.AsyncConnection[Any]) -> Finding:
    """Whether the database is at the head."""
    row = await (await connection.execute(_MAY_READ_REVISION)).fetchone()
    if row is None or row[0] is None:
        return failed("revision", f"nothing was applied yet; the head is {HEAD}", _UPGRADE)
    if not row[0]:
        told = "the service's role has no rights on ClinCore's tables"
        return failed("revision", told, "DATABASE_URL's user must be the one that the migrations granted to")
    current = await (await connection.execute(_CURRENT)).fetchone()
    if current is None or current[0] != HEAD:
        return failed("revision", f"at {current[0] if current else 'base'}; the head is {HEAD}", _UPGRADE)
    return passed("revision", f"{HEAD} (head)")


async def tables(connection: psycopg.AsyncConnection[Any]) -> Finding:
    """Whether the schema ``public`` holds the seven tables and nothing else."""
    found = [row[0] for row in await (await connection.execute(_IN_PUBLIC)).fetchall()]
    missing, others = set(_TABLES) - set(found), set(found) - set(_TABLES)
    if missing:
        return failed("tables", f"not there: {', '.join(sorted(missing))}", _UPGRADE)
    if others:
        cure = "move them to a schema of their own"
        return failed("tables", f"in the schema public, besides ClinCore's: {', '.join(sorted(others))}", cure)
    return passed("tables", ", ".join(_TABLES))


async def rows_without_a_tenant(connection: psycopg.AsyncConnection[Any]) -> list[Finding]:
    """Whether a query that names no tenant sees no row, on every table with one."""
    check = "rows without a tenant"
    found = []
    held = await find_tenant_tables(connection)
    for table in held:
        row = await (await connection.execute(sql.SQL(_COUNT).format(table.identifier))).fetchone()
        if row is not None and row[0]:
            cure = "clincore rls prove says why"
            found.append(failed(check, f"{table.name}: rows seen: {row[0]}", cure))
    return found or [passed(check, f"none is seen, on {len(held)} tables")]


async def schema(connection: psycopg.AsyncConnection[Any], service_role: str) -> Finding:
    """Whether the live schema, every grant in it included, is the one that was reviewed."""
    async with connection.transaction():
        found = await read_catalog(connection, service_role)
    differing = differences(expected_catalog(HEAD, is_of_one_role=found.is_of_one_role), found)
    if differing:
        more = f" (and {len(differing) - _TOLD} more)" if len(differing) > _TOLD else ""
        told = f"not the reviewed one: {'; '.join(differing[:_TOLD])}{more}"
        return failed("schema", told, "clincore migrate verify lists every difference")
    deployment = "one role owns it and serves" if found.is_of_one_role else "an owner, and a service"
    return passed("schema", f"the reviewed one, {len(found.lines)} lines ({deployment})")


async def clock(connection: psycopg.AsyncConnection[Any], own: Clock) -> Finding:
    """Whether this machine and the database's agree on the time; keys expire, and cases are dated, by this one's."""
    before = own.now()
    row = await (await connection.execute(_CLOCK)).fetchone()
    after = own.now()
    assert row is not None
    apart = abs((row[0] - (before + (after - before) / 2)).total_seconds())
    told = f"{apart:.1f} seconds from the database's"
    cure = "let both machines keep their time by NTP"
    if apart > _FAIL_SECONDS:
        return failed("clock", told, cure)
    return warned("clock", told, cure) if apart > _WARN_SECONDS else passed("clock", told)
