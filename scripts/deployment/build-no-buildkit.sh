#!/usr/bin/env bash
# Build the release of the committed tree in containers, with the classic builder: the
# image smally-api:<release>, dist/smally-api-<release>-linux-<machine>.tar.gz, and its
# line in dist/SHA256SUMS; the tarball's name is printed on stdout.
#
#   scripts/deployment/build-no-buildkit.sh [--python 3.11]
#   BASE_IMAGE=localhost/debian scripts/deployment/build-no-buildkit.sh
#
# Takes docker (DOCKER_BUILDKIT=0) when its daemon answers, else podman, else buildah, and
# says which. Needs git, Python 3.11 or later (Debian: python3-venv) and a package index
# or pip's cache to fetch the wheels; nothing is fetched inside: the containers have no
# network. BASE_IMAGE is the Dockerfile's. build.sh makes the same tarball, byte for byte,
# with no container tool.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=build-common.sh
source "$(dirname "$0")/build-common.sh"

export DOCKER_BUILDKIT=0
# OCI's own format of images has no health check.
export BUILDAH_FORMAT=docker
# Root may have no right to make containers, as in a container; a chroot will do to build.
if [ "$(id -u)" = 0 ]; then
    export BUILDAH_ISOLATION=${BUILDAH_ISOLATION-chroot}
fi

choose_tool() {
    # The client alone is not enough: it needs a daemon.
    if command -v docker >/dev/null && docker version >/dev/null 2>&1; then
        tool=docker
    elif command -v podman >/dev/null; then
        tool=podman
    elif command -v buildah >/dev/null; then
        tool=buildah
    else
        fail "no docker with a daemon, no podman, no buildah here; scripts/deployment/build.sh needs none"
    fi
    say "taking $tool ($(command -v $tool))"
}

# The base comes first, while there is a network; docker's daemon has one all the time.
fetch_base() {
    base=${BASE_IMAGE-python:$python_version-slim-bookworm}
    if [ "$tool" != docker ] && ! "$tool" inspect --type image "$base" >/dev/null 2>&1; then
        "$tool" pull "$base" >&2
    fi
}

# Build the Dockerfile with the options of the tool, and no network inside.
build() {
    local command=("$tool" build --network none)
    if [ "$tool" != docker ]; then
        command+=(--layers)
        # This isolation leaves the network as it is, so it is taken away around it.
        if [ "${BUILDAH_ISOLATION-}" = chroot ]; then
            command=(unshare --net "$tool" build --network host --layers)
        fi
    fi
    "${command[@]}" --file Dockerfile "$@" \
        --build-arg "BASE_IMAGE=$base" \
        --build-arg "RELEASE=$release" --build-arg "REVISION=$revision" \
        --build-arg "SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH" . >&2
}

# Take the tarball out of the stage that has nothing else.
take_tarball() {
    if [ "$tool" != docker ]; then
        build --target tarball --output "type=local,dest=$work/out"
        return
    fi
    local container
    build --target tarball --tag "$image-tarball"
    container=$(docker create "$image-tarball" none)
    docker cp "$container:/." "$work/out" >&2
    docker rm "$container" >&2
    docker rmi "$image-tarball" >&2
}

read_options "$@"
choose_tool
fetch_base
take_commit
cd "$work/tree"
# A tag may have no plus sign.
image=smally-api:${release/+/-}
take_tarball
build --tag "$image"
say "made the image $image"
publish
