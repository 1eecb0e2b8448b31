-- A line for each thing that settle.sql would put right, in the database postgres.
SELECT 'role ' || name
FROM (VALUES ('smally'), ('smally_app')) AS wanted (name)
WHERE NOT EXISTS (
    SELECT FROM pg_roles
    WHERE rolname = name AND rolcanlogin
        AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls))
UNION ALL
SELECT 'database smally'
WHERE NOT EXISTS (
    SELECT FROM pg_database
    WHERE datname = 'smally' AND pg_get_userbyid(datdba) = 'smally');
