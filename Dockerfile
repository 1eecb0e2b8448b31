# smally's image, and in its stage `tarball` what servers are given. It is built by
# scripts/deployment/build-no-buildkit.sh, whose context is the committed tree with every
# wheel in build/: no step needs a network. Any builder will do, the classic one too.
#
# BASE_IMAGE is a Debian or Ubuntu with Python of the version that the wheels are for, and
# its venv: python:3.11-slim-bookworm, or debian:bookworm with python3 and python3-venv.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM $BASE_IMAGE AS build
ARG RELEASE
ARG SOURCE_DATE_EPOCH
WORKDIR /src
COPY . .
RUN scripts/deployment/build-release.sh assemble "$RELEASE" /home/smally/smally-api
# `sqlx check`, with the committed .sqlx/ in place of a database: a query, the cache and
# the migrations have to agree, or the build ends here with the file and its line.
ENV SQLX_OFFLINE=true
RUN scripts/deployment/build-release.sh check /home/smally/smally-api
RUN scripts/deployment/build-release.sh pack /home/smally/smally-api /out
# The image has what was installed; what it was installed from is in the tarball.
RUN rm -r /home/smally/smally-api/wheels

FROM scratch AS tarball
COPY --from=build /out /

FROM $BASE_IMAGE
ARG RELEASE
ARG REVISION
LABEL org.opencontainers.image.title="smally-api" \
      org.opencontainers.image.version="$RELEASE" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin smally
# It is root's: the service can read it, and change nothing of it.
COPY --from=build /home/smally /home/smally
WORKDIR /home/smally/smally-api
ENV PATH=/home/smally/smally-api/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    SMALLY_HOST=0.0.0.0 \
    SMALLY_PORT=8000
USER smally
EXPOSE 8000
# /health/live, not /health/ready: a database that is away is no reason to start a
# container anew. Migrations run before the first answer, and may take their time.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10m --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"SMALLY_PORT\"]}/health/live', timeout=4)"]
CMD ["smally", "serve"]
