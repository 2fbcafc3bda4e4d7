-- revision: 9ab846c6a33b
-- revises: 34bf50c7d602
-- description: v033 finalize signature hardening
-- down loses: public.cases.result_text, public.cases.result_signature

-- >>> up
-- A ranking that was kept before there were signatures cannot be signed now: its case stays a draft, to be finalized.
UPDATE public.cases SET ranking_snapshot = NULL, finalized_at = NULL
WHERE num_nonnulls(ranking_snapshot, finalized_at) > 0;
ALTER TABLE public.cases
    ADD COLUMN result_text      text,
    ADD COLUMN result_signature text,
    DROP CONSTRAINT cases_status_known,
    ADD CONSTRAINT cases_status_known CHECK (status IN ('draft', 'finalized')),
    ADD CONSTRAINT cases_signature_is_sha256 CHECK (result_signature ~ '^[0-9a-f]{64}$'),
    ADD CONSTRAINT cases_signed_when_finalized CHECK (
        num_nonnulls(ranking_snapshot, finalized_at, result_text, result_signature)
            = CASE status WHEN 'finalized' THEN 4 ELSE 0 END
    );

CREATE FUNCTION clincore.keep_finalized_case() RETURNS trigger
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
CREATE TRIGGER keep_finalized_case BEFORE UPDATE ON public.cases
    FOR EACH ROW EXECUTE FUNCTION clincore.keep_finalized_case();

CREATE FUNCTION clincore.keep_every_case() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog
AS $body$
BEGIN
    RAISE EXCEPTION 'cases are never deleted' USING ERRCODE = 'integrity_constraint_violation';
END
$body$;
CREATE TRIGGER keep_every_case BEFORE DELETE OR TRUNCATE ON public.cases
    FOR EACH STATEMENT EXECUTE FUNCTION clincore.keep_every_case();

-- >>> down
DROP TRIGGER keep_every_case ON public.cases;
DROP FUNCTION clincore.keep_every_case();
DROP TRIGGER keep_finalized_case ON public.cases;
DROP FUNCTION clincore.keep_finalized_case();
ALTER TABLE public.cases
    DROP CONSTRAINT cases_signed_when_finalized;
UPDATE public.cases SET status = 'draft' WHERE status = 'finalized';
ALTER TABLE public.cases
    DROP COLUMN result_text,
    DROP COLUMN result_signature,
    DROP CONSTRAINT cases_status_known,
    ADD CONSTRAINT cases_status_known CHECK (status = 'draft');

-- >>> verify
SELECT count(*) = 2
FROM pg_catalog.pg_trigger
WHERE tgrelid = to_regclass('public.cases') AND tgname IN ('keep_finalized_case', 'keep_every_case') AND tgenabled = 'O';
