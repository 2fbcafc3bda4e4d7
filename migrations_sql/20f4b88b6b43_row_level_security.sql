-- revision: 20f4b88b6b43
-- revises: 0001_core_init
-- description: row-level security (nullif handling asserted, security grants)

-- >>> up
-- A setting that was set once in a session reads as '' after its transaction: the policies must take that for no tenant.
DO $assert$
BEGIN
    PERFORM set_config('app.tenant_id', '', true);
    IF nullif(current_setting('app.tenant_id', true), '')::uuid IS NOT NULL THEN
        RAISE EXCEPTION 'an empty app.tenant_id does not read as NULL';
    END IF;
    IF EXISTS (
        SELECT FROM pg_catalog.pg_policies
        WHERE schemaname IN ('public', 'clincore') AND policyname = 'tenant_isolation'
          AND (qual NOT LIKE '%NULLIF(current_setting(''app.tenant_id''::text, true), ''''::text)%'
               OR with_check IS DISTINCT FROM qual)
    ) THEN
        RAISE EXCEPTION 'a policy tenant_isolation does not go by nullif(current_setting(''app.tenant_id'', true), '''')';
    END IF;
END
$assert$;

REVOKE ALL ON ALL TABLES IN SCHEMA public, clincore FROM PUBLIC;
REVOKE ALL ON SCHEMA clincore FROM PUBLIC;

DO $grants$
DECLARE
    service name := current_setting('clincore.service_role');
BEGIN
    IF service <> current_user THEN
        EXECUTE format('GRANT USAGE ON SCHEMA public, clincore TO %I', service);
        EXECUTE format('GRANT SELECT ON public.alembic_version TO %I', service);
    END IF;
END
$grants$;

-- >>> down
DO $grants$
DECLARE
    service name := current_setting('clincore.service_role');
BEGIN
    IF service <> current_user THEN
        EXECUTE format('REVOKE USAGE ON SCHEMA public, clincore FROM %I', service);
        EXECUTE format('REVOKE SELECT ON public.alembic_version FROM %I', service);
    END IF;
END
$grants$;

-- >>> verify
SELECT NOT EXISTS (
    SELECT FROM pg_catalog.pg_policies
    WHERE schemaname IN ('public', 'clincore') AND policyname = 'tenant_isolation'
      AND with_check IS DISTINCT FROM qual
);
