# What build.sh and build-no-buildkit.sh share: they source this file.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
me=${0##*/}
python_version=3.11  # Debian 12's.

fail() {
    echo "$me: $*" >&2
    exit 1
}

say() { echo "$me: $*" >&2; }

read_options() {
    while [ $# -gt 0 ]; do
        case $1 in
        --help | -h)
            # The comment at the head of the script that was called.
            sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$root/scripts/deployment/$me"
            exit 0
            ;;
        --python)
            [[ ${2-} =~ ^3\.[0-9]+$ ]] || misuse 'give --python a version, as in --python 3.11'
            python_version=$2
            shift 2
            ;;
        *) misuse "unknown argument $1; see $me --help" ;;
        esac
    done
}

misuse() {
    say "$@"
    exit 2
}

# Name the release, and lay out the committed tree with all wheels in a folder that goes
# at the end: $work/tree.
take_commit() {
    refuse_changes
    release=$(release_name)
    revision=$(git_here rev-parse HEAD)
    SOURCE_DATE_EPOCH=$(git_here show --no-patch --format=%ct HEAD)
    export SOURCE_DATE_EPOCH
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir "$work/tree" "$work/out"
    git_here archive HEAD | tar --extract --directory "$work/tree"
    say "building smally-api $release for Python $python_version"
    download_wheels "$work/tree/build"
}

git_here() { git -C "$root" "$@"; }

# What is built is what was committed, and nothing else.
refuse_changes() {
    git_here rev-parse --quiet --verify HEAD >/dev/null || fail "$root is no git checkout"
    local changes
    changes=$(git_here status --porcelain --untracked-files=all)
    [ -z "$changes" ] || fail "commit these first, or put them away:"$'\n'"$changes"
}

# X.Y.Z when that is what the commit is tagged, else X.Y.Z+<commits>.g<commit>.
release_name() {
    local version commit
    version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' \
        "$root/packages/sqlx-py/src/sqlx/version.py")
    commit=$(git_here rev-parse HEAD)
    if git_here tag --points-at HEAD | grep --quiet --line-regexp --fixed-strings "v$version"; then
        echo "$version"
    else
        echo "$version+$(git_here rev-list --count HEAD).g${commit:0:7}"
    fi
}

# Nothing after this needs a package index. What is chosen depends on the locks alone: pip
# is told the target, since the Python that runs here may be another.
download_wheels() {
    local target=(--python-version "$python_version" --implementation cp) minor
    for minor in {36..17}; do
        target+=(--platform "manylinux_2_${minor}_$(uname -m)")
    done
    target+=(--platform "manylinux2014_$(uname -m)")
    python3 -m venv "$work/pip" || fail 'python3 with venv is needed (Debian: python3-venv)'
    download "$1/wheels" "$work/tree/requirements.lock" "${target[@]}"
    download "$1/tools" "$work/tree/scripts/deployment/build.lock" "${target[@]}"
}

download() {
    local folder=$1 lock=$2
    shift 2
    "$work/pip/bin/python" -m pip --disable-pip-version-check download --quiet \
        --require-hashes --no-deps --only-binary :all: "$@" \
        --dest "$folder" --requirement "$lock" >&2 ||
        fail "no wheels for all of ${lock##*/} (Python $python_version, $(uname -m))"
}

# Move the tarball from $work/out to dist/, note its sum, and print its name.
publish() {
    local tarball=smally-api-$release-linux-$(uname -m).tar.gz
    mkdir -p "$root/dist"
    cd "$root/dist"
    mv "$work/out/$tarball" .
    touch SHA256SUMS
    grep --invert-match --fixed-strings "  $tarball" SHA256SUMS >"$work/sums" || true
    sha256sum "$tarball" >>"$work/sums"
    mv "$work/sums" SHA256SUMS
    say "$(tail -n 1 SHA256SUMS | cut -c1-64), $(du -h "$tarball" | cut -f1)"
    echo "dist/$tarball"
}
