-- revision: a96162dee369
-- revises: 0e397e47435e
-- description: v036 billing skeleton and api_keys
-- down loses: public.api_keys, clincore.bootstrap, public.tenants.plan

-- >>> up
ALTER TABLE public.tenants
    ADD COLUMN plan text NOT NULL DEFAULT 'free',
    ADD CONSTRAINT tenants_plan_known CHECK (plan IN ('free', 'paid', 'subscription'));

CREATE TABLE public.api_keys (
    tenant_id    uuid        NOT NULL,
    id           uuid        NOT NULL,
    key_hash     text        NOT NULL,
    label        text        NOT NULL,
    role         text        NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    rotated_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT api_keys_hash_unique UNIQUE (tenant_id, key_hash),
    CONSTRAINT api_keys_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants (id),
    CONSTRAINT api_keys_hash_is_sha256 CHECK (key_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT api_keys_label_length CHECK (char_length(label) BETWEEN 1 AND 200),
    CONSTRAINT api_keys_role_known CHECK (role IN ('admin', 'user'))
);

ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON public.api_keys
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

-- One row at most: of two bootstraps at once one wins.
CREATE TABLE clincore.bootstrap (
    only_row boolean     NOT NULL DEFAULT true,
    used_at  timestamptz NOT NULL,
    CONSTRAINT bootstrap_pkey PRIMARY KEY (only_row),
    CONSTRAINT bootstrap_only_row CHECK (only_row)
);

DO $grants$
DECLARE
    service name := current_setting('clincore.service_role');
BEGIN
    REVOKE ALL ON public.api_keys, clincore.bootstrap FROM PUBLIC;
    IF service = current_user THEN
        EXECUTE format('REVOKE DELETE, TRUNCATE ON public.api_keys, clincore.bootstrap FROM %I', service);
    ELSE
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON public.api_keys TO %I', service);
        EXECUTE format('GRANT INSERT ON clincore.bootstrap TO %I', service);
    END IF;
END
$grants$;

-- >>> down
DROP TABLE clincore.bootstrap;
DROP TABLE public.api_keys;
ALTER TABLE public.tenants DROP COLUMN plan;

-- >>> verify
SELECT count(*) = 1
FROM pg_catalog.pg_class
WHERE oid = to_regclass('public.api_keys') AND relrowsecurity AND relforcerowsecurity;
