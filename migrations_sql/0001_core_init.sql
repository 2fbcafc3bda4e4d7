-- revision: 0001_core_init
-- revises:
-- description: initial tables, with row-level security from the start
-- down loses: public.cases, public.patients, public.tenants, clincore.tenant_directory

-- >>> up
CREATE TABLE public.tenants (
    id         uuid        NOT NULL,
    name       text        NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT tenants_pkey PRIMARY KEY (id),
    CONSTRAINT tenants_name_length CHECK (char_length(name) BETWEEN 1 AND 200)
);

-- The one table without a policy: ids only, so that an operator can list tenants and bind each in turn.
CREATE TABLE clincore.tenant_directory (
    id uuid NOT NULL,
    CONSTRAINT tenant_directory_pkey PRIMARY KEY (id)
);

CREATE TABLE public.patients (
    tenant_id  uuid        NOT NULL,
    id         uuid        NOT NULL,
    full_name  text        NOT NULL,
    birth_year smallint,
    phone      text,
    revision   integer     NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT patients_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT patients_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants (id),
    CONSTRAINT patients_full_name_length CHECK (char_length(full_name) BETWEEN 1 AND 200),
    CONSTRAINT patients_phone_length CHECK (char_length(phone) BETWEEN 1 AND 40),
    CONSTRAINT patients_revision_positive CHECK (revision > 0)
);
CREATE INDEX patients_by_creation ON public.patients (tenant_id, created_at, id);

CREATE TABLE public.cases (
    tenant_id     uuid        NOT NULL,
    id            uuid        NOT NULL,
    patient_id    uuid        NOT NULL,
    status        text        NOT NULL,
    input_payload jsonb       NOT NULL,
    revision      integer     NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT cases_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT cases_patient_fkey FOREIGN KEY (tenant_id, patient_id) REFERENCES public.patients (tenant_id, id),
    CONSTRAINT cases_status_known CHECK (status = 'draft'),
    CONSTRAINT cases_input_is_object CHECK (jsonb_typeof(input_payload) = 'object'),
    CONSTRAINT cases_revision_positive CHECK (revision > 0)
);
CREATE INDEX cases_by_creation ON public.cases (tenant_id, created_at, id);
CREATE INDEX cases_by_patient ON public.cases (tenant_id, patient_id, created_at, id);

ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON public.tenants
    USING (id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (id = nullif(current_setting('app.tenant_id', true), '')::uuid);

ALTER TABLE public.patients ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.patients FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON public.patients
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

ALTER TABLE public.cases ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.cases FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON public.cases
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

DO $grants$
DECLARE
    service name := current_setting('clincore.service_role');
BEGIN
    IF service = current_user THEN
        EXECUTE format('REVOKE DELETE, TRUNCATE ON public.tenants, public.patients, public.cases FROM %I', service);
        EXECUTE format('REVOKE DELETE, TRUNCATE ON clincore.tenant_directory FROM %I', service);
    ELSE
        EXECUTE format('GRANT SELECT, INSERT ON public.tenants TO %I', service);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON public.patients, public.cases TO %I', service);
        EXECUTE format('GRANT INSERT ON clincore.tenant_directory TO %I', service);
    END IF;
END
$grants$;

-- >>> down
DROP TABLE public.cases;
DROP TABLE public.patients;
DROP TABLE clincore.tenant_directory;
DROP TABLE public.tenants;

-- >>> verify
SELECT count(*) = 3
FROM pg_catalog.pg_class
WHERE oid IN (to_regclass('public.tenants'), to_regclass('public.patients'), to_regclass('public.cases'))
  AND relrowsecurity AND relforcerowsecurity;
