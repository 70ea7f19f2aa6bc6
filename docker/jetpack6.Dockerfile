# fer-edge on a Jetson Orin with JetPack 6: see below how to build it.
# Build it on the board, or on a PC that emulates 64-bit Arm; docker/README.md tells how to run it.
#
# CUDA 12.6, cuDNN and TensorRT 10.3 are in the base; the GPU's driver comes from the board, through --runtime nvidia.
#
# The bases have no default: name them by their digests. scripts/pin-bases asks NVIDIA's registry, and writes docker/.env for
# compose:
#     docker build -f docker/jetpack6.Dockerfile --build-arg BUILD_BASE="$(scripts/pin-bases JETPACK6_BUILD_BASE)" \
#         --build-arg BASE="$(scripts/pin-bases JETPACK6_BASE)" -t fer-edge .
ARG BUILD_BASE
ARG BASE

FROM ${BUILD_BASE} AS build
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential curl python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*
# TensorRT's Python package is JetPack's own: it is taken from the large image, its libraries are in the small one.
RUN python3 -m venv /opt/fer-edge \
    && cp -r /usr/lib/python3.10/dist-packages/tensorrt* /opt/fer-edge/lib/python3.10/site-packages/
WORKDIR /source
COPY requirements requirements
COPY pyproject.toml README.md LICENSE ./
COPY fer_edge fer_edge
COPY models models
COPY systemd systemd
ENV PATH=/usr/local/cuda/bin:$PATH
RUN requirements/install /opt/fer-edge/bin/python jetpack6 --leave-out onnxruntime --leave-out opencv-python \
        --wheels jetpack6 \
    && /opt/fer-edge/bin/python -m pip uninstall --yes hatchling pathspec pluggy tomlkit trove-classifiers setuptools wheel pip

FROM ${BASE}
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        python3 libglib2.0-0 gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
    && rm -rf /var/lib/apt/lists/*
# Cameras and GPU belong to the group video, which is 44 on Ubuntu, in the container as outside.
RUN useradd --uid 10001 --groups video --create-home fer-edge \
    && install -d -o fer-edge -g fer-edge /cache/fer-edge /results
COPY --from=build /opt/fer-edge /opt/fer-edge
ENV PATH=/opt/fer-edge/bin:$PATH \
    FER_EDGE_DISPLAY=none \
    FER_EDGE_LISTEN=127.0.0.1:8650 \
    ORT_DISABLE_TELEMETRY=1 \
    XDG_CACHE_HOME=/cache
USER 10001
WORKDIR /results
VOLUME ["/cache", "/results"]
HEALTHCHECK --interval=30s --timeout=5s --start-period=10m --retries=3 CMD ["fer-edge", "health"]
ENTRYPOINT ["fer-edge"]
CMD ["--output", "-"]
