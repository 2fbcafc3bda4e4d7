-- revision: 256690bbd45e
-- revises: 9ab846c6a33b
-- description: v034 replay verification
-- down loses: public.cases.replay_verdict, public.cases.replay_verified_at

-- >>> up
ALTER TABLE public.cases
    ADD COLUMN replay_verdict     text,
    ADD COLUMN replay_verified_at timestamptz,
    ADD CONSTRAINT cases_replay_verdict_known CHECK (replay_verdict IN (
        'verified', 'signature_mismatch', 'row_differs', 'ranking_differs', 'repertory_differs'
    )),
    ADD CONSTRAINT cases_replay_of_finalized CHECK (
        num_nonnulls(replay_verdict, replay_verified_at) = 0
        OR (status = 'finalized' AND num_nonnulls(replay_verdict, replay_verified_at) = 2)
    );

-- Of a finalized case only the replay's own columns change; compared as text, because jsonb takes 1.50 for 1.5.
CREATE OR REPLACE FUNCTION clincore.keep_finalized_case() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog
AS $body$
BEGIN
    IF OLD.status = 'finalized'
       AND (to_jsonb(NEW) - 'replay_verdict' - 'replay_verified_at')::text
           IS DISTINCT FROM (to_jsonb(OLD) - 'replay_verdict' - 'replay_verified_at')::text THEN
        RAISE EXCEPTION 'case % is finalized and never changes again', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$body$;

-- >>> down
CREATE OR REPLACE FUNCTION clincore.keep_finalized_case() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog
AS $body$
BEGIN
    IF OLD.status = 'finalized' THEN
        RAISE EXCEPTION 'case % is finalized and never changes again', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$body$;
ALTER TABLE public.cases
    DROP COLUMN replay_verdict,
    DROP COLUMN replay_verified_at;

-- >>> verify
SELECT count(*) = 2
FROM pg_catalog.pg_attribute
WHERE attrelid = to_regclass('public.cases') AND attname IN ('replay_verdict', 'replay_verified_at')
  AND NOT attisdropped;
