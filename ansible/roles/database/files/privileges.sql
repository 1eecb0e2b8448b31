-- smally_app reads and writes data, and nothing else; what the migrations create, it may
-- use at once. The tables of the history begin with _sqlx_, and it only reads those. Default
-- privileges cannot tell them apart, so a trigger takes the writes back in the very
-- transaction that creates such a table: there is no moment in which it could write there.
BEGIN;
CREATE OR REPLACE FUNCTION public.smally_guard_history() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    history text;
BEGIN
    FOR history IN
        SELECT object_identity
        FROM pg_event_trigger_ddl_commands()
        WHERE object_type = 'table' AND object_identity LIKE 'public.\_sqlx\_%'
    LOOP
        EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON %s FROM smally_app', history);
    END LOOP;
END
$$;
DROP EVENT TRIGGER IF EXISTS smally_guard_history;
CREATE EVENT TRIGGER smally_guard_history ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.smally_guard_history();

ALTER DEFAULT PRIVILEGES FOR ROLE smally
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO smally_app;
ALTER DEFAULT PRIVILEGES FOR ROLE smally
    GRANT USAGE ON SEQUENCES TO smally_app;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- What is there already, for example in a database that was restored.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO smally_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO smally_app;
SELECT format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON %s FROM smally_app', oid::regclass)
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relname LIKE '\_sqlx\_%'
    AND relkind = 'r' \gexec
COMMIT;
