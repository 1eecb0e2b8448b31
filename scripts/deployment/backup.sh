#!/usr/bin/env bash
# Back up smally's database, and prove that the backup can be restored.
set -euo pipefail
umask 077
# shellcheck source=scripts/deployment/postgres.sh
source "$(dirname "$(realpath "$0")")/postgres.sh"

usage() {
    cat <<'TEXT'
Usage: backup.sh [--folder DIR] [--kind NAME] [--keep N]

Back up the database `smally`: a file of pg_dump (custom format) and its SHA-256 beside
it. Before it gets its name, the file is restored into a scratch database, and every row
of every table compared with what was there when the dump began. The path of the file is
printed on standard output.

  --folder DIR  where backups lie (/var/backups/smally)
  --kind NAME   a word for the file's name: smally-NAME-<time>.dump (manual)
  --keep N      afterwards, remove all backups of this kind but the newest N (keep all)
  --help        print this

On a server, as root: sudo /home/smally/smally-api/scripts/deployment/backup.sh
It acts as PostgreSQL's account `postgres`. With PGHOST or PGUSER, or as another user, it
connects as libpq's variables say, to a role that may create databases. PGDATABASE names
another database, PG_BIN the folder of other programs than those of the PATH.

Passwords of roles, and settings and privileges of the database itself (ALTER DATABASE …
SET, GRANT … ON DATABASE), are not in a backup: ansible/site.yml makes them.
TEXT
}

folder=/var/backups/smally
kind=manual
keep=
while [[ $# -gt 0 ]]; do
    case $1 in
    --help | -h) usage && exit ;;
    --folder | --kind | --keep)
        [[ $# -gt 1 ]] || misused "$1 needs a value; see --help"
        declare "${1#--}=$2"
        shift 2
        ;;
    *) misused "unknown argument $1; see --help" ;;
    esac
done
[[ $kind =~ ^[a-z0-9_]+$ ]] || misused "--kind is '$kind': give lowercase letters, digits and _"
[[ -z $keep || $keep =~ ^[1-9][0-9]*$ ]] || misused "--keep is '$keep': give a number from 1"
[[ -d $folder && -w $folder ]] ||
    misused "cannot write to $folder: make it, call with sudo, or name another with --folder"
folder=$(realpath "$folder")
scratch=${database}_verify_$$
dump=$folder/.$kind.partial
cd / # PostgreSQL's account may not be allowed to stand where the caller stands.

# One at a time: two would take the same name, and one's retention the other's file.
exec 9<"$folder"
flock --exclusive 9

clean_up() {
    rm --force "$dump" "$dump.sum"
    [[ -z ${scratch_made:-} ]] || drop "$scratch"
}
trap clean_up EXIT

# The dump and the comparison see one snapshot, whatever is written meanwhile. pg_dump
# writes to descriptor 3, which we opened: its account need not enter the folder.
was=$(
    sql "$database" 3>"$dump" <<SQL
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot() AS snapshot \gset
\setenv SNAPSHOT :snapshot
\setenv PROGRAM '${PG_BIN:+$PG_BIN/}pg_dump'
\setenv DATABASE '$database'
\! "\$PROGRAM" --no-password --format=custom --snapshot="\$SNAPSHOT" "\$DATABASE" >&3 || echo failed
$PLAIN_TEXT $CONTENTS
COMMIT;
SQL
) || fail "cannot read the database $database; nothing was kept"
! grep --quiet --line-regexp failed <<<"$was" || fail "pg_dump failed; nothing was kept"

scratch_made=yes
create_like "$database" "$scratch"
pg pg_restore --no-password --exit-on-error --dbname="$scratch" <"$dump" ||
    fail "the backup cannot be restored; nothing was kept"
is=$(sql "$scratch" <<<"$PLAIN_TEXT $CONTENTS")
if [[ $was != "$is" ]]; then
    diff <(echo "$was") <(echo "$is") >&2 || true
    fail "restored, the backup differs from $database (above); nothing was kept"
fi

named() { printf '%s/smally-%s-%s.dump' "$folder" "$kind" "$(date --utc +%Y%m%dT%H%M%SZ)"; }
while file=$(named) && [[ -e $file ]]; do
    sleep 0.1 # A name lasts a second.
done
sum=$(sha256sum <"$dump")
printf '%s  %s\n' "${sum%% *}" "${file##*/}" >"$dump.sum"
sync "$dump" "$dump.sum"
mv "$dump.sum" "$file.sha256" # First: a backup always has its sum.
mv "$dump" "$file"
sync "$folder"

if [[ -n $keep ]]; then
    files=("$folder/smally-$kind-"*.dump) # The times in the names sort them.
    for old in "${files[@]::$((${#files[@]} > keep ? ${#files[@]} - keep : 0))}"; do
        rm --force "$old" "$old.sha256"
        say "removed $old (--keep $keep)"
    done
fi
rows=$(awk -F '\t' '{ rows += $2 } END { print rows + 0 }' <<<"$was")
say "$(grep --count . <<<"$was" || true) tables, $rows rows, $(stat --format=%s "$file") bytes; restored and compared: the same"
echo "$file"
