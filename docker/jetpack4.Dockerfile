# fer-edge on a Jetson Nano with JetPack 4.6.1 or newer (L4T r32.7): see below how to build it.
# Build it on the board, or on a PC that emulates 64-bit Arm; docker/README.md tells how to run it.
#
# CUDA 10.2, cuDNN and TensorRT 8.2.1 are in the base; the GPU's driver comes from the board, through --runtime nvidia.
#
# The base has no default: name it by its digest. scripts/pin-bases asks NVIDIA's registry, and writes docker/.env for compose:
#     docker build -f docker/jetpack4.Dockerfile --build-arg BASE="$(scripts/pin-bases JETPACK4_BASE)" -t fer-edge .
ARG BASE

FROM ${BASE} AS build
# pycuda is compiled against CUDA's headers, which NVIDIA's package source for JetPack has. The base's own list of sources names
# a key that is no longer valid.
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENV DEBIAN_FRONTEND=noninteractive
RUN rm -f /etc/apt/sources.list.d/cuda.list /etc/apt/sources.list.d/nvidia*.list \
    && apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl gnupg build-essential python3.8-dev python3.8-venv \
    && curl -fsSL https://repo.download.nvidia.com/jetson/jetson-ota-public.asc | apt-key add - \
    && echo "deb https://repo.download.nvidia.com/jetson/common r32.7 main" > /etc/apt/sources.list.d/jetson.list \
    && apt-get update \
    && apt-get install -y --no-install-recommends cuda-toolkit-10-2 \
    && rm -rf /var/lib/apt/lists/*
RUN python3.8 -m venv /opt/fer-edge
WORKDIR /source
COPY requirements requirements
COPY pyproject.toml README.md LICENSE ./
COPY fer_edge fer_edge
COPY models models
COPY systemd systemd
ENV OPENBLAS_CORETYPE=ARMV8 \
    PATH=/usr/local/cuda-10.2/bin:$PATH
# --build-arg FETCH=--allow-mirror takes NVIDIA's files from a third party, with the same hashes, where NVIDIA does not give them.
ARG FETCH=
# hadolint ignore=SC2086
RUN requirements/install /opt/fer-edge/bin/python jetpack4 --leave-out onnxruntime --leave-out opencv-python \
        --wheels jetpack4 $FETCH \
    && /opt/fer-edge/bin/python -m pip uninstall --yes hatchling pathspec pluggy tomlkit trove-classifiers setuptools wheel pip

FROM ${BASE}
ENV DEBIAN_FRONTEND=noninteractive
RUN rm -f /etc/apt/sources.list.d/cuda.list /etc/apt/sources.list.d/nvidia*.list \
    && apt-get update \
    && apt-get install -y --no-install-recommends \
        python3.8 libglib2.0-0 gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
    && rm -rf /var/lib/apt/lists/*
# Cameras and GPU belong to the group video, which is 44 on Ubuntu, in the container as outside.
RUN useradd --uid 10001 --groups video --create-home fer-edge \
    && install -d -o fer-edge -g fer-edge /cache/fer-edge /results
COPY --from=build /opt/fer-edge /opt/fer-edge
# numpy 1.19.5 ends with "Illegal instruction" on a Nano without OPENBLAS_CORETYPE; no other version minds.
ENV PATH=/opt/fer-edge/bin:$PATH \
    OPENBLAS_CORETYPE=ARMV8 \
    FER_EDGE_DISPLAY=none \
    FER_EDGE_LISTEN=127.0.0.1:8650 \
    ORT_DISABLE_TELEMETRY=1 \
    XDG_CACHE_HOME=/cache
USER 10001
WORKDIR /results
VOLUME ["/cache", "/results"]
# TensorRT may take minutes for its first engine.
HEALTHCHECK --interval=30s --timeout=10s --start-period=15m --retries=3 CMD ["fer-edge", "health"]
ENTRYPOINT ["fer-edge"]
CMD ["--output", "-"]
