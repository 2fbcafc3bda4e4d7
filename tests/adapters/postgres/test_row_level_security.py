"""The walls between tenants, tried with psycopg directly as the service, as the owner and as the superuser."""

# ruff: noqa: S608  queries are put together from constants
from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from attrs import frozen
from databases import FreshDatabase, NewDatabase, rows
from psycopg import errors, sql

if TYPE_CHECKING:
    from collections.abc import Iterator

WALLED = (
    "clincore.idempotency_keys",
    "clincore.usage_days",
    "clincore.usage_minutes",
    "clincore.usage_totals",
    "public.access_logs",
    "public.api_keys",
    "public.cases",
    "public.patients",
    "public.tenants",
    "public.usage_events",
)
FUNCTIONS = ("append_only", "count_usage", "keep_every_case", "keep_finalized_case", "keep_migration_log")
HASH = "0f" * 32

tables = pytest.mark.parametrize("table", WALLED)


@frozen
class Clinic:
    """A tenant with one row in each table."""

    tenant: UUID
    patient: UUID
    draft: UUID
    finalized: UUID


@frozen
class Ground:
    """A database with two tenants."""

    database: FreshDatabase
    one: Clinic
    two: Clinic

    @contextmanager
    def bound(self, tenant: UUID | None, url: str | None = None) -> Iterator[psycopg.Connection[Any]]:
        """A transaction as the service, or over another URL, bound to a tenant; rolled back in the end."""
        with psycopg.connect(url or self.database.service_url) as connection:
            if tenant is not None:
                connection.execute(sql.SQL("SET LOCAL app.tenant_id = {}").format(str(tenant)))
            yield connection
            connection.rollback()


@pytest.fixture(scope="module")
def ground(new_database: NewDatabase) -> Iterator[Ground]:
    with new_database() as database:
        yield Ground(database, _enter(database), _enter(database))


def _enter(database: FreshDatabase) -> Clinic:
    clinic = Clinic(uuid4(), uuid4(), uuid4(), uuid4())
    given = {"tenant": clinic.tenant, "patient": clinic.patient, "hash": HASH}
    with psycopg.connect(database.service_url) as connection:
        connection.execute(sql.SQL("SET LOCAL app.tenant_id = {}").format(str(clinic.tenant)))
        for statement in _ROWS:
            connection.execute(statement, given | {"draft": clinic.draft, "finalized": clinic.finalized})
    return clinic


_ROWS: tuple[LiteralString, ...] = (
    "INSERT INTO public.tenants (id, name, created_at) VALUES (%(tenant)s, 'Clinic', now())",
    "INSERT INTO clincore.tenant_directory (id) VALUES (%(tenant)s)",
    "INSERT INTO public.patients VALUES (%(tenant)s, %(patient)s, 'Anna', 1969, NULL, 1, now(), now())",
    """INSERT INTO public.cases (tenant_id, id, patient_id, status, input_payload, revision, created_at, updated_at)
       VALUES (%(tenant)s, %(draft)s, %(patient)s, 'draft', '{"symptom_ids": [1]}', 1, now(), now())""",
    """INSERT INTO public.cases (tenant_id, id, patient_id, status, input_payload, revision, created_at, updated_at,
                                 ranking_snapshot, finalized_at, result_text, result_signature)
       VALUES (%(tenant)s, %(finalized)s, %(patient)s, 'finalized',
               '{"rubrics": [{"symptom_id": 1, "weight": 1.50}]}', 1, now(), now(), '[]', now(), '{}', %(hash)s)""",
    """INSERT INTO public.access_logs (tenant_id, key_id, action, record_type, record_id, request_id, at)
       VALUES (%(tenant)s, gen_random_uuid(), 'VIEW', 'patient', %(patient)s, '', now())""",
    """INSERT INTO public.api_keys (tenant_id, id, key_hash, label, role, created_at)
       VALUES (%(tenant)s, gen_random_uuid(), %(hash)s, 'first', 'admin', now())""",
    """INSERT INTO public.usage_events (tenant_id, key_id, endpoint, occurred_at)
       VALUES (%(tenant)s, gen_random_uuid(), 'GET /cases', now())""",
    """INSERT INTO clincore.idempotency_keys (tenant_id, endpoint, key, payload_digest, record_id, at)
       VALUES (%(tenant)s, 'POST /cases', 'once', %(hash)s, %(draft)s, now())""",
)


def named(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))


def count(connection: psycopg.Connection[Any], table: str) -> int:
    found = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(named(table))).fetchone()
    assert found is not None
    return int(found[0])


# --- reading ------------------------------------------------------------------------------------------------


@tables
def test_without_a_tenant_there_are_no_rows(ground: Ground, table: str) -> None:
    with ground.bound(None) as connection:
        assert count(connection, table) == 0


@tables
def test_with_an_empty_tenant_there_are_no_rows(ground: Ground, table: str) -> None:
    with ground.bound(None) as connection:
        connection.execute("SET LOCAL app.tenant_id = ''")
        assert count(connection, table) == 0


@tables
def test_a_tenant_set_for_a_transaction_is_gone_after_it(ground: Ground, table: str) -> None:
    """The setting then reads as '' on that connection, and not as NULL."""
    with psycopg.connect(ground.database.service_url) as connection:
        connection.execute(sql.SQL("SET LOCAL app.tenant_id = {}").format(str(ground.one.tenant)))
        assert count(connection, table) > 0
        connection.commit()
        assert connection.execute("SELECT current_setting('app.tenant_id', true)").fetchone() == ("",)
        assert count(connection, table) == 0


@tables
def test_a_tenant_sees_its_own_rows_alone(ground: Ground, table: str) -> None:
    column = "id" if table == "public.tenants" else "tenant_id"
    query = sql.SQL("SELECT DISTINCT {} FROM {}").format(sql.Identifier(column), named(table))
    with ground.bound(ground.one.tenant) as connection:
        assert connection.execute(query).fetchall() == [(ground.one.tenant,)]
    with ground.bound(uuid4()) as connection:
        assert count(connection, table) == 0


@tables
def test_the_owner_is_bound_as_the_service_is(ground: Ground, table: str) -> None:
    with ground.bound(None, ground.database.owner_url) as connection:
        assert count(connection, table) == 0


@pytest.mark.parametrize("value", ["x", "00000000", "'; SELECT 1"])
def test_a_setting_that_is_no_uuid_is_an_error_and_no_rows(ground: Ground, value: str) -> None:
    with ground.bound(None) as connection:
        connection.execute(sql.SQL("SET LOCAL app.tenant_id = {}").format(value))
        with pytest.raises(errors.InvalidTextRepresentation):
            count(connection, "public.patients")


# --- writing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", [row for row in _ROWS if "directory" not in row])
@pytest.mark.parametrize("bound", ["to nobody", "to another"])
def test_nothing_is_entered_without_its_own_tenant(ground: Ground, statement: LiteralString, bound: str) -> None:
    stranger = Clinic(uuid4(), ground.one.patient, uuid4(), uuid4())
    given = {
        "tenant": stranger.tenant if "tenants" in statement else ground.one.tenant,
        "patient": uuid4() if "public.patients" in statement else ground.one.patient,
        "draft": uuid4(),
        "finalized": uuid4(),
        "hash": "1f" * 32,
    }
    with (
        ground.bound(None if bound == "to nobody" else ground.two.tenant) as connection,
        pytest.raises(errors.InsufficientPrivilege, match="row-level security"),
    ):
        connection.execute(statement, given)


@pytest.mark.parametrize("table", ["public.patients", "public.cases", "public.api_keys"])
def test_a_row_cannot_be_moved_to_another_tenant(ground: Ground, table: str) -> None:
    move = sql.SQL("UPDATE {} SET tenant_id = {}").format(named(table), str(ground.two.tenant))
    with (
        ground.bound(ground.one.tenant) as connection,
        pytest.raises((errors.InsufficientPrivilege, errors.IntegrityError)),
    ):
        connection.execute(move)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE public.patients SET full_name = 'x' WHERE tenant_id = %s",
        "UPDATE public.cases SET updated_at = now() WHERE tenant_id = %s",
        "UPDATE public.api_keys SET revoked_at = now() WHERE tenant_id = %s",
        "DELETE FROM clincore.idempotency_keys WHERE tenant_id = %s",
        "UPDATE clincore.usage_totals SET calls = 0 WHERE tenant_id = %s",
    ],
)
def test_another_tenants_rows_cannot_be_changed(ground: Ground, change: LiteralString) -> None:
    with ground.bound(ground.one.tenant) as connection:
        assert connection.execute(change, (ground.two.tenant,)).rowcount == 0


def test_a_case_cannot_point_at_another_tenants_patient(ground: Ground) -> None:
    """Foreign-key checks do not obey row-level security; the composite key keeps them inside the tenant."""
    with ground.bound(ground.one.tenant) as connection, pytest.raises(errors.ForeignKeyViolation):
        connection.execute(
            """INSERT INTO public.cases (tenant_id, id, patient_id, status, input_payload, revision, created_at,
                                         updated_at)
               VALUES (%s, %s, %s, 'draft', '{}', 1, now(), now())""",
            (ground.one.tenant, uuid4(), ground.two.patient),
        )
    with ground.bound(ground.one.tenant) as connection, pytest.raises(errors.ForeignKeyViolation):
        connection.execute("UPDATE public.cases SET patient_id = %s WHERE status = 'draft'", (ground.two.patient,))


def test_an_id_that_another_tenant_uses_is_free(ground: Ground) -> None:
    """No unique key tells one tenant what another has."""
    with ground.bound(ground.one.tenant) as connection:
        connection.execute(_ROWS[2], {"tenant": ground.one.tenant, "patient": ground.two.patient})
        connection.execute("UPDATE public.cases SET id = %s WHERE id = %s", (ground.two.draft, ground.one.draft))


# --- the catalog ----------------------------------------------------------------------------------------------

_HELD = """
    SELECT c.oid, n.nspname || '.' || c.relname AS name, c.relrowsecurity, c.relforcerowsecurity
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'clincore') AND c.relkind IN ('r', 'p')
"""


def test_the_schema_public_holds_the_seven_tables_of_the_contract_and_nothing_else(ground: Ground) -> None:
    found = ground.database.rows(
        "SELECT relname, relkind::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind <> 'i'"
    )
    expected = ["access_logs", "alembic_version", "api_keys", "cases", "patients", "tenants", "usage_events"]
    assert sorted(found) == [(name, "r") for name in expected]
    assert ground.database.rows("SELECT FROM pg_proc WHERE pronamespace = 'public'::regnamespace") == []
    assert (
        ground.database.rows("SELECT FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'") == []
    )


def test_every_table_with_a_tenant_has_forced_row_level_security(ground: Ground) -> None:
    found = ground.database.rows(
        "SELECT held.name, relrowsecurity, relforcerowsecurity FROM ("
        + _HELD
        + """) held
         WHERE held.name = 'public.tenants' OR EXISTS (
             SELECT FROM pg_attribute a WHERE a.attrelid = held.oid AND a.attname = 'tenant_id')"""
    )
    assert sorted(found) == sorted((name, True, True) for name in WALLED)


def test_the_tables_without_a_wall_are_known_by_name(ground: Ground) -> None:
    found = ground.database.rows("SELECT name FROM (" + _HELD + ") held WHERE NOT relrowsecurity")
    assert sorted(name for (name,) in found) == [
        "clincore.bootstrap",
        "clincore.migration_log",
        "clincore.tenant_directory",
        "public.alembic_version",
    ]


@tables
def test_each_has_one_policy_with_the_bare_expression(ground: Ground, table: str) -> None:
    column = "id" if table == "public.tenants" else "tenant_id"
    expression = f"({column} = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)"
    found = ground.database.rows(
        """SELECT policyname, permissive, roles::text[], cmd, qual, with_check FROM pg_policies
           WHERE schemaname || '.' || tablename = %s""",
        table,
    )
    assert found == [("tenant_isolation", "PERMISSIVE", ["public"], "ALL", expression, expression)]


def test_every_key_and_index_starts_with_the_tenant(ground: Ground) -> None:
    """And none starts with an expression."""
    found = ground.database.rows(
        "SELECT i.indexrelid::regclass::text, a.attname FROM ("
        + _HELD
        + """) held
         JOIN pg_index i ON i.indrelid = held.oid
         LEFT JOIN pg_attribute a ON a.attrelid = held.oid AND a.attnum = i.indkey[0]
         WHERE held.relrowsecurity AND held.name <> 'public.tenants'"""
    )
    assert len(found) >= 12
    assert [pair for pair in found if pair[1] != "tenant_id"] == []


def test_every_foreign_key_starts_with_the_tenant_on_both_sides_and_never_cascades(ground: Ground) -> None:
    found = ground.database.rows(
        """SELECT k.conname, k.confrelid::regclass::text, a.attname, f.attname, k.confdeltype::text, k.confupdtype::text
           FROM pg_constraint k
           JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
           JOIN pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = k.confkey[1]
           WHERE k.contype = 'f' AND k.connamespace IN ('public'::regnamespace, 'clincore'::regnamespace)"""
    )
    assert {name for name, *_ in found} == {"patients_tenant_fkey", "cases_patient_fkey", "api_keys_tenant_fkey"}
    for _, referenced, column, referenced_column, on_delete, on_update in found:
        assert column == "tenant_id"
        assert referenced_column == ("id" if referenced == "tenants" else "tenant_id")
        assert (on_delete, on_update) == ("a", "a")


def test_no_function_runs_with_its_owners_rights(ground: Ground) -> None:
    found = ground.database.rows(
        """SELECT proname, prosecdef, proconfig FROM pg_proc
           WHERE pronamespace IN ('public'::regnamespace, 'clincore'::regnamespace) ORDER BY proname"""
    )
    assert found == [(name, False, ["search_path=pg_catalog"]) for name in FUNCTIONS]


def test_no_view_and_no_rule_leads_around_the_walls(ground: Ground) -> None:
    assert ground.database.rows("SELECT FROM pg_views WHERE schemaname IN ('public', 'clincore')") == []
    assert ground.database.rows("SELECT FROM pg_rules WHERE schemaname IN ('public', 'clincore')") == []


# --- what the service may ---------------------------------------------------------------------------------------

_RIGHTS = {
    "public.tenants": {"SELECT", "INSERT"},
    "public.patients": {"SELECT", "INSERT", "UPDATE"},
    "public.cases": {"SELECT", "INSERT", "UPDATE"},
    "public.api_keys": {"SELECT", "INSERT", "UPDATE"},
    "public.access_logs": {"SELECT", "INSERT"},
    "public.usage_events": {"SELECT", "INSERT"},
    "public.alembic_version": {"SELECT"},
    "clincore.tenant_directory": {"INSERT"},
    "clincore.bootstrap": {"INSERT"},
    "clincore.idempotency_keys": {"SELECT", "INSERT", "DELETE"},
    "clincore.usage_totals": {"SELECT", "INSERT", "UPDATE"},
    "clincore.usage_days": {"SELECT", "INSERT", "UPDATE"},
    "clincore.usage_minutes": {"SELECT", "INSERT", "UPDATE"},
    "clincore.migration_log": set[str](),
}


def test_the_service_has_exactly_the_rights_it_needs(ground: Ground) -> None:
    found = ground.database.rows(
        "SELECT name, r FROM ("
        + _HELD
        + """) held,
             unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']
                    || CASE WHEN current_setting('server_version_num')::int >= 170000 THEN ARRAY['MAINTAIN'] END) r
         WHERE has_table_privilege('clincore_user', held.oid, r)"""
    )
    rights: dict[str, set[str]] = {name: set() for name in _RIGHTS}
    for name, right in found:
        rights[name].add(right)
    assert rights == _RIGHTS


def test_others_have_no_rights_at_all(ground: Ground) -> None:
    found = ground.database.rows(
        "SELECT name, acl.privilege_type FROM ("
        + _HELD
        + """) held JOIN pg_class c USING (oid),
             aclexplode(c.relacl) acl WHERE acl.grantee = 0"""
    )
    assert found == []
    assert ground.database.rows("SELECT has_schema_privilege('clincore_user', 'public', 'CREATE')") == [(False,)]
    assert ground.database.rows("SELECT has_schema_privilege('clincore_user', 'clincore', 'CREATE')") == [(False,)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM clincore.tenant_directory",
        "SELECT used_at FROM clincore.bootstrap",
        "DELETE FROM public.patients",
        "DELETE FROM public.cases",
        "DELETE FROM public.usage_events",
        "DELETE FROM public.access_logs",
        "TRUNCATE public.usage_events",
        "TRUNCATE public.cases",
        "UPDATE public.access_logs SET action = 'VIEW'",
        "UPDATE public.usage_events SET endpoint = ''",
        "DELETE FROM clincore.usage_totals",
        "TRUNCATE clincore.usage_days",
        "UPDATE public.tenants SET plan = 'paid'",
        "UPDATE public.alembic_version SET version_num = 'x'",
        "DELETE FROM clincore.tenant_directory",
        "DELETE FROM clincore.bootstrap",
        "UPDATE clincore.idempotency_keys SET payload_digest = ''",
        "TRUNCATE clincore.idempotency_keys",
        "CREATE TABLE public.mine (id int)",
        "CREATE INDEX mine ON public.cases (id)",
        "CREATE FUNCTION public.leak(text) RETURNS bool LANGUAGE sql AS 'SELECT true'",
        "CREATE TRIGGER mine AFTER INSERT ON public.cases EXECUTE FUNCTION clincore.append_only()",
        "ALTER TABLE public.cases DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE public.cases NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE public.cases DISABLE TRIGGER ALL",
        "DROP POLICY tenant_isolation ON public.cases",
        "CREATE POLICY open ON public.cases USING (true)",
        "ALTER POLICY tenant_isolation ON public.cases USING (true)",
        "DROP TABLE public.usage_events",
        "SET ROLE clincore_owner",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION postgres",
        "SET session_replication_role = replica",
        "ALTER ROLE clincore_user BYPASSRLS",
        "ALTER ROLE clincore_user SUPERUSER",
        "GRANT clincore_owner TO clincore_user",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ],
)
def test_the_service_is_refused(ground: Ground, statement: LiteralString) -> None:
    with ground.bound(ground.one.tenant) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement)


def test_row_level_security_cannot_be_switched_off_by_the_one_it_binds(ground: Ground) -> None:
    """Switched off, it makes a query fail; it never shows more."""
    with ground.bound(ground.one.tenant) as connection:
        connection.execute("SET LOCAL row_security = off")
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            count(connection, "public.patients")


def test_both_roles_are_plain_ones_and_no_members_of_others(ground: Ground) -> None:
    found = ground.database.rows(
        """SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication,
                  EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid)
           FROM pg_roles r WHERE rolname IN ('clincore_owner', 'clincore_user') ORDER BY 1"""
    )
    assert found == [(name, *[False] * 6) for name in ("clincore_owner", "clincore_user")]


# --- what never changes -------------------------------------------------------------------------------------------

by_anyone = pytest.mark.parametrize("role", ["clincore_user", "clincore_owner", "postgres"])
REFUSED = (errors.IntegrityConstraintViolation, errors.InsufficientPrivilege)


@by_anyone
@pytest.mark.parametrize(
    "change",
    [
        "status = 'draft', ranking_snapshot = NULL, finalized_at = NULL, result_text = NULL, result_signature = NULL",
        "input_payload = '{}'",
        """input_payload = '{"rubrics": [{"symptom_id": 1, "weight": 1.5}]}'""",
        "patient_id = gen_random_uuid()",
        "id = gen_random_uuid()",
        "tenant_id = gen_random_uuid()",
        "ranking_snapshot = '[1]'",
        "result_text = '{ }'",
        "result_signature = repeat('0', 64)",
        "finalized_at = finalized_at + interval '1 microsecond'",
        "created_at = created_at - interval '1 microsecond'",
        "updated_at = updated_at + interval '1 microsecond'",
        "revision = revision + 1",
        "revision = revision + 1, replay_verdict = 'verified', replay_verified_at = now()",
    ],
)
def test_a_finalized_case_never_changes_again(ground: Ground, role: str, change: LiteralString) -> None:
    with ground.bound(ground.one.tenant, ground.database.url_of(role)) as connection, pytest.raises(REFUSED):
        connection.execute("UPDATE public.cases SET " + change + " WHERE id = %s", (ground.one.finalized,))


@by_anyone
def test_of_a_finalized_case_the_replays_columns_change(ground: Ground, role: str) -> None:
    with ground.bound(ground.one.tenant, ground.database.url_of(role)) as connection:
        for verdict in ("row_differs", "verified"):
            written = connection.execute(
                "UPDATE public.cases SET replay_verdict = %s, replay_verified_at = now() WHERE id = %s",
                (verdict, ground.one.finalized),
            )
            assert written.rowcount == 1


@by_anyone
@pytest.mark.parametrize("statement", ["DELETE FROM public.cases WHERE id = %s", "TRUNCATE public.cases CASCADE"])
def test_cases_are_never_deleted(ground: Ground, role: str, statement: LiteralString) -> None:
    given = (ground.one.draft,) if "%s" in statement else None
    with ground.bound(ground.one.tenant, ground.database.url_of(role)) as connection, pytest.raises(REFUSED):
        connection.execute(statement, given)


@by_anyone
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE public.access_logs SET at = now()",
        "UPDATE public.access_logs SET at = now() WHERE false",
        "DELETE FROM public.access_logs",
        "TRUNCATE public.access_logs",
    ],
)
def test_the_access_log_is_append_only(ground: Ground, role: str, statement: LiteralString) -> None:
    with ground.bound(ground.one.tenant, ground.database.url_of(role)) as connection, pytest.raises(REFUSED):
        connection.execute(statement)


def test_a_draft_has_no_verdict_and_half_a_result_is_none(ground: Ground) -> None:
    for change in (
        "replay_verdict = 'verified', replay_verified_at = now()",
        "status = 'finalized'",
        "result_signature = repeat('0', 64)",
        "ranking_snapshot = '[]', finalized_at = now(), result_text = '', result_signature = repeat('0', 64)",
        "status = 'closed'",
    ):
        statement = sql.SQL("UPDATE public.cases SET {} WHERE id = {}").format(
            sql.SQL(change),
            str(ground.one.draft),
        )
        with ground.bound(ground.one.tenant) as connection, pytest.raises(errors.CheckViolation):
            connection.execute(statement)


def test_of_two_bootstraps_the_second_finds_the_marker(ground: Ground) -> None:
    claim = "INSERT INTO clincore.bootstrap (used_at) VALUES (now()) ON CONFLICT DO NOTHING"
    with ground.bound(uuid4()) as connection:
        assert connection.execute(claim).rowcount == 1
        assert connection.execute(claim).rowcount == 0
    with ground.bound(uuid4()) as connection, pytest.raises(errors.CheckViolation):
        connection.execute("INSERT INTO clincore.bootstrap (only_row, used_at) VALUES (false, now())")


def test_every_statement_of_the_adapter_on_a_tenant_table_names_the_tenant() -> None:
    """Besides the policy: one shard, one index."""
    import importlib
    import pkgutil

    from clincore.adapters import postgres

    found = 0
    for module in pkgutil.iter_modules(postgres.__path__):
        for value in vars(importlib.import_module(f"{postgres.__name__}.{module.name}")).values():
            if isinstance(value, str) and re.search(
                r"(FROM|UPDATE|INTO)\s+(public\.(?!alembic)|clincore\.idem)", value
            ):
                found += 1
                assert value.count("%(tenant_id)s") >= len(re.findall(r"(?<!\()\bWHERE\b|\bVALUES\b", value)), value
    assert found > 12


def test_the_rows_entered_here_are_all_there(ground: Ground) -> None:
    """Whatever the tests above tried, nothing of it lasted."""
    for table in WALLED:
        total = ground.database.rows("SELECT count(*) FROM " + table)[0][0]
        assert total == (4 if table == "public.cases" else 2), table
    assert rows(ground.database.superuser_url, "SELECT count(*) FROM public.cases WHERE status = 'finalized'") == [(2,)]
