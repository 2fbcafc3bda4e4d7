"""Reads the live schema as sorted lines, each of which says one thing of one object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString, TypeAlias

from attrs import frozen

from clincore.adapters.postgres.catalog import queries

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

    from clincore.adapters.postgres.statement import Row

Label: TypeAlias = "Callable[[str], str]"
"""Makes of a role's name what it is here: owner, service, or itself."""


@frozen(kw_only=True)
class Catalog:
    """A schema's lines; ``is_of_one_role`` tells whether the owner serves from it too, which changes the grants."""

    lines: tuple[str, ...]
    is_of_one_role: bool


async def read_catalog(connection: psycopg.AsyncConnection[Any], service_role: str) -> Catalog:
    """Return the schema of a connection's database, with the owner and the service's role under these names.

    Any role may read it. It works in the caller's transaction; with REPEATABLE READ all queries see one moment.
    """
    # The search path decides how PostgreSQL writes names: nothing is to be taken as known.
    await connection.execute("SET LOCAL search_path = pg_catalog; SET LOCAL quote_all_identifiers = off")
    ((owner,),) = await _rows(connection, queries.OWNER)

    def label(role: str) -> str:
        # What belongs to pg_database_owner belongs to whoever owns the database.
        if role in (owner, "pg_database_owner"):
            return "owner"
        return "service" if role == service_role else role

    lines: list[str] = []
    for query, line in _LINES:
        lines += [_on_one_line(line(row, label)) for row in await _rows(connection, query)]
    return Catalog(lines=tuple(sorted(lines)), is_of_one_role=owner == service_role)


async def _rows(connection: psycopg.AsyncConnection[Any], query: LiteralString) -> list[Row]:
    return list(await (await connection.execute(query)).fetchall())


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _schema(row: Row, label: Label) -> str:
    name, owner = row
    return f"schema {name}: owned by {label(owner)}"


def _relation(row: Row, label: Label) -> str:
    name, kind, owner, persistence, has_security, is_forced, options, definition = row
    parts = [f"{kind} {name}: owned by {label(owner)}"]
    if persistence != "p":
        parts.append("not logged")
    if has_security or is_forced:
        parts.append(f"row-level security {'on' if has_security else 'off'}{', forced' if is_forced else ''}")
    return ", ".join([*parts, *filter(None, (options, definition))])


def _column(row: Row, _label: Label) -> str:
    table, number, name, kind, is_required, identity, generated, expression = row
    text = f"column {table}: {number:02} {name} {kind}"
    text += " NOT NULL" if is_required else ""
    text += f" IDENTITY {identity}" if identity else ""
    if expression is not None:
        text += f" {'GENERATED' if generated else 'DEFAULT'} {expression}"
    return text


def _constraint(row: Row, _label: Label) -> str:
    table, name, definition, is_valid = row
    return f"constraint {table}: {name} {definition}{'' if is_valid else ' (not validated)'}"


def _index(row: Row, _label: Label) -> str:
    definition, is_valid = row
    return f"index {definition}{'' if is_valid else ' (not valid)'}"


def _policy(row: Row, label: Label) -> str:
    table, name, kind, command, roles, using, check = row
    named = ", ".join(label(role) for role in roles.split(", "))
    return f"policy {table}: {name}, {kind}, for {command} to {named}, USING {using} WITH CHECK {check}"


def _trigger(row: Row, _label: Label) -> str:
    definition, enabled = row
    return f"trigger {definition}{'' if enabled == 'O' else f' (enabled: {enabled})'}"


def _rule(row: Row, _label: Label) -> str:
    return f"rule {row[0]}"


def _function(row: Row, label: Label) -> str:
    definition, owner = row
    return f"function owned by {label(owner)}: {definition}"


def _type(row: Row, _label: Label) -> str:
    return f"type {row[0]} ({row[1]})"


def _grant(row: Row, label: Label) -> str:
    name, grantee, privileges = row
    return f"grant on {name} to {label(grantee)}: {privileges}"


def _event_trigger(row: Row, _label: Label) -> str:
    name, event, function = row
    return f"event trigger {name} on {event}: {function}"


_LINES: Final[tuple[tuple[LiteralString, Callable[[Row, Label], str]], ...]] = (
    (queries.SCHEMAS, _schema),
    (queries.RELATIONS, _relation),
    (queries.COLUMNS, _column),
    (queries.CONSTRAINTS, _constraint),
    (queries.INDEXES, _index),
    (queries.POLICIES, _policy),
    (queries.TRIGGERS, _trigger),
    (queries.RULES, _rule),
    (queries.FUNCTIONS, _function),
    (queries.TYPES, _type),
    (queries.GRANTS, _grant),
    (queries.EVENT_TRIGGERS, _event_trigger),
)
