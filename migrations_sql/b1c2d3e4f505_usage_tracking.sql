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

ALTER TABLE public.usage_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.usage_events FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON public.usage_events
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

-- The events, counted: a report costs the same however many there are. Each number is spread over slots, so that calls
-- that run at once do not wait for each other's commit; the room left in a page lets an update stay in it.
CREATE TABLE clincore.usage_totals (
    tenant_id uuid     NOT NULL,
    key_id    uuid     NOT NULL,
    endpoint  text     NOT NULL,
    slot      smallint NOT NULL,
    calls     bigint   NOT NULL,
    CONSTRAINT usage_totals_pkey PRIMARY KEY (tenant_id, key_id, endpoint, slot)
) WITH (fillfactor = 50);
CREATE TABLE clincore.usage_days (
    tenant_id uuid     NOT NULL,
    day       date     NOT NULL,
    slot      smallint NOT NULL,
    calls     bigint   NOT NULL,
    CONSTRAINT usage_days_pkey PRIMARY KEY (tenant_id, day, slot)
) WITH (fillfactor = 50);
CREATE TABLE clincore.usage_minutes (
    tenant_id uuid        NOT NULL,
    minute    timestamptz NOT NULL,
    slot      smallint    NOT NULL,
    calls     bigint      NOT NULL,
    CONSTRAINT usage_minutes_pkey PRIMARY KEY (tenant_id, minute, slot)
) WITH (fillfactor = 50);

ALTER TABLE clincore.usage_totals ENABLE ROW LEVEL SECURITY;
ALTER TABLE clincore.usage_totals FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON clincore.usage_totals
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
ALTER TABLE clincore.usage_days ENABLE ROW LEVEL SECURITY;
ALTER TABLE clincore.usage_days FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON clincore.usage_days
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
ALTER TABLE clincore.usage_minutes ENABLE ROW LEVEL SECURITY;
ALTER TABLE clincore.usage_minutes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON clincore.usage_minutes
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

-- Whoever enters events, they are counted in the same transaction, in the first slot that no other transaction of the
-- tenant holds; where all are held it waits for one. Rows are locked in one order, so that nobody waits in a circle.
CREATE FUNCTION clincore.count_usage() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $count$
DECLARE
    tenant constant integer := (SELECT hashtext(e.tenant_id::text) FROM entered e LIMIT 1);
    own smallint := 0;
BEGIN
    WHILE own < 63 AND NOT pg_try_advisory_xact_lock(tenant, own) LOOP
        own := own + 1;
    END LOOP;
    INSERT INTO clincore.usage_totals AS kept (tenant_id, key_id, endpoint, slot, calls)
    SELECT e.tenant_id, e.key_id, e.endpoint, own, count(*)
    FROM entered e GROUP BY e.tenant_id, e.key_id, e.endpoint ORDER BY e.tenant_id, e.key_id, e.endpoint
    ON CONFLICT (tenant_id, key_id, endpoint, slot) DO UPDATE SET calls = kept.calls + excluded.calls;
    INSERT INTO clincore.usage_days AS kept (tenant_id, day, slot, calls)
    SELECT e.tenant_id, (e.occurred_at AT TIME ZONE 'UTC')::date, own, count(*)
    FROM entered e GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (tenant_id, day, slot) DO UPDATE SET calls = kept.calls + excluded.calls;
    INSERT INTO clincore.usage_minutes AS kept (tenant_id, minute, slot, calls)
    SELECT e.tenant_id, date_trunc('minute', e.occurred_at, 'UTC'), own, count(*)
    FROM entered e GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (tenant_id, minute, slot) DO UPDATE SET calls = kept.calls + excluded.calls;
    RETURN NULL;
END
$count$;
CREATE TRIGGER usage_events_are_counted AFTER INSERT ON public.usage_events
    REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION clincore.count_usage();

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
    REVOKE ALL ON public.usage_events, clincore.usage_totals, clincore.usage_days, clincore.usage_minutes,
        clincore.idempotency_keys FROM PUBLIC;
    IF service = current_user THEN
        EXECUTE format('REVOKE DELETE, TRUNCATE ON public.usage_events, clincore.usage_totals, clincore.usage_days, '
                       'clincore.usage_minutes FROM %I', service);
        EXECUTE format('REVOKE TRUNCATE ON clincore.idempotency_keys FROM %I', service);
    ELSE
        EXECUTE format('GRANT SELECT, INSERT ON public.usage_events TO %I', service);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON clincore.usage_totals, clincore.usage_days, '
                       'clincore.usage_minutes TO %I', service);
        EXECUTE format('GRANT SELECT, INSERT, DELETE ON clincore.idempotency_keys TO %I', service);
    END IF;
END
$grants$;

-- >>> down
DROP TABLE clincore.idempotency_keys;
DROP TABLE public.usage_events;
DROP FUNCTION clincore.count_usage();
DROP TABLE clincore.usage_totals, clincore.usage_days, clincore.usage_minutes;

-- >>> verify
SELECT count(*) = 5
FROM pg_catalog.pg_class
WHERE oid IN (to_regclass('public.usage_events'), to_regclass('clincore.idempotency_keys'), to_regclass('clincore.usage_totals'),
              to_regclass('clincore.usage_days'), to_regclass('clincore.usage_minutes'))
  AND relrowsecurity AND relforcerowsecurity;
