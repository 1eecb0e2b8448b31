#!/usr/bin/env bash
# Put smally's database back to a backup, after saying what that loses.
set -euo pipefail
umask 077
# shellcheck source=scripts/deployment/postgres.sh
source "$(dirname "$(realpath "$0")")/postgres.sh"

usage() {
    cat <<'TEXT'
Usage: restore.sh [--dry-run] [--yes] [--leave-stopped | --no-service] FILE

Put the database `smally` back to a backup of backup.sh. First the checksum is compared,
the backup restored into a database beside the live one, and printed what going back
loses: rows that the backup does not have, rows that it has otherwise, columns. Then it
asks. The service is stopped, the two databases change names, and the service started;
the database as it was stays as smally_before_<time>.

  --dry-run        print what would be lost, and change nothing
  --yes            do not ask
  --leave-stopped  do not start the service: to go back to an older release first
  --no-service     leave the service alone
  --help           print this

The live release applies at its start what the backup lacks. To go back behind a
migration: restore with --leave-stopped, then run ansible/rollback.yml.

On a server, as root: sudo /home/smally/smally-api/scripts/deployment/restore.sh FILE
As for backup.sh, libpq's variables and PG_BIN say which PostgreSQL is meant.
TEXT
}

ask=yes
service=start
dry=
file=
while [[ $# -gt 0 ]]; do
    case $1 in
    --help | -h) usage && exit ;;
    --dry-run) dry=yes ;;
    --yes) ask= ;;
    --leave-stopped) service=stop ;;
    --no-service) service= ;;
    -*) misused "unknown option $1; see --help" ;;
    *)
        [[ -z $file ]] || misused "one FILE at a time; see --help"
        file=$1
        ;;
    esac
    shift
done
[[ -n $file ]] || misused "give the FILE to restore; see --help"
[[ -f $file && -r $file ]] || misused "cannot read $file: name a backup, or call with sudo"
[[ -f $file.sha256 ]] || misused "$file.sha256 is missing: a backup has its checksum beside it"
[[ -n $dry || -z $ask || -t 0 ]] || misused "no terminal to ask on; say --yes, or look with --dry-run"
file=$(realpath "$file")
(cd "$(dirname "$file")" && sha256sum --check --status "${file##*/}.sha256") ||
    fail "$file does not have the checksum in $file.sha256; nothing was changed"

time=$(date --utc +%Y%m%dt%H%M%Sz)
restored=${database}_restore_$time
before=${database}_before_$time
work=$(mktemp --directory)
cd / # PostgreSQL's account may not be allowed to stand where the caller stands.

clean_up() {
    rm --recursive --force "$work"
    [[ -z ${restored_made:-} ]] || drop "$restored"
    [[ -z ${closed:-} ]] || open_to_all "$database"
    [[ -z ${stopped:-} ]] || systemctl start smally
}
trap clean_up EXIT

open_to_all() {
    sql postgres --set=name="$1" <<<'ALTER DATABASE :"name" ALLOW_CONNECTIONS true'
}

# One line for each row: its table, its primary key as JSON, and a sum of its text, which
# stands for the key where there is none.
rows_of() {
    sql "$1" <<SQL | LC_ALL=C sort
$PLAIN_TEXT
SELECT format(
    'SELECT %L, %s, md5(t::text) FROM ONLY %I.%I AS t',
    nspname || '.' || relname,
    coalesce(
        (SELECT format('jsonb_build_array(%s)',
            string_agg(format('t.%I', attname), ', ' ORDER BY array_position(indkey::int2[], attnum)))
        FROM pg_index JOIN pg_attribute AS a ON attrelid = indrelid AND attnum = ANY (indkey)
        WHERE indrelid = c.oid AND indisprimary),
        'md5(t::text)'),
    nspname, relname)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
WHERE relkind = 'r' AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
\\gexec
SQL
}

# One line for each column: its table, its name and its type.
columns_of() {
    sql "$1" <<'SQL' | LC_ALL=C sort
SELECT nspname || '.' || relname, attname, format_type(atttypid, atttypmod)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
    JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
WHERE relkind = 'r' AND nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
SQL
}

# What the first file has and the second has not; both are sorted.
only_in_first() {
    LC_ALL=C comm -23 "$1" "$2"
}

# A table: rows now, rows in the backup, rows that will be lost, rows that will change;
# then the keys of the first five lost rows of each table, and the lost columns.
report_losses() {
    local side
    for side in now backup; do
        local name=$database
        [[ $side == now ]] || name=$restored
        rows_of "$name" >"$work/$side"
        columns_of "$name" >"$work/$side.columns"
        cut --fields=1,2 "$work/$side" | LC_ALL=C sort >"$work/$side.keys"
    done
    only_in_first "$work/now" "$work/backup" >"$work/other"
    only_in_first "$work/now.keys" "$work/backup.keys" >"$work/lost"
    awk -F '\t' '
        FILENAME ~ /now$/ { now[$1]++; tables[$1] }
        FILENAME ~ /backup$/ { backup[$1]++; tables[$1] }
        FILENAME ~ /other$/ { other[$1]++ }
        FILENAME ~ /lost$/ { lost[$1]++ }
        END {
            for (name in tables)
                printf "%s\t%d\t%d\t%d\t%d\n", name, now[name], backup[name], \
                    lost[name], other[name] - lost[name]
        }' "$work/now" "$work/backup" "$work/other" "$work/lost" |
        LC_ALL=C sort >"$work/table"
    printf '%-32s %10s %10s %10s %10s\n' table now backup lost changed
    while IFS=$'\t' read -r name rows; do
        # shellcheck disable=SC2086 # Four numbers.
        printf '%-32s %10d %10d %10d %10d\n' "$name" $rows
    done <"$work/table"
    awk -F '\t' '
        { count[$1]++; if (count[$1] <= 5) keys[$1] = keys[$1] " " $2 }
        END { for (name in count) print "lost from " name ":" keys[name] \
            (count[name] > 5 ? " and " count[name] - 5 " more" : "") }
    ' "$work/lost" | LC_ALL=C sort
    only_in_first "$work/now.columns" "$work/backup.columns" |
        awk -F '\t' '{ print "lost column: " $1 "." $2 " (" $3 ")" }'
}

# The two change names in one transaction; nobody may come in between.
swap() {
    closed=yes
    sql postgres --set=live="$database" --set=before="$before" --set=new="$restored" >"$work/ended" <<'SQL'
ALTER DATABASE :"live" ALLOW_CONNECTIONS false;
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :'live';
BEGIN;
ALTER DATABASE :"live" RENAME TO :"before";
ALTER DATABASE :"new" RENAME TO :"live";
COMMIT;
SQL
    closed=
    restored_made=
    open_to_all "$before"
}

restored_made=yes
create_like "$database" "$restored"
pg pg_restore --no-password --exit-on-error --dbname="$restored" <"$file" ||
    fail "$file cannot be restored; nothing was changed"
report_losses
[[ -z $dry ]] || exit 0
if [[ -n $ask ]]; then
    read -r -p "Go back to ${file##*/}, and lose that? Type yes: " answer
    [[ $answer == yes ]] || fail "not confirmed; nothing was changed"
fi

if [[ -n $service ]]; then
    systemctl stop smally
    stopped=yes # Until the swap has happened, the service comes back whatever fails.
fi
swap
stopped=
say "$database is as it was in $file; as it was before, it is kept as $before"
case $service in
start)
    systemctl reset-failed smally
    systemctl start smally || fail "the service does not start: sudo journalctl -u smally -n 50"
    say "the service is ready"
    ;;
stop) say "the service is stopped: run ansible/rollback.yml, or start it with: sudo systemctl start smally" ;;
esac
