# fer-edge on a PC, without a window: docker build -f docker/pc.Dockerfile -t fer-edge .
# With an NVIDIA GPU add --build-arg FLAVOUR=headless-gpu; docker/README.md tells how to run it.
#
# The base is named by its digest, as the public registry gave it for this tag; scripts/pin-bases asks for today's.
ARG BASE=python:3.12-slim-bookworm@sha256:54c85f3c47607a77f32adec749d3c81d1348bf25833671f512b26a9b6d778cb3

FROM ${BASE} AS build
ARG FLAVOUR=headless
RUN python3 -m venv /opt/fer-edge
WORKDIR /source
COPY requirements requirements
COPY pyproject.toml README.md LICENSE ./
COPY fer_edge fer_edge
COPY models models
COPY systemd systemd
# Where there is no lock of that flavour, the build ends. What only the installation needs goes again.
RUN requirements/install /opt/fer-edge/bin/python "pc-${FLAVOUR}" \
    && /opt/fer-edge/bin/python -m pip uninstall --yes hatchling pathspec pluggy tomlkit trove-classifiers setuptools wheel pip

FROM ${BASE}
# Cameras belong to the group video, which is 44 on Debian and Ubuntu, in the container as outside.
RUN useradd --uid 10001 --groups video --create-home fer-edge \
    && install -d -o fer-edge -g fer-edge /cache/fer-edge /results
COPY --from=build /opt/fer-edge /opt/fer-edge
# NVIDIA's container runtime reads the last two; elsewhere they mean nothing.
ENV PATH=/opt/fer-edge/bin:$PATH \
    FER_EDGE_DISPLAY=none \
    FER_EDGE_LISTEN=127.0.0.1:8650 \
    ORT_DISABLE_TELEMETRY=1 \
    XDG_CACHE_HOME=/cache \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001
WORKDIR /results
VOLUME ["/cache", "/results"]
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["fer-edge", "health"]
ENTRYPOINT ["fer-edge"]
CMD ["--output", "-"]
