# fer-edge on a Jetson Orin with JetPack 6: docker build -f docker/jetpack6.Dockerfile -t fer-edge .
# Build it on the board, or on a PC that emulates 64-bit Arm; docker/README.md tells how to run it.
#
# CUDA 12.6, cuDNN and TensorRT 10.3 are in the base; the GPU's driver comes from the board, through --runtime nvidia.
ARG BUILD_BASE=nvcr.io/nvidia/l4t-jetpack:r36.4.0
ARG BASE=nvcr.io/nvidia/l4t-tensorrt:r10.3.0-runtime

FROM ${BUILD_BASE} AS build
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*
# TensorRT's Python package is JetPack's own: it is taken from the large image, its libraries are in the small one.
RUN python3 -m venv /opt/fer-edge \
    && cp -r /usr/lib/python3.10/dist-packages/tensorrt* /opt/fer-edge/lib/python3.10/site-packages/
WORKDIR /source
COPY requirements requirements
COPY pyproject.toml README.md LICENSE ./
COPY fer_edge fer_edge
COPY models models
ENV PATH=/usr/local/cuda/bin:$PATH
RUN /opt/fer-edge/bin/python -m pip install --no-cache-dir --upgrade 'pip>=23' \
    && /opt/fer-edge/bin/python -m pip install --no-cache-dir --requirement requirements/jetpack6.txt \
        --requirement requirements/jetpack6-onnxruntime.txt ".[headless-gpu,jetson]" \
    && /opt/fer-edge/bin/python -m pip uninstall --yes pip

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
