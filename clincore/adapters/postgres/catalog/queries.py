"""What PostgreSQL's system catalogs say of the schemas ``public`` and ``clincore``.

Only what means the same on every server version that is supported: PostgreSQL 17's privilege MAINTAIN and 18's
constraints for NOT NULL are left out (the column says it), and so is what an extension has brought.
"""

from __future__ import annotations

from typing import Final, LiteralString

OWNER: Final[LiteralString] = """
    SELECT coalesce(
        (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass('public.alembic_version')),
        current_user)::text
"""

SCHEMAS: Final[LiteralString] = """
    SELECT nspname, pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname IN ('public', 'clincore')
"""

RELATIONS: Final[LiteralString] = """
    SELECT n.nspname || '.' || c.relname,
           CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
                          WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence'
                          ELSE 'type' END,
           pg_get_userbyid(c.relowner), c.relpersistence::text, c.relrowsecurity, c.relforcerowsecurity,
           array_to_string(c.reloptions, ', '),
           CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'clincore') AND c.relkind NOT IN ('i', 'I', 't')
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
"""

COLUMNS: Final[LiteralString] = """
    SELECT n.nspname || '.' || c.relname, row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), a.attname,
           format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text, a.attgenerated::text,
           pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE n.nspname IN ('public', 'clincore') AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND a.attnum > 0 AND NOT a.attisdropped
      AND NOT EXISTS (SELECT FROM pg_depend e
                      WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
"""

CONSTRAINTS: Final[LiteralString] = """
    SELECT n.nspname || '.' || c.relname, k.conname, pg_get_constraintdef(k.oid), k.convalidated
    FROM pg_constraint k
    JOIN pg_class c ON c.oid = k.conrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'clincore') AND k.contype NOT IN ('n', 't')
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
"""

INDEXES: Final[LiteralString] = """
    SELECT pg_get_indexdef(i.indexrelid), i.indisvalid AND i.indisready
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'clincore')
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
"""

POLICIES: Final[LiteralString] = """
    SELECT schemaname || '.' || tablename, policyname, lower(permissive), cmd, array_to_string(roles, ', '), qual,
           with_check
    FROM pg_policies WHERE schemaname IN ('public', 'clincore')
"""

TRIGGERS: Final[LiteralString] = """
    SELECT pg_get_triggerdef(t.oid), t.tgenabled::text
    FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'clincore') AND (NOT t.tgisinternal OR t.tgenabled <> 'O')
"""

RULES: Final[LiteralString] = """
    SELECT definition FROM pg_rules WHERE schemaname IN ('public', 'clincore')
"""

FUNCTIONS: Final[LiteralString] = """
    SELECT CASE p.prokind WHEN 'a' THEN 'aggregate ' || p.oid::regprocedure
                          ELSE pg_get_functiondef(CASE WHEN p.prokind <> 'a' THEN p.oid END) END,
           pg_get_userbyid(p.proowner)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('public', 'clincore')
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
"""

TYPES: Final[LiteralString] = """
    SELECT t.oid::regtype::text, t.typtype::text
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname IN ('public', 'clincore') AND t.typtype IN ('d', 'e', 'r')
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
"""

# Grantee 0 is PUBLIC. Every object's privileges stand in the text, those by default too.
GRANTS: Final[LiteralString] = """
    WITH objects (name, acl) AS (
        SELECT 'schema ' || nspname, coalesce(nspacl, acldefault('n', nspowner))
        FROM pg_namespace WHERE nspname IN ('public', 'clincore')
        UNION ALL
        SELECT n.nspname || '.' || c.relname,
               coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END, c.relowner))
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('public', 'clincore') AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
          AND NOT EXISTS (SELECT FROM pg_depend d
                          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
        UNION ALL
        SELECT format('%s.%s (%s)', n.nspname, c.relname, a.attname), a.attacl
        FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('public', 'clincore') AND a.attacl IS NOT NULL AND NOT a.attisdropped
        UNION ALL
        SELECT 'function ' || p.oid::regprocedure, coalesce(p.proacl, acldefault('f', p.proowner))
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname IN ('public', 'clincore')
          AND NOT EXISTS (SELECT FROM pg_depend d
                          WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    )
    SELECT name, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END,
           string_agg(privilege_type || CASE WHEN is_grantable THEN ' (may grant it)' ELSE '' END, ', '
                      ORDER BY privilege_type)
    FROM objects CROSS JOIN LATERAL aclexplode(acl)
    WHERE privilege_type <> 'MAINTAIN'
    GROUP BY name, grantee
"""

EVENT_TRIGGERS: Final[LiteralString] = """
    SELECT evtname, evtevent, evtfoid::regprocedure::text FROM pg_event_trigger
"""
