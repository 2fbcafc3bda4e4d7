-- revision: b1c2d3e4f505
-- revises: a96162dee369
-- description: v037 usage tracking and admin surface
-- down loses: public.usage_events, clincore.idempotency_keys

-- >>> up
CREATE TABLE public.usage_events (
    tenant_id   uuid        NOT NULL,
    id          uuid        NOT NULL DEFAULT gen_random_uuid(),
    key_id      uuid        NOT NULL,
    endpoint    text        NOT NULL,
    occurred_at timestamptz NOT NULL,
    CONSTRAINT usage_events_pkey PRIMARY KEY (tenant_id, id)
);
CREATE INDEX usage_events_by_time ON public.usage_events (tenant_id, occurred_at, endpoint);

ALTER TABLE public.usage_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.usage_events FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON public.usage_events
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

-- What a call with an Idempotency-Key has made, for 24 hours.
CREATE TABLE clincore.idempotency_keys (
    tenant_id      uuid        NOT NULL,
    endpoint       text        NOT NULL,
    key            text        NOT NULL,
    payload_digest text        NOT NULL,
    record_id      uuid        NOT NULL,
    at             timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, endpoint, key),
    CONSTRAINT idempotency_keys_key_length CHECK (char_length(key) BETWEEN 1 AND 255)
);
CREATE INDEX idempotency_keys_by_time ON clincore.idempotency_keys (tenant_id, at);

ALTER TABLE clincore.idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE clincore.idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON clincore.idempotency_keys
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

DO $grants$
DECLARE
    service name := current_setting('clincore.service_role');
BEGIN
    REVOKE ALL ON public.usage_events, clincore.idempotency_keys FROM PUBLIC;
    IF service = current_user THEN
        EXECUTE format('REVOKE DELETE, TRUNCATE ON public.usage_events FROM %I', service);
        EXECUTE format('REVOKE TRUNCATE ON clincore.idempotency_keys FROM %I', service);
    ELSE
        EXECUTE format('GRANT SELECT, INSERT ON public.usage_events TO %I', service);
        EXECUTE format('GRANT SELECT, INSERT, DELETE ON clincore.idempotency_keys TO %I', service);
    END IF;
END
$grants$;

-- >>> down
DROP TABLE clincore.idempotency_keys;
DROP TABLE public.usage_events;

-- >>> verify
SELECT count(*) = 2
FROM pg_catalog.pg_class
WHERE oid IN (to_regclass('public.usage_events'), to_regclass('clincore.idempotency_keys')) AND relrowsecurity AND relforcerowsecurity;
