#!/usr/bin/env bash
# The admin of a new service: a user and an API key. See --help.
set -euo pipefail

usage() {
    cat <<'END'
Usage: scripts/init_db.sh EMAIL TIER [--new-key] [--wait-seconds N]

See that there is an active admin with this e-mail and tier (free, pro, scale), who has
an API key. It may run any number of times, also at once: one user, one key.

  The first run   prints the key, alone on stdout. Keep it: nobody can show it again.
  Later runs      print what they found or changed, and make no second key:
                  `exists, tier scale (unchanged)`, `exists, tier free -> scale`, or
                  `exists, role user -> admin, tier scale (unchanged)`: an existing user
                  of this e-mail becomes an admin, and is switched on.

  --new-key         make one more key; again it is alone on stdout, the rest on stderr
  --wait-seconds N  wait so long for the service's first start (default: 30)
  --                what follows is no option: for an e-mail that begins with a dash

It reads DATABASE_URL or RUNTIME_DATABASE_URL from the environment, or from .env beside
scripts/. It creates no tables: the service does, when it starts.

Exit codes: 0 done, 1 failed, 2 misused, 130 interrupted.
END
}

for word in "$@"; do
    case $word in
        --) break ;;
        -h | --help)
            usage
            exit 0
            ;;
    esac
done

called=$0
# Quoted, so that a person can paste it.
as_service="run: sudo -u smally $(printf '%q ' "$called" "$@")"
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)

# On a server the command lies in the release, in a clone in its .venv.
for command in "$root/venv/bin/smally" "$root/.venv/bin/smally"; do
    if [[ -x $command ]]; then
        # Here lie .env and the embedded database.
        cd -- "$root"
        SMALLY_CALLED_AS=$called exec "$command" init "$@"
    fi
done

if [[ -d $root/venv && ! -x $root/venv/bin ]]; then
    echo "init_db.sh: permission denied: $root/venv; ${as_service% }" >&2
    exit 1
fi
echo "init_db.sh: there is no smally command beside it; in a clone, run: make setup" >&2
exit 1
