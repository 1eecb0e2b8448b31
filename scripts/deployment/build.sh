#!/usr/bin/env bash
# Build the release of the committed tree: dist/smally-api-<release>-linux-<machine>.tar.gz
# and its line in dist/SHA256SUMS; the tarball's name is printed on stdout.
#
#   scripts/deployment/build.sh [--python 3.11]
#
# Needs git, the Python of the servers (3.11 unless told otherwise; Debian: python3-venv)
# and a package index or pip's cache. Needs no container tool: build-no-buildkit.sh does
# the same in one, and makes the same bytes. The same commit gives the same bytes, here
# and elsewhere.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=build-common.sh
source "$(dirname "$0")/build-common.sh"

read_options "$@"
take_commit
cd "$work/tree"
build=scripts/deployment/build-release.sh
"$build" assemble "$release" "$work/release"
SQLX_OFFLINE=true "$build" check "$work/release"
"$build" pack "$work/release" "$work/out"
publish
