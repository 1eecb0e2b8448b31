-- The two roles and the database, from whatever state.
SELECT format('CREATE ROLE %I', name)
FROM (VALUES ('smally'), ('smally_app')) AS wanted (name)
WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec
ALTER ROLE smally
    LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE smally_app
    LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;

-- The encoding is said, because a cluster that was made without a locale has none.
SELECT $$CREATE DATABASE smally OWNER smally
    TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'$$
WHERE 'smally' NOT IN (SELECT datname FROM pg_database) \gexec
ALTER DATABASE smally OWNER TO smally;
