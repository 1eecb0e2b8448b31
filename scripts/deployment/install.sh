#!/usr/bin/env bash
# Make venv/ in an unpacked release, from the wheels in it: no package index is asked, and
# every wheel has to have the SHA-256 that requirements.lock says.
#
#   scripts/deployment/install.sh
#
# Byte-compiled: byte code belongs to one version of Python and one place, so a tarball
# cannot hold it. It is made here, for everything in venv/, before the service can see it:
# the service's user may not write there, and would compile again at every start. It is
# made unchecked: Python then does not even ask the sources for their times.
#
# A second run does nothing. One that was killed is done again: the mark is written last.
set -euo pipefail

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

# The Python and the machine that the wheels were built for are in their names.
read_target() {
    local wheel
    for wheel in wheels/*.whl; do
        if [[ $wheel =~ -cp3([0-9]+)-cp3[0-9]+-.*_(x86_64|aarch64)\.whl$ ]]; then
            version=3.${BASH_REMATCH[1]}
            machine=${BASH_REMATCH[2]}
            return
        fi
    done
    fail 'wheels/ is not complete; unpack the tarball again'
}

find_python() {
    local python
    for python in "python$version" python3; do
        if [ "$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>&1)" = "$version" ]; then
            echo "$python"
            return
        fi
    done
    fail "this release is for Python $version, which is not here; install it, or build with --python"
}

is_done() {
    [ "$(cat venv/.installed 2>&1)" = "$mark" ] && venv/bin/python -c '' 2>/dev/null
}

install() {
    "$1" -m venv venv ||
        fail "Python's venv is needed (Debian: apt install python$version-venv)"
    venv/bin/python -m pip --isolated --disable-pip-version-check install --quiet \
        --no-index --find-links wheels --require-hashes --no-compile \
        --requirement requirements.lock
    # Also what is compiled already: that is checked against the sources' times.
    venv/bin/python -m compileall -q -f --invalidation-mode unchecked-hash venv/lib
    echo "$mark" >venv/.installed
}

case "${1---none}" in
--none) ;;
--help | -h)
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
*)
    echo "install.sh: unknown argument $1; see install.sh --help" >&2
    exit 2
    ;;
esac
cd "$(dirname "$0")/../.."
[ -e RELEASE ] || fail "$PWD is no unpacked release; build one with scripts/deployment/build.sh"
name="smally-api $(cat RELEASE)"
mark=$(sha256sum <requirements.lock)
# Two at once take turns; what is locked is the folder, so no file is left behind.
exec 9<.
flock 9
if is_done; then
    echo "install.sh: $name is installed already"
    exit 0
fi
read_target
[ "$machine" = "$(uname -m)" ] || fail "this release is for $machine, and this machine is $(uname -m)"
python=$(find_python)
umask 022
rm -rf venv
install "$python"
echo "install.sh: $name installed ($(venv/bin/python --version), $PWD/venv)"
