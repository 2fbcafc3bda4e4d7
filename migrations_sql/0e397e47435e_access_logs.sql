-- revision: 0e397e47435e
-- revises: 256690bbd45e
-- description: v035 access_logs
-- down loses: public.access_logs

-- >>> up
CREATE TABLE public.access_logs (
    tenant_id   uuid        NOT NULL,
    id          uuid        NOT NULL DEFAULT gen_random_uuid(),
    key_id      uuid        NOT NULL,
    action      text        NOT NULL,
    record_type text        NOT NULL,
    record_id   uuid,
    filter      text,
    request_id  text        NOT NULL,
    at          timestamptz NOT NULL,
    CONSTRAINT access_logs_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT access_logs_action_known CHECK (
        action IN ('VIEW', 'LIST', 'CREATE', 'UPDATE', 'RANK', 'FINALIZE', 'VERIFY')
    ),
    CONSTRAINT access_logs_record_type_known CHECK (record_type IN ('patient', 'case')),
    CONSTRAINT access_logs_names_a_record CHECK ((record_id IS NULL) = (action = 'LIST'))
);
CREATE INDEX access_logs_by_time ON public.access_logs (tenant_id, at, id);
CREATE INDEX access_logs_by_record ON public.access_logs (tenant_id, record_id, at, id);
CREATE INDEX access_logs_by_key ON public.access_logs (tenant_id, key_id, at, id);

ALTER TABLE public.access_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.access_logs FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON public.access_logs
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

CREATE FUNCTION clincore.append_only() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog
AS $body$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$body$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON public.access_logs
    FOR EACH STATEMENT EXECUTE FUNCTION clincore.append_only();

DO $grants$
DECLARE
    service name := current_setting('clincore.service_role');
BEGIN
    REVOKE ALL ON public.access_logs FROM PUBLIC;
    IF service = current_user THEN
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON public.access_logs FROM %I', service);
    ELSE
        EXECUTE format('GRANT SELECT, INSERT ON public.access_logs TO %I', service);
    END IF;
END
$grants$;

-- >>> down
DROP TABLE public.access_logs;
DROP FUNCTION clincore.append_only();

-- >>> verify
SELECT count(*) = 1
FROM pg_catalog.pg_class
WHERE oid = to_regclass('public.access_logs') AND relrowsecurity AND relforcerowsecurity;
