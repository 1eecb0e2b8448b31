-- Names that hide the catalog's, in a schema that stands before it.
CREATE FUNCTION wrong() RETURNS text LANGUAGE plpgsql AS
    $$BEGIN RAISE 'misled'; END$$;
CREATE FUNCTION json_agg(anyelement) RETURNS json LANGUAGE sql AS $$SELECT '[]'::json$$;
CREATE FUNCTION json_build_array(VARIADIC anyarray) RETURNS json
    LANGUAGE sql AS $$SELECT '[]'::json$$;
CREATE FUNCTION format_type(oid, int) RETURNS text LANGUAGE sql AS $$SELECT wrong()$$;
CREATE FUNCTION set_config(text, text, boolean) RETURNS text
    LANGUAGE sql AS $$SELECT wrong()$$;
CREATE FUNCTION unnest(anyarray) RETURNS SETOF anyelement
    LANGUAGE sql AS $$SELECT NULL WHERE wrong() IS NULL$$;
CREATE FUNCTION never(oid, oid) RETURNS boolean LANGUAGE sql AS $$SELECT false$$;
CREATE OPERATOR = (LEFTARG = oid, RIGHTARG = oid, FUNCTION = never);
CREATE TABLE pg_type (oid oid);
CREATE TABLE pg_attribute (attrelid oid);
CREATE TABLE pg_enum (enumtypid oid);
CREATE TABLE pg_range (rngtypid oid);
CREATE TABLE pg_settings (name text);
CREATE DOMAIN int8 AS pg_catalog.text;
CREATE DOMAIN oid AS pg_catalog.text;
CREATE DOMAIN regclass AS pg_catalog.text;
CREATE DOMAIN regtype AS pg_catalog.text;
