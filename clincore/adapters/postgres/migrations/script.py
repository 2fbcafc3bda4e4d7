"""The SQL of a step: what the runner executes, and what ``--sql`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clincore.domain.migration import Revision, Step

LOCK_SECONDS: Final = 30.0
_BEGIN: Final = """\
BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL lock_timeout = {};
SET LOCAL statement_timeout = 0;
SET LOCAL search_path = pg_catalog;
SET LOCAL quote_all_identifiers = off;
SET LOCAL client_min_messages = warning;
SELECT pg_advisory_xact_lock(hashtextextended('clincore migrations', 0));
"""

STATE: Final = """\
CREATE SCHEMA IF NOT EXISTS clincore;
CREATE TABLE IF NOT EXISTS public.alembic_version (
    version_num varchar(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE IF NOT EXISTS clincore.migration_log (
    id          bigint      GENERATED ALWAYS AS IDENTITY,
    revision    text        NOT NULL,
    direction   text        NOT NULL,
    checksum    text        NOT NULL,
    applied_by  text        NOT NULL DEFAULT session_user,
    applied_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    duration    interval    NOT NULL DEFAULT clock_timestamp() - transaction_timestamp(),
    CONSTRAINT migration_log_pkey PRIMARY KEY (id),
    CONSTRAINT migration_log_direction_known CHECK (direction IN ('upgrade', 'downgrade', 'stamp'))
);
DO $directions$
BEGIN
    IF EXISTS (
        SELECT FROM pg_catalog.pg_constraint
        WHERE conrelid = 'clincore.migration_log'::regclass AND conname = 'migration_log_direction_known'
          AND pg_catalog.pg_get_constraintdef(oid) NOT LIKE '%stamp%'
    ) THEN
        ALTER TABLE clincore.migration_log
            DROP CONSTRAINT migration_log_direction_known,
            ADD CONSTRAINT migration_log_direction_known CHECK (direction IN ('upgrade', 'downgrade', 'stamp'));
    END IF;
END
$directions$;
CREATE OR REPLACE FUNCTION clincore.keep_migration_log() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog
AS $body$
BEGIN
    RAISE EXCEPTION 'migration_log is append-only' USING ERRCODE = 'integrity_constraint_violation';
END
$body$;
CREATE OR REPLACE TRIGGER keep_migration_log BEFORE UPDATE OR DELETE OR TRUNCATE ON clincore.migration_log
    FOR EACH STATEMENT EXECUTE FUNCTION clincore.keep_migration_log();
"""

# FORCE blinds the owner as well: between these two, guards and back-fills see every row.
_SEE_ALL_ROWS: Final = """\
DO $see$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT oid::regclass::text FROM pg_catalog.pg_class
        WHERE relnamespace IN ('public'::regnamespace, 'clincore'::regnamespace) AND relkind = 'r' AND relrowsecurity
    LOOP
        EXECUTE 'ALTER TABLE ' || name || ' NO FORCE ROW LEVEL SECURITY';
    END LOOP;
END
$see$;
"""
_FORCE_AGAIN: Final = _SEE_ALL_ROWS.replace("$see$", "$force$").replace(" NO FORCE ", " FORCE ")


def begin(lock_seconds: float = LOCK_SECONDS) -> str:
    """Return SQL that opens a transaction and waits, so long and no longer, for its turn and for every lock."""
    return _filled(_BEGIN, f"{round(lock_seconds * 1000)}ms")


def script(step: Step, service_role: str, *, allow_data_loss: bool) -> str:
    """Return the SQL of one step, without BEGIN and COMMIT: it leaves the version row and the log behind."""
    revision = step.revision
    upgrade = step.direction == "upgrade"
    parts = [
        f"-- {step.direction} {revision.id}: {revision.description}\n",
        _filled("SELECT set_config('clincore.service_role', {}, true);\n", service_role),
        _SEE_ALL_ROWS,
    ]
    if not upgrade and not allow_data_loss and revision.loses:
        parts.append(_guard(revision))
    parts += [revision.up if upgrade else revision.down, "\n", _FORCE_AGAIN]
    if upgrade:
        parts.append(_proof(revision))
    return "".join([*parts, _record(step)])


def stamping(chain: Sequence[Revision]) -> str:
    """Return the SQL, without BEGIN and COMMIT, that records these revisions as applied, from their files as now."""
    return "".join([_version(chain[-1].id), *(_logged(revision, "stamp") for revision in chain)])


def expecting(current: str | None) -> str:
    """Return SQL that stops a printed script where the database is not at the revision it begins from."""
    return _filled(
        "DO $at$\nBEGIN\n"
        "    IF (SELECT max(version_num) FROM public.alembic_version) IS DISTINCT FROM {} THEN\n"
        "        RAISE EXCEPTION 'the database is not at the revision that this script begins from';\n"
        "    END IF;\nEND\n$at$;\n",
        current,
    )


def _guard(revision: Revision) -> str:
    """SQL that refuses, with the numbers, to drop what holds rows or values."""
    counts = [_count(name) for name in revision.loses]
    checks = "".join(
        f"    {count} INTO found;\n"
        f"    IF found > 0 THEN\n        lost := lost || format('%s in {name}', found);\n    END IF;\n"
        for name, count in zip(revision.loses, counts, strict=True)
    )
    return (
        "DO $guard$\nDECLARE\n    found bigint;\n    lost text[] := '{}';\nBEGIN\n"
        f"{checks}"
        "    IF lost <> '{}' THEN\n"
        f"        RAISE EXCEPTION 'taking back {revision.id} would drop data: %', array_to_string(lost, ', ')\n"
        "            USING ERRCODE = 'restrict_violation';\n"
        "    END IF;\nEND\n$guard$;\n"
    )


def _count(name: str) -> str:
    schema, table, *column = name.split(".")
    return _composed(
        sql.SQL("SELECT count({}) FROM {}").format(
            sql.Identifier(column[0]) if column else sql.SQL("*"), sql.Identifier(schema, table)
        )
    )


def _proof(revision: Revision) -> str:
    """SQL that stops where the revision's own query says that it is not really there."""
    return (
        f"DO $verify$\nBEGIN\n    IF (\n{revision.verify}\n    ) IS NOT TRUE THEN\n"
        f"        RAISE EXCEPTION '{revision.file}: after its up part its verify part does not hold';\n"
        "    END IF;\nEND\n$verify$;\n"
    )


def _record(step: Step) -> str:
    return _version(step.result) + _logged(step.revision, step.direction)


def _version(result: str | None) -> str:
    entered = _filled("INSERT INTO public.alembic_version (version_num) VALUES ({});\n", result) if result else ""
    return "".join(("DELETE FROM public.alembic_version;\n", entered))


def _logged(revision: Revision, direction: str) -> str:
    return _filled(
        "INSERT INTO clincore.migration_log (revision, direction, checksum) VALUES ({}, {}, {});\n",
        revision.id,
        direction,
        revision.checksum,
    )


def _filled(template: str, *values: str | None) -> str:
    literals = [_composed(sql.SQL("{}").format(sql.Literal(value))) for value in values]
    return template.format(*literals)


def _composed(part: sql.Composable) -> str:
    return part.as_string(None)
