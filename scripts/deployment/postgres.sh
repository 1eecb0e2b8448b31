# shellcheck shell=bash
# What backup.sh and restore.sh share: how they reach PostgreSQL, and how they look at a
# database. It is sourced, never run.

database=${PGDATABASE:-smally}

say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# Say what is wrong and the mend, and end with 2: the call was wrong, nothing was done.
misused() {
    say "$*"
    exit 2
}

# Say what is wrong, and end with 1.
fail() {
    say "$*"
    exit 1
}

# Run a program of PostgreSQL. On a server it is root who calls, and PostgreSQL's own
# account may do all of it without a password. Everybody else, and whoever sets PGHOST or
# PGUSER, connects as libpq's variables say.
pg() {
    local program=${PG_BIN:+$PG_BIN/}$1
    shift
    if [[ $EUID -eq 0 && -z ${PGHOST:-}${PGUSER:-} ]]; then
        runuser --user postgres -- "$program" "$@"
    else
        "$program" "$@"
    fi
}

# Run the SQL on standard input in a database; a line a row, a tab between columns.
sql() {
    pg psql --no-psqlrc --no-password --quiet --tuples-only --no-align \
        --field-separator=$'\t' --set=ON_ERROR_STOP=1 --dbname="$1" "${@:2}"
}

# Make an empty database for the same owner, in the same encoding and collation.
create_like() {
    sql postgres --set=model="$1" --set=name="$2" <<'SQL'
SELECT format(
    'CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L',
    :'name', pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype)
FROM pg_database
WHERE datname = :'model' \gexec
SQL
}

drop() {
    pg dropdb --no-password --if-exists --force "$1"
}

# Text of a row must not depend on settings that one database has and another has not.
PLAIN_TEXT="
SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'postgres';
SET extra_float_digits = 1; SET bytea_output = 'hex'; SET search_path = pg_catalog;"

# One line for each table: its name, its rows, and a sum over the text of all of them,
# which two databases share only when they hold the same.
CONTENTS="
SELECT format(
    \$\$SELECT %L, count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)
    FROM ONLY %I.%I AS t\$\$, nspname || '.' || relname, nspname, relname)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
WHERE relkind = 'r' AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
ORDER BY nspname, relname \\gexec"
