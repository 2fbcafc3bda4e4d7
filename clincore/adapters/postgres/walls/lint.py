"""What in the catalog is, or could become, a hole in the walls; each query returns one sentence a hole.

Wherever a service's role is meant it is the one that is connected. All of the database's own schemas are looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString

from attrs import frozen

from clincore.adapters.postgres.walls.tenant_tables import OTHERS_SCHEMAS, TENANT_TABLES
from clincore.domain.finding import Finding, failed, passed, warned

if TYPE_CHECKING:
    import psycopg

_HELD: Final[LiteralString] = "WITH held AS (" + TENANT_TABLES + ") "
_NAME: Final[LiteralString] = "nspname || '.' || relname"

_SECURITY: Final[LiteralString] = (
    _HELD
    + "SELECT format('%s: row-level security is %s', "
    + _NAME
    + """, CASE WHEN relrowsecurity THEN 'on, and not FORCEd: it does not bind the owner' ELSE 'off' END)
    FROM held WHERE NOT relrowsecurity OR NOT relforcerowsecurity ORDER BY 1
"""
)
_POLICIES: Final[LiteralString] = (
    _HELD
    + """
    SELECT format('%s.%s: ', h.nspname, h.relname) || CASE
        WHEN p.polname IS NULL THEN 'it has no policy tenant_isolation'
        WHEN p.polname <> 'tenant_isolation' THEN format('it has another policy, %s', p.polname)
        ELSE format('its policy is not that of the others: USING %s WITH CHECK %s',
                    pg_get_expr(p.polqual, h.oid), coalesce(pg_get_expr(p.polwithcheck, h.oid), 'nothing')) END
    FROM held h
    LEFT JOIN pg_policy p ON p.polrelid = h.oid
    WHERE p.polname IS DISTINCT FROM 'tenant_isolation' OR NOT p.polpermissive OR p.polcmd <> '*'
       OR p.polroles <> '{0}'
       OR pg_get_expr(p.polqual, h.oid) IS DISTINCT FROM
          format('(%I = (NULLIF(current_setting(''app.tenant_id''::text, true), ''''::text))::uuid)', h.tenant_column)
       OR pg_get_expr(p.polqual, h.oid) IS DISTINCT FROM pg_get_expr(p.polwithcheck, h.oid)
    UNION ALL
    SELECT format('%s.%s: it has no policy tenant_isolation', h.nspname, h.relname)
    FROM held h
    WHERE EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = h.oid)
      AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = h.oid AND p.polname = 'tenant_isolation')
    ORDER BY 1
"""
)
_INDEXES: Final[LiteralString] = (
    _HELD
    + """
    SELECT format('%s.%s: the %s %s does not start with %s', h.nspname, h.relname,
                  CASE WHEN i.indisprimary THEN 'primary key' WHEN i.indisunique THEN 'unique key' ELSE 'index' END,
                  i.indexrelid::regclass::text, h.tenant_column)
    FROM held h
    JOIN pg_index i ON i.indrelid = h.oid
    LEFT JOIN pg_attribute a ON a.attrelid = h.oid AND a.attnum = i.indkey[0]
    WHERE a.attname IS DISTINCT FROM h.tenant_column
    ORDER BY 1
"""
)
_FOREIGN_KEYS: Final[LiteralString] = (
    _HELD
    + """
    SELECT format('%s: the foreign key %s %s', k.conrelid::regclass::text, k.conname, CASE
        WHEN k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd')
            THEN 'cascades: it changes rows that nobody named'
        ELSE 'does not start with the tenant on both sides' END)
    FROM pg_constraint k
    JOIN held referenced ON referenced.oid = k.confrelid
    JOIN held h ON h.oid = k.conrelid
    LEFT JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
    LEFT JOIN pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = k.confkey[1]
    WHERE k.contype = 'f'
      AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd')
           OR a.attname IS DISTINCT FROM h.tenant_column OR f.attname IS DISTINCT FROM referenced.tenant_column)
    ORDER BY 1
"""
)
_TENANTLESS: Final[LiteralString] = (
    _HELD
    + """
    SELECT DISTINCT format('%s: it refers to rows of %s and has no tenant of its own', k.conrelid::regclass::text,
                           k.confrelid::regclass::text)
    FROM pg_constraint k
    WHERE k.contype = 'f' AND k.confrelid IN (SELECT oid FROM held) AND k.conrelid NOT IN (SELECT oid FROM held)
    ORDER BY 1
"""
)
_STRANGERS_RIGHTS: Final[LiteralString] = (
    _HELD
    + """
    , rights (relation, owner, acl) AS (
        SELECT h.nspname || '.' || h.relname, h.relowner, c.relacl FROM held h JOIN pg_class c USING (oid)
        UNION ALL
        SELECT format('%s.%s (%s)', h.nspname, h.relname, a.attname), h.relowner, a.attacl
        FROM held h JOIN pg_attribute a ON a.attrelid = h.oid
    )
    SELECT format('%s: %s may %s', relation, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END,
                  string_agg(privilege_type, ', ' ORDER BY privilege_type))
    FROM rights CROSS JOIN LATERAL aclexplode(acl)
    WHERE grantee NOT IN (owner, (SELECT oid FROM pg_roles WHERE rolname = current_user))
    GROUP BY relation, grantee
    ORDER BY 1
"""
)
# Where the service owns everything, what it may create is told of once, as its ownership.
_NOT_OWNER: Final[LiteralString] = """
    NOT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('public.alembic_version')
                AND pg_get_userbyid(relowner) = current_user)
"""
_CREATORS: Final[LiteralString] = (
    """
    SELECT format('schema %s: PUBLIC may CREATE in it', nspname)
    FROM pg_namespace CROSS JOIN LATERAL aclexplode(nspacl)
    WHERE privilege_type = 'CREATE' AND grantee = 0 AND """
    + OTHERS_SCHEMAS
    + """
    UNION ALL
    SELECT format('schema %s: the service may CREATE in it, or owns it', nspname)
    FROM pg_namespace WHERE has_schema_privilege(oid, 'CREATE') AND """
    + OTHERS_SCHEMAS
    + " AND "
    + _NOT_OWNER
    + """
    UNION ALL
    SELECT format('database %s: the service may CREATE in it, or owns it', current_database())
    WHERE has_database_privilege(current_database(), 'CREATE') AND """
    + _NOT_OWNER
    + """
    ORDER BY 1
"""
)
_FUTURE_RIGHTS: Final[LiteralString] = """
    SELECT format('%s will have %s on tables that %s makes', CASE grantee WHEN 0 THEN 'PUBLIC'
                  ELSE pg_get_userbyid(grantee) END,
                  string_agg(privilege_type, ', ' ORDER BY privilege_type), pg_get_userbyid(defaclrole))
    FROM pg_default_acl CROSS JOIN LATERAL aclexplode(defaclacl)
    WHERE defaclobjtype = 'r' AND grantee <> defaclrole
      AND (grantee = 0 OR pg_has_role(current_user, grantee, 'MEMBER'))
    GROUP BY grantee, defaclrole
    ORDER BY 1
"""
# A LEAKPROOF function may be run on rows before a policy hides them.
_FUNCTIONS: Final[LiteralString] = """
    SELECT format('%s: it is %s', p.oid::regprocedure::text, CASE WHEN p.prosecdef
        THEN 'SECURITY DEFINER, and so runs with the rights of ' || pg_get_userbyid(p.proowner)
        ELSE 'LEAKPROOF, and so may be shown rows that a policy hides' END)
    FROM pg_proc p
    WHERE (p.prosecdef OR p.proleakproof) AND p.oid >= 16384  -- what was made after the server, in whatever schema
      AND NOT (p.proleakproof AND NOT p.prosecdef AND EXISTS (
          SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'))
    ORDER BY 1
"""
# Wherever it stands: a rule on a table without a tenant may lead to one with tenants.
_RULES: Final[LiteralString] = """
    SELECT format('%s: the rule %s acts with the rights of %s', c.oid::regclass::text, r.rulename,
                  pg_get_userbyid(c.relowner))
    FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
    WHERE r.rulename <> '_RETURN' AND r.oid >= 16384
    ORDER BY 1
"""
# A view reads what it is made of, and what the views below it are made of.
READING_VIEWS: Final[LiteralString] = (
    "WITH RECURSIVE held AS ("
    + TENANT_TABLES
    + """), reading (view, read) AS (
        SELECT r.ev_class, d.refobjid
        FROM pg_rewrite r
        JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                        AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
        WHERE r.rulename = '_RETURN'
    ), showing (view) AS (
        SELECT view FROM reading WHERE read IN (SELECT oid FROM held)
        UNION
        SELECT r.view FROM reading r JOIN showing l ON l.view = r.read
    )
    """
)
_VIEWS: Final[LiteralString] = (
    READING_VIEWS
    + """
    SELECT format('%s: %s', c.oid::regclass::text, CASE
        WHEN c.relkind = 'm' AND c.oid IN (SELECT view FROM showing)
            THEN 'a materialized view of tenants'' rows, which no policy guards'
        WHEN c.relkind = 'm' THEN 'a materialized view that the service may read, which no policy guards'
        ELSE format('a view without security_invoker: it reads with the rights of %s', pg_get_userbyid(c.relowner)) END)
    FROM pg_class c
    WHERE c.relkind IN ('v', 'm') AND c.oid >= 16384
      -- A function in it may hide what it reads: what the service may read is looked at in any case.
      AND (c.oid IN (SELECT view FROM showing) OR has_table_privilege(c.oid, 'SELECT'))
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
      AND (c.relkind = 'm'
           OR NOT coalesce((SELECT option_value::boolean FROM pg_options_to_table(c.reloptions)
                            WHERE option_name = 'security_invoker'), false))
    ORDER BY 1
"""
)
_ROLE: Final[LiteralString] = """
    SELECT format('the service''s role %I %s', rolname, power)
    FROM pg_roles CROSS JOIN LATERAL (VALUES
        (rolsuper, 'is a superuser: no policy binds it'),
        (rolbypassrls, 'has BYPASSRLS: no policy binds it'),
        (rolcreaterole, 'has CREATEROLE: it can give itself other roles'),
        (rolreplication, 'has REPLICATION: it can read every row of the cluster')) AS powers (is_held, power)
    WHERE rolname IN (current_user, session_user) AND is_held
    UNION ALL
    SELECT format('the service''s role %I can become %I, which %s', current_user, rolname, CASE
        WHEN rolsuper THEN 'is a superuser' WHEN rolbypassrls THEN 'has BYPASSRLS'
        WHEN rolcreaterole THEN 'has CREATEROLE' WHEN rolreplication THEN 'has REPLICATION'
        WHEN rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')
            THEN 'reaches the server''s files'
        WHEN EXISTS (SELECT FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid WHERE c.relowner = r.oid)
            THEN 'owns tables of tenants'
        ELSE 'has rights on ClinCore''s tables' END)
    FROM pg_roles r
    WHERE rolname NOT IN (current_user, session_user) AND pg_has_role(current_user, oid, 'MEMBER')
      AND (SELECT NOT rolsuper FROM pg_roles WHERE rolname = current_user)
      AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication
           OR rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')
           OR EXISTS (SELECT FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid WHERE c.relowner = r.oid)
           OR EXISTS (SELECT FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
                      WHERE a.grantee = r.oid AND c.relnamespace IN (to_regnamespace('public'),
                                                                     to_regnamespace('clincore'))))
    ORDER BY 1
"""
_DEFAULT_TENANT: Final[LiteralString] = """
    SELECT concat_ws(' in ', CASE WHEN setrole <> 0 THEN 'the role ' || pg_get_userbyid(setrole) END,
                     CASE WHEN setdatabase <> 0 THEN 'the database ' || current_database() ELSE 'all databases' END)
           || ' has a default for app.tenant_id'
    FROM pg_db_role_setting CROSS JOIN unnest(setconfig) one (setting)
    WHERE one.setting LIKE 'app.tenant_id=_%'
      AND (setdatabase = 0 OR setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()))
    ORDER BY 1
"""
_OWNERSHIP: Final[LiteralString] = (
    _HELD
    + """
    SELECT format('the service''s role %I owns %s tables of tenants: it could drop a policy or '
                  'FORCE, disable a trigger, and give itself back DELETE and TRUNCATE', current_user, count(*))
    FROM held WHERE relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
    HAVING count(*) > 0
"""
)


@frozen(kw_only=True)
class Lint:
    """One query, what it is called in a report, what is said where it finds nothing, and the cure where it does."""

    check: str
    query: LiteralString
    holds: str
    cure: str
    is_warning: bool = False


ROLE: Final = Lint(
    check="role",
    query=_ROLE,
    holds="row-level security binds the service's role",
    cure="ALTER ROLE … NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION, and REVOKE the memberships",
)
POLICIES: Final = Lint(
    check="policies",
    query=_POLICIES,
    holds="one policy tenant_isolation a table, the same on all",
    cure="make it as migrations_sql/0001_core_init.sql does, and drop every other",
)
SECURITY: Final = Lint(
    check="row-level security",
    query=_SECURITY,
    holds="on and FORCEd on every table with a tenant",
    cure="ALTER TABLE … ENABLE ROW LEVEL SECURITY; ALTER TABLE … FORCE ROW LEVEL SECURITY",
)
OWNERSHIP: Final = Lint(
    check="ownership",
    query=_OWNERSHIP,
    holds="the service owns no table",
    cure="an owner of its own and a service role without it: clincore init-roles --sql",
    is_warning=True,
)
DEFAULT_TENANT: Final = Lint(
    check="default tenant",
    query=_DEFAULT_TENANT,
    holds="no role and no database has a default for app.tenant_id",
    cure="ALTER ROLE or DATABASE … RESET app.tenant_id: every transaction names its own tenant",
)
LINTS: Final[tuple[Lint, ...]] = (
    ROLE,
    DEFAULT_TENANT,
    SECURITY,
    POLICIES,
    Lint(
        check="keys and indexes",
        query=_INDEXES,
        holds="every key and index starts with the tenant",
        cure="make it anew with the tenant's column first; the checks of unique keys do not obey row-level security",
    ),
    Lint(
        check="foreign keys",
        query=_FOREIGN_KEYS,
        holds="every foreign key starts with the tenant, and none cascades",
        cure="make it anew with the tenant's column first on both sides, and NO ACTION",
    ),
    Lint(
        check="tables without a tenant",
        query=_TENANTLESS,
        holds="no table without a tenant refers to a tenant's rows",
        cure="give it a column tenant_id, a policy, and keys that start with it",
    ),
    Lint(
        check="grants to others",
        query=_STRANGERS_RIGHTS,
        holds="nobody but the owner and the service has rights on tenants' tables",
        cure="REVOKE them, unless the role is meant to read there and is bound by row-level security",
    ),
    Lint(
        check="schemas",
        query=_CREATORS,
        holds="neither the service nor PUBLIC may create objects",
        cure="REVOKE CREATE ON SCHEMA … FROM …",
    ),
    Lint(
        check="default privileges",
        query=_FUTURE_RIGHTS,
        holds="neither the service nor PUBLIC is given tables that are still to come",
        cure="ALTER DEFAULT PRIVILEGES … REVOKE … ON TABLES FROM …",
    ),
    Lint(
        check="functions",
        query=_FUNCTIONS,
        holds="none is SECURITY DEFINER or LEAKPROOF",
        cure="ALTER FUNCTION … SECURITY INVOKER, NOT LEAKPROOF, or drop it",
    ),
    Lint(
        check="rules",
        query=_RULES,
        holds="there is none",
        cure="DROP RULE … ON …",
    ),
    Lint(
        check="views",
        query=_VIEWS,
        holds="none reads tenants' rows with its owner's rights",
        cure="ALTER VIEW … SET (security_invoker = true); drop a materialized view",
    ),
    OWNERSHIP,
)


async def look(connection: psycopg.AsyncConnection[Any], lint: Lint) -> list[Finding]:
    """Return what a lint finds: one finding a hole, or that there is none."""
    told = [row[0] for row in await (await connection.execute(lint.query)).fetchall()]
    make = warned if lint.is_warning else failed
    return [make(lint.check, sentence, lint.cure) for sentence in told] or [passed(lint.check, lint.holds)]
