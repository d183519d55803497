# micropkgd in a container: beside the project as a sidecar, before it as an init container, or as a job.
# How it is built and run, and what it may write: docs/deploy.md.
#
# BASE is any image with Python 3.11 or later as `python3`, with venv and ensurepip; both stages use it.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
# What is installed beside: `keyring`, or nothing.
ARG EXTRAS=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1
WORKDIR /build
COPY pyproject.toml README.md LICENSE requirements-dev.lock ./
COPY micropkgd micropkgd
# pip itself stays in this stage. An index of one's own: `--secret id=pip,src=pip.conf`, which no layer keeps.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python3 -m venv /tools \
    && /tools/bin/pip wheel --no-deps --wheel-dir /wheels . \
    && python3 -m venv --without-pip /opt/micropkgd \
    && wheel="$(echo /wheels/micropkgd-*.whl)" \
    && /tools/bin/pip --python /opt/micropkgd/bin/python3 install --constraint requirements-dev.lock "${wheel}${EXTRAS:+[${EXTRAS}]}" \
    && /opt/micropkgd/bin/python3 -m compileall -q --invalidation-mode unchecked-hash /opt/micropkgd/lib

FROM ${BASE}
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="micropkgd" \
      org.opencontainers.image.description="Keeps the micro-packages of a Kedro project equal to what its pyproject.toml asks for" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/micropkgd /opt/micropkgd
# Any user of group 0 may write to the two volumes, as platforms that choose the user themselves expect it.
RUN mkdir -p /project /state && chown 65532:0 /project /state && chmod 0770 /project /state
# All that is not the project's lies below /state; so HOME and an account are not needed, nor is a writable /tmp.
# A pass under way has three seconds to end: the whole stop stays well below five.
ENV PATH=/opt/micropkgd/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    XDG_CACHE_HOME=/state/cache \
    XDG_CONFIG_HOME=/state/config \
    XDG_STATE_HOME=/state/state \
    MICROPKGD_SOCKET=/state/run/ctl.sock \
    MICROPKGD_DRAIN=3s
WORKDIR /project
USER 65532:0
VOLUME ["/state"]
HEALTHCHECK --interval=30s --timeout=15s --start-period=5s --retries=3 CMD ["micropkgd", "health", "--quiet"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["micropkgd"]
CMD ["reconcile", "/project"]
