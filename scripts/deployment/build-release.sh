#!/usr/bin/env bash
# The steps of a build that build.sh and the Dockerfile share. They run in a tree of
# committed files with the downloaded wheels in build/, and need no network.
#
#   build-release.sh assemble RELEASE FOLDER   all that is released, and its venv/
#   build-release.sh check FOLDER              the queries against .sqlx/ and migrations/
#   build-release.sh pack FOLDER OUT           the tarball, without venv/
#
# SOURCE_DATE_EPOCH is the commit's time.
set -euo pipefail

main() {
    case "${1-} $#" in
    'assemble 3') assemble "$2" "$3" ;;
    'check 2') check "$2" ;;
    'pack 3') pack "$2" "$3" ;;
    *)
        sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
    esac
}

assemble() {
    local folder=$2
    mkdir -p "$folder/scripts/deployment"
    echo "$1" >"$folder/RELEASE"
    cp -R build/wheels migrations .sqlx sqlx.toml docs requirements.lock "$folder"
    find scripts -name '*.sh' ! -name 'build*' -exec cp {} "$folder/{}" \;
    # Wheels of nothing but Python need not be installed to be imported.
    PYTHONPATH=$(printf '%s:' "$PWD"/build/tools/*.whl) \
        python3 scripts/deployment/build-wheels "$folder/wheels" >>"$folder/requirements.lock"
    if ! "$folder/scripts/deployment/install.sh" >&2; then
        echo 'build-release.sh: what is shipped cannot be installed; if requirements.lock lacks something, run scripts/lock and commit it' >&2
        exit 1
    fi
}

check() {
    # Without this file nothing says which migrations the cache was made with.
    if [ ! -e .sqlx/python/prepared.json ]; then
        echo '.sqlx/python/prepared.json:1:1: error: it is missing; run `sqlx prepare`' >&2
        exit 1
    fi
    # First in the repository, so that a fault is shown with its place there.
    PYTHONPATH=src "$1/venv/bin/sqlx" check >&2
    cd "$1"
    venv/bin/sqlx check >&2
}

pack() {
    local release
    release=$(cat "$1/RELEASE")
    mkdir -p "$2"
    tar --create --directory "$1" --exclude=./venv --format=gnu --sort=name \
        --owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' \
        --mtime="@$SOURCE_DATE_EPOCH" --transform="s,^\.,smally-api-$release," . |
        gzip --no-name --best >"$2/smally-api-$release-linux-$(uname -m).tar.gz"
}

main "$@"
