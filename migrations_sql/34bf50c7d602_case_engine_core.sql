-- revision: 34bf50c7d602
-- revises: 20f4b88b6b43
-- description: v032 case engine core
-- down loses: public.cases.ranking_snapshot, public.cases.finalized_at

-- >>> up
ALTER TABLE public.cases
    ADD COLUMN ranking_snapshot jsonb,
    ADD COLUMN finalized_at     timestamptz,
    ADD CONSTRAINT cases_snapshot_is_array CHECK (jsonb_typeof(ranking_snapshot) = 'array');
CREATE INDEX cases_by_status ON public.cases (tenant_id, status, created_at, id);

-- >>> down
DROP INDEX public.cases_by_status;
ALTER TABLE public.cases
    DROP COLUMN ranking_snapshot,
    DROP COLUMN finalized_at;

-- >>> verify
SELECT count(*) = 2
FROM pg_catalog.pg_attribute
WHERE attrelid = to_regclass('public.cases') AND attname IN ('ranking_snapshot', 'finalized_at') AND NOT attisdropped;
