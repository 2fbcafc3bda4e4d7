"""``prove`` on real databases: walls that hold, and each hole that it has to name."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import psycopg
import pytest
from attrs import frozen
from psycopg import sql

from clincore.adapters.postgres.walls.attacks import ATTACKS
from clincore.adapters.postgres.walls.lint import LINTS
from clincore.adapters.postgres.walls.proof import PostgresWalls
from clincore.domain.errors import DatabaseUnavailable
from clincore.domain.finding import Finding, Outcome, worst

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databases import FreshDatabase, NewDatabase, Server


def prove(url: str) -> list[Finding]:
    return list(asyncio.run(PostgresWalls(url).prove()))


def holes(findings: list[Finding]) -> set[str]:
    return {f"{one.check} | {one.message}" for one in findings if one.outcome is Outcome.FAIL}


@frozen
class Hole:
    """SQL that makes a hole, and what is to be said of it."""

    made_by: str
    named: tuple[str, ...]


POLICY: Final = "nullif(current_setting('app.tenant_id', true), '')::uuid"
NOTES: Final = f"""
    CREATE TABLE public.notes (
        tenant_id uuid NOT NULL, id uuid NOT NULL, patient_id uuid NOT NULL, kind text NOT NULL, body text,
        PRIMARY KEY (tenant_id, id), CHECK (kind IN ('note', 'letter')),
        FOREIGN KEY (tenant_id, patient_id) REFERENCES public.patients (tenant_id, id));
    ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
    ALTER TABLE public.notes FORCE ROW LEVEL SECURITY;
    CREATE POLICY tenant_isolation ON public.notes USING (tenant_id = {POLICY}) WITH CHECK (tenant_id = {POLICY});
    GRANT SELECT, INSERT, UPDATE ON public.notes TO clincore_user;
"""
HOLES: Final = {
    "security off": Hole(
        "ALTER TABLE public.patients DISABLE ROW LEVEL SECURITY",
        (
            "row-level security | public.patients: row-level security is off",
            "read without a tenant | public.patients: rows seen: 3",
            "read another tenant's rows | public.patients: rows seen: 1",
            "change another tenant's rows | public.patients: rows that UPDATE reaches: 1",
            "insert for another tenant | public.patients: a row is taken bound to another tenant",
            "move rows to another tenant | public.patients: rows moved: 1",
            "COPY TO | public.patients: COPY TO gives another tenant's rows",
            "COPY FROM | public.patients: COPY FROM takes a row for another tenant",
            "row_security = off | public.patients: with row_security = off a query is answered",
        ),
    ),
    "security not forced": Hole(
        "ALTER TABLE public.cases NO FORCE ROW LEVEL SECURITY",
        ("row-level security | public.cases: row-level security is on, and not FORCEd: it does not bind the owner",),
    ),
    "a new table that nobody thought of": Hole(
        "CREATE TABLE public.recordings (tenant_id uuid NOT NULL, id uuid NOT NULL, PRIMARY KEY (tenant_id, id));"
        "GRANT SELECT, INSERT ON public.recordings TO clincore_user",
        (
            "row-level security | public.recordings: row-level security is off",
            "policies | public.recordings: it has no policy tenant_isolation",
            "read without a tenant | public.recordings: rows seen: 2",
        ),
    ),
    "a new table in another schema, with another name for the tenant": Hole(
        "CREATE SCHEMA reports; GRANT USAGE ON SCHEMA reports TO clincore_user;"
        "CREATE TABLE reports.monthly (clinic uuid REFERENCES public.tenants, month date, PRIMARY KEY (clinic, month));"
        "GRANT SELECT, INSERT ON reports.monthly TO clincore_user",
        (
            "row-level security | reports.monthly: row-level security is off",
            "read another tenant's rows | reports.monthly: rows seen: 1",
        ),
    ),
    "a policy for reading alone": Hole(
        f"DROP POLICY tenant_isolation ON public.patients;"
        f"CREATE POLICY tenant_isolation ON public.patients FOR SELECT USING (tenant_id = {POLICY})",
        ("policies | public.patients: its policy is not that of the others: USING",),
    ),
    "a policy without WITH CHECK": Hole(
        "ALTER POLICY tenant_isolation ON public.patients WITH CHECK (true)",
        (
            "policies | public.patients: its policy is not that of the others: USING",
            "insert for another tenant | public.patients: a row is taken bound to another tenant",
        ),
    ),
    "a policy that opens": Hole(
        "CREATE POLICY support ON public.patients FOR SELECT USING (true)",
        (
            "policies | public.patients: it has another policy, support",
            "read without a tenant | public.patients: rows seen: 3",
            "read another tenant's rows | public.patients: rows seen: 1",
        ),
    ),
    "a policy that takes no tenant for all": Hole(
        f"ALTER POLICY tenant_isolation ON public.cases USING (coalesce(tenant_id = {POLICY}, true))",
        (
            "policies | public.cases: its policy is not that of the others: USING",
            "read without a tenant | public.cases: rows seen: 3",
        ),
    ),
    "a policy that goes by another setting": Hole(
        "ALTER POLICY tenant_isolation ON public.cases USING (tenant_id = current_setting('app.clinic', true)::uuid)",
        ("policies | public.cases: its policy is not that of the others: USING",),
    ),
    "a restrictive policy beside it": Hole(
        "CREATE POLICY night ON public.cases AS RESTRICTIVE USING (true)",
        ("policies | public.cases: it has another policy, night",),
    ),
    "a unique key across tenants": Hole(
        "ALTER TABLE public.api_keys ADD CONSTRAINT hash_once UNIQUE (key_hash)",
        (
            "keys and indexes | public.api_keys: the unique key public.hash_once does not start with tenant_id",
            "learn of an id by a unique key | public.api_keys: hash_once refuses what another tenant has",
            "ON CONFLICT with a hidden row | public.api_keys: ON CONFLICT notices another tenant's row through",
        ),
    ),
    "an id that is unique across tenants": Hole(
        "CREATE UNIQUE INDEX one_id ON public.patients (id)",
        ("learn of an id by a unique key | public.patients: one_id refuses what another tenant has",),
    ),
    "an index across tenants": Hole(
        "CREATE INDEX by_name ON public.patients (full_name)",
        ("keys and indexes | public.patients: the index public.by_name does not start with tenant_id",),
    ),
    "an index on an expression first": Hole(
        "CREATE INDEX by_lower ON public.patients (lower(full_name), tenant_id)",
        ("keys and indexes | public.patients: the index public.by_lower does not start with tenant_id",),
    ),
    "a foreign key across tenants": Hole(
        "CREATE UNIQUE INDEX one_id ON public.patients (id);"
        "ALTER TABLE public.cases ADD CONSTRAINT any_patient FOREIGN KEY (patient_id) REFERENCES public.patients (id);"
        "ALTER TABLE public.cases DROP CONSTRAINT cases_patient_fkey",
        (
            "foreign keys | public.cases: the foreign key any_patient does not start with the tenant on both sides",
            "refer to another tenant's row | public.cases: any_patient takes a row of another tenant",
        ),
    ),
    "a cascade": Hole(
        "ALTER TABLE public.cases DROP CONSTRAINT cases_patient_fkey, ADD CONSTRAINT cases_patient_fkey"
        " FOREIGN KEY (tenant_id, patient_id) REFERENCES public.patients (tenant_id, id) ON DELETE CASCADE",
        ("foreign keys | public.cases: the foreign key cases_patient_fkey cascades",),
    ),
    "a table without a tenant that refers to patients": Hole(
        "CREATE UNIQUE INDEX one_id ON public.patients (id);"
        "CREATE TABLE public.photos (patient_id uuid REFERENCES public.patients (id))",
        ("tables without a tenant | public.photos: it refers to rows of public.patients and has no tenant of its own",),
    ),
    "TRUNCATE granted": Hole(
        "GRANT TRUNCATE ON public.usage_events TO clincore_user",
        (
            "grants to the service | public.usage_events: the service may TRUNCATE",
            "TRUNCATE | public.usage_events: TRUNCATE is allowed",
        ),
    ),
    "DELETE granted": Hole(
        "GRANT DELETE ON public.patients TO clincore_user",
        ("grants to the service | public.patients: the service may DELETE",),
    ),
    "UPDATE of the log granted, of one column": Hole(
        "GRANT UPDATE (action) ON public.access_logs TO clincore_user",
        ("grants to the service | public.access_logs: the service may UPDATE",),
    ),
    "the directory of tenants readable": Hole(
        "GRANT SELECT ON clincore.tenant_directory TO clincore_user",
        ("grants to the service | clincore.tenant_directory: the service may SELECT",),
    ),
    "a table open to everybody": Hole(
        "GRANT SELECT ON public.patients TO PUBLIC",
        ("grants to others | public.patients: PUBLIC may SELECT",),
    ),
    "a column open to everybody": Hole(
        "GRANT SELECT (full_name) ON public.patients TO PUBLIC",
        ("grants to others | public.patients (full_name): PUBLIC may SELECT",),
    ),
    "a schema to create in": Hole(
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        ("schemas | schema public: PUBLIC may CREATE in it",),
    ),
    "a function with its owner's rights": Hole(
        "CREATE FUNCTION public.all_patients() RETURNS SETOF public.patients LANGUAGE sql SECURITY DEFINER"
        " AS 'SELECT * FROM public.patients'",
        ("functions | public.all_patients(): it is SECURITY DEFINER, and so runs with the rights of postgres",),
    ),
    "a function that is shown hidden rows": Hole(
        "CREATE FUNCTION public.tell(text) RETURNS bool LANGUAGE sql LEAKPROOF AS 'SELECT true'",
        ("functions | public.tell(text): it is LEAKPROOF, and so may be shown rows that a policy hides",),
    ),
    "a rule": Hole(
        "CREATE TABLE public.copies (row jsonb); CREATE RULE copy AS ON INSERT TO public.cases DO ALSO"
        " INSERT INTO public.copies VALUES (to_jsonb(NEW))",
        ("rules | public.cases: the rule copy acts with the rights of clincore_owner",),
    ),
    "a rule on a table without a tenant": Hole(
        "CREATE TABLE public.inbox (x int); GRANT INSERT ON public.inbox TO clincore_user; CREATE RULE r AS ON INSERT"
        " TO public.inbox DO INSTEAD SELECT full_name FROM public.patients",
        ("rules | public.inbox: the rule r acts with the rights of postgres",),
    ),
    "a materialized view through a function": Hole(
        "CREATE FUNCTION public.f() RETURNS TABLE (n text) LANGUAGE sql AS 'SELECT full_name FROM public.patients';"
        "CREATE MATERIALIZED VIEW public.m AS SELECT * FROM public.f(); GRANT SELECT ON public.m TO clincore_user",
        ("views | public.m: a materialized view that the service may read, which no policy guards",),
    ),
    "a view on the directory of tenants": Hole(
        "CREATE VIEW public.dir AS SELECT id FROM clincore.tenant_directory;"
        "GRANT SELECT ON public.dir TO clincore_user",
        ("views | public.dir: a view without security_invoker",),
    ),
    "the database given to the service": Hole(
        "GRANT CREATE ON DATABASE {database} TO clincore_user",
        ("schemas | database {database}: the service may CREATE in it, or owns it",),
    ),
    "a schema given to the service": Hole(
        "ALTER SCHEMA clincore OWNER TO clincore_user",
        ("schemas | schema clincore: the service may CREATE in it, or owns it",),
    ),
    "a function hidden among the server's own": Hole(
        "CREATE FUNCTION reports_all() RETURNS SETOF public.patients LANGUAGE sql SECURITY DEFINER"
        " AS 'SELECT * FROM public.patients'",
        ("functions | public.reports_all(): it is SECURITY DEFINER",),
    ),
    "tables to come that are granted too": Hole(
        "ALTER DEFAULT PRIVILEGES FOR ROLE clincore_owner GRANT SELECT, DELETE ON TABLES TO clincore_user",
        ("default privileges | clincore_user will have DELETE, SELECT on tables that clincore_owner makes",),
    ),
    "a view with its owner's rights": Hole(
        "CREATE VIEW public.all_cases AS SELECT * FROM public.cases; GRANT SELECT ON public.all_cases TO clincore_user",
        (
            "views | public.all_cases: a view without security_invoker: it reads with the rights of postgres",
            "views without a tenant | public.all_cases: rows seen: 1",
        ),
    ),
    "a view on a view": Hole(
        "CREATE VIEW public.inner_view WITH (security_invoker = true) AS SELECT * FROM public.cases;"
        "CREATE VIEW public.outer_view AS SELECT id FROM public.inner_view",
        ("views | public.outer_view: a view without security_invoker",),
    ),
    "a materialized view": Hole(
        "CREATE MATERIALIZED VIEW public.counts AS SELECT tenant_id, count(*) FROM public.cases GROUP BY 1",
        ("views | public.counts: a materialized view of tenants' rows, which no policy guards",),
    ),
}  # fmt: skip


def enter_a_case(database: FreshDatabase) -> None:
    """One row of a clinic's own, which ``prove`` must neither touch nor see."""
    tenant, patient = uuid4(), uuid4()
    with psycopg.connect(database.superuser_url) as connection:
        connection.execute("INSERT INTO public.tenants (id, name, created_at) VALUES (%s, 'Clinic', now())", [tenant])
        connection.execute(
            "INSERT INTO public.patients VALUES (%s, %s, 'Anna', NULL, NULL, 1, now(), now())", [tenant, patient]
        )
        connection.execute(
            """INSERT INTO public.cases (tenant_id, id, patient_id, status, input_payload, revision, created_at,
                                         updated_at)
               VALUES (%s, %s, %s, 'draft', '{}', 1, now(), now())""",
            [tenant, uuid4(), patient],
        )


def change(database: FreshDatabase, statements: str) -> None:
    with psycopg.connect(database.superuser_url, autocommit=True) as superuser:
        superuser.execute(statements.encode())


@pytest.fixture(scope="module")
def untouched(new_database: NewDatabase) -> Iterator[FreshDatabase]:
    """A database at the head with one clinic in it, which nothing here changes."""
    with new_database() as made:
        enter_a_case(made)
        yield made


def test_the_walls_of_the_reviewed_schema_hold_and_nothing_stays(untouched: FreshDatabase) -> None:
    before = untouched.contents()
    findings = prove(untouched.service_url)
    assert [finding for finding in findings if finding.outcome is not Outcome.PASS] == []
    assert {finding.check for finding in findings} >= {*ATTACKS, *(lint.check for lint in LINTS)}
    assert untouched.contents() == before


def test_every_tenant_table_is_attacked(untouched: FreshDatabase) -> None:
    findings = {finding.check: finding.message for finding in prove(untouched.service_url)}
    assert findings["tables"].startswith("10 with a tenant: ")
    assert {findings[attack] for attack in ATTACKS} == {"refused, or without effect, on 10 tables"}


@pytest.mark.parametrize("name", HOLES)
def test_a_hole_is_named(new_database: NewDatabase, name: str) -> None:
    hole = HOLES[name]
    with new_database() as database:
        enter_a_case(database)
        change(database, hole.made_by.replace("{database}", database.name))
        before = database.contents()
        found = holes(prove(database.service_url))
        for named in hole.named:
            told = named.replace("{database}", database.name)
            assert any(one.startswith(told) for one in found), (told, found)
        assert database.contents() == before


def test_a_table_of_the_operators_own_with_good_walls_passes(fresh_database: FreshDatabase) -> None:
    """Its rows are made from what the catalog says: types, checks, and the rows that it refers to."""
    change(fresh_database, NOTES)
    findings = prove(fresh_database.service_url)
    assert worst(findings) is Outcome.PASS, holes(findings)
    assert "public.notes" in {finding.check: finding.message for finding in findings}["tables"]


SOUND: Final = {
    "a key that one tenant can have once": "UNIQUE (tenant_id, day)",
    "a key of the server's own making": "n bigint GENERATED ALWAYS AS IDENTITY, UNIQUE (tenant_id, n)",
    "a reference that is checked at the end": "FOREIGN KEY (tenant_id, patient_id) REFERENCES public.patients"
    " (tenant_id, id) DEFERRABLE INITIALLY DEFERRED",
    "a reference to itself": "before uuid, FOREIGN KEY (tenant_id, before) REFERENCES public.visits (tenant_id, id)",
}


@pytest.mark.parametrize("name", SOUND)
def test_what_is_sound_is_no_hole(fresh_database: FreshDatabase, name: str) -> None:
    table = NOTES.replace("notes", "visits").replace("body text,", "body text, day date NOT NULL,")
    change(fresh_database, table.replace("CHECK (kind IN", f"{SOUND[name]}, CHECK (kind IN"))
    findings = prove(fresh_database.service_url)
    assert [one for one in findings if one.outcome is not Outcome.PASS] == []


def test_a_view_that_counts_nothing_to_0_is_no_hole_and_one_that_fails_ends_nothing(
    fresh_database: FreshDatabase,
) -> None:
    change(
        fresh_database,
        """CREATE VIEW public.n WITH (security_invoker = true) AS SELECT count(*) FROM public.cases;
           CREATE VIEW public.mine WITH (security_invoker = true) AS
               SELECT current_setting('app.tenant_id')::uuid FROM public.cases;
           GRANT SELECT ON public.n, public.mine TO clincore_user""",
    )
    assert holes(prove(fresh_database.service_url)) == set()


def test_a_superuser_behind_another_role_is_named(fresh_database: FreshDatabase) -> None:
    url = fresh_database.superuser_url
    told = holes(prove(f"{url}{'&' if '?' in url else '?'}options=-c%20role%3Dclincore_user"))
    assert "role | the service's role postgres is a superuser: no policy binds it" in told


def test_a_service_without_rights_proves_nothing(postgres: Server, fresh_database: FreshDatabase) -> None:
    role = f"stranger_{uuid4().hex}"
    change(fresh_database, f"CREATE ROLE {role} LOGIN PASSWORD 'the-tests-own'")
    try:
        change(fresh_database, f"GRANT CONNECT ON DATABASE {fresh_database.name} TO {role}")
        change(fresh_database, f"GRANT USAGE ON SCHEMA clincore TO {role}")
        told = "attacks | nothing was attacked: the service's role can enter no row anywhere"
        assert told in holes(prove(fresh_database.url_of(role)))
    finally:
        change(fresh_database, f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_table_of_which_no_row_can_be_made_is_a_warning_and_looked_at_all_the_same(
    fresh_database: FreshDatabase,
) -> None:
    never = NOTES.replace("body text,", "body text CHECK (body = 'never'), other int NOT NULL CHECK (other = 77),")
    change(fresh_database, never)
    (warning,) = [one for one in prove(fresh_database.service_url) if one.outcome is Outcome.WARN]
    assert "public.notes was not attacked: no row of public.notes could be made" in warning.message


def test_a_table_without_a_tenant_that_the_service_reads_is_a_warning(fresh_database: FreshDatabase) -> None:
    """Such as one that a trigger copies rows into."""
    change(fresh_database, "CREATE TABLE public.copies (row jsonb); GRANT SELECT ON public.copies TO clincore_user")
    (warning,) = [one for one in prove(fresh_database.service_url) if one.outcome is not Outcome.PASS]
    assert (warning.outcome, warning.message) == (
        Outcome.WARN,
        "public.copies: the service may read it, and it has no tenant",
    )


def test_one_that_is_not_attacked_but_open_fails(fresh_database: FreshDatabase) -> None:
    change(fresh_database, NOTES + "REVOKE INSERT ON public.notes FROM clincore_user")
    change(fresh_database, "ALTER TABLE public.notes DISABLE ROW LEVEL SECURITY")
    enter_a_case(fresh_database)
    change(
        fresh_database,
        "INSERT INTO public.notes SELECT tenant_id, gen_random_uuid(), id, 'note' FROM public.patients",
    )
    assert "read without a tenant | public.notes: rows seen: 1" in holes(prove(fresh_database.service_url))


# --- roles and settings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ("BYPASSRLS", "has BYPASSRLS: no policy binds it"),
        ("SUPERUSER", "is a superuser: no policy binds it"),
        ("CREATEROLE", "has CREATEROLE: it can give itself other roles"),
        ("IN ROLE clincore_user", "can become clincore_user, which has rights on ClinCore's tables"),
        ("REPLICATION", "has REPLICATION: it can read every row of the cluster"),
        ("IN ROLE postgres", "can become postgres, which is a superuser"),
        ("IN ROLE clincore_owner", "can become clincore_owner, which owns tables of tenants"),
        ("IN ROLE pg_read_server_files", "can become pg_read_server_files, which reaches the server's files"),
    ],
)
def test_a_role_that_passes_the_walls_is_named(
    postgres: Server, fresh_database: FreshDatabase, attributes: str, named: str
) -> None:
    role = f"strong_{uuid4().hex}"
    change(fresh_database, f"CREATE ROLE {role} LOGIN PASSWORD 'the-tests-own' {attributes}")
    try:
        change(fresh_database, f"GRANT CONNECT ON DATABASE {fresh_database.name} TO {role}")
        found = holes(prove(fresh_database.url_of(role)))
        assert f"role | the service's role {role} {named}" in found
    finally:
        change(fresh_database, f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.parametrize("where", ["ROLE {role}", "DATABASE {database}", "ROLE {role} IN DATABASE {database}"])
def test_a_default_tenant_is_named(fresh_database: FreshDatabase, where: str) -> None:
    role = f"bound_{uuid4().hex}"
    place = where.format(role=role, database=fresh_database.name)
    change(fresh_database, f"CREATE ROLE {role} LOGIN PASSWORD 'the-tests-own' IN ROLE clincore_user")
    try:
        change(fresh_database, f"ALTER {place} SET app.tenant_id = '{uuid4()}'")
        found = holes(prove(fresh_database.url_of(role)))
        assert any(one.startswith("default tenant | ") and "default for app.tenant_id" in one for one in found)
        assert "the setting after a commit | a new connection is bound to a tenant before anything was asked" in found
    finally:
        change(fresh_database, f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_what_ownership_alone_allows_is_a_warning(postgres: Server, new_database: NewDatabase) -> None:
    from clincore.adapters.postgres.migrations.runner import PostgresMigrations

    alone = postgres.make_role("clinic alone")
    with new_database(migrated=False, owner=alone) as database:
        url = database.url_of(alone)
        asyncio.run(PostgresMigrations(url, alone).upgrade("head", lambda _: None))
        findings = prove(url)
        assert holes(findings) == set()
        (warning,) = [one for one in findings if one.outcome is Outcome.WARN]
        assert (warning.check, warning.message.partition(":")[0]) == (
            "ownership",
            'the service\'s role "clinic alone" owns 10 tables of tenants',
        )
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute(sql.SQL("GRANT TRUNCATE ON public.usage_events TO {}").format(sql.Identifier(alone)))
        assert holes(prove(url)) == {
            "TRUNCATE | public.usage_events: TRUNCATE is allowed",
            "grants to the service | public.usage_events: the service may TRUNCATE",
        }


def test_an_empty_database_has_no_walls(new_database: NewDatabase) -> None:
    with new_database(migrated=False) as database:
        assert holes(prove(database.service_url)) == {"tables | no table with a tenant is there"}


def test_a_database_that_is_down_is_said_to_be() -> None:
    with pytest.raises(DatabaseUnavailable):
        prove("postgresql://a:b@127.0.0.1:1/c")


def test_it_does_not_wait_long_for_a_table_that_is_locked(fresh_database: FreshDatabase) -> None:
    """And says that it could not look, instead of that all is well."""
    with psycopg.connect(fresh_database.superuser_url) as holder:
        holder.execute("LOCK TABLE public.cases IN ACCESS EXCLUSIVE MODE")
        told = "tables | one is locked by another transaction, so that it cannot be looked at"
        assert holes(prove(fresh_database.service_url)) == {told}
