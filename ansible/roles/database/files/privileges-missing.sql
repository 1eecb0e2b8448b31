-- A line for each thing that privileges.sql would put right, in the database smally.
SELECT 'default privileges on ' || name
FROM (VALUES
    ('tables', 'r', '{SELECT,INSERT,UPDATE,DELETE}'::text[]),
    ('sequences', 'S', '{USAGE}')) AS wanted (name, kind, privileges)
WHERE NOT EXISTS (
    SELECT FROM pg_default_acl, aclexplode(defaclacl)
    WHERE pg_get_userbyid(defaclrole) = 'smally' AND defaclnamespace = 0
        AND defaclobjtype::text = kind AND pg_get_userbyid(grantee) = 'smally_app'
    HAVING array_agg(privilege_type) @> privileges)
UNION ALL
SELECT 'the guard of the history'
WHERE NOT EXISTS (
    SELECT FROM pg_event_trigger
    WHERE evtname = 'smally_guard_history' AND evtenabled = 'O')
UNION ALL
SELECT 'data of ' || oid::regclass
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    AND relname NOT LIKE '\_sqlx\_%'
    AND NOT (has_table_privilege('smally_app', oid, 'SELECT')
        AND has_table_privilege('smally_app', oid, 'INSERT')
        AND has_table_privilege('smally_app', oid, 'UPDATE')
        AND has_table_privilege('smally_app', oid, 'DELETE'))
UNION ALL
SELECT 'writes to ' || oid::regclass
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relname LIKE '\_sqlx\_%'
    AND relkind = 'r'
    AND has_table_privilege('smally_app', oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
UNION ALL
SELECT 'tables made by everybody'
WHERE has_schema_privilege('smally_app', 'public', 'CREATE');
