"""Real-time facial-expression recognition for small machines.

Watch a camera, a stream, a file or the built-in demo, and look at every face as it comes::

    import fer_edge

    for observation in fer_edge.watch("demo"):
        for seen in observation.faces:
            print(observation.frame.index, seen.steady.label, round(seen.steady.confidence, 2))
        if observation.frame.index > 30:
            break

Several cameras: ``fer_edge.watch(["front=0", "door=rtsp://host/stream"])``; ``observation.frame.source`` says which.
One picture: ``fer_edge.read_image("portrait.jpg")``. A source of your own is a subclass of `Source`,
given to `watch`; a place for results of your own is a subclass of `Sink`: ``fer_edge.deliver(fer_edge.watch("demo"), sink)``.
Who showed what from when to when: ``for change in fer_edge.events("demo")``. Recordings, each frame of them:
``for observation in fer_edge.analyse("interview.mp4")``, and as a table ``fer_edge.analyse("interviews/").table()``.

Importing this package loads no inference library; a backend imports its own when it is built. It turns ONNX Runtime's telemetry
off; a program that uses ONNX Runtime itself imports this package first.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from typing import TYPE_CHECKING, Any, List

from fer_edge.version import __version__

if TYPE_CHECKING:
    from fer_edge.app.events import Events, events
    from fer_edge.app.library import deliver, read_image, watch
    from fer_edge.capture.base import Source, SourceInfo
    from fer_edge.classify.base import ExpressionClassifier
    from fer_edge.detect.base import FaceDetector
    from fer_edge.errors import FerEdgeError
    from fer_edge.pipeline.session import Session
    from fer_edge.recordings.library import Analysis, analyse
    from fer_edge.sinks.base import Sink, StreamInfo
    from fer_edge.types import (
        LABELS,
        Box,
        Expression,
        Face,
        Frame,
        Observation,
        ObservedFace,
        Rates,
        StateChange,
        Track,
    )

_HOMES = {
    "Analysis": "recordings.library",
    "Box": "types",
    "Events": "app.events",
    "Expression": "types",
    "ExpressionClassifier": "classify.base",
    "Face": "types",
    "FaceDetector": "detect.base",
    "FerEdgeError": "errors",
    "Frame": "types",
    "LABELS": "types",
    "Observation": "types",
    "ObservedFace": "types",
    "Rates": "rates",
    "RestShift": "types",
    "Session": "pipeline.session",
    "Sink": "sinks.base",
    "Source": "capture.base",
    "SourceInfo": "capture.base",
    "StateChange": "state_change",
    "StreamInfo": "sinks.base",
    "Track": "types",
    "analyse": "recordings.library",
    "deliver": "app.library",
    "events": "app.events",
    "read_image": "app.library",
    "watch": "app.library",
}

__all__ = [
    "LABELS",
    "Analysis",
    "Box",
    "Events",
    "Expression",
    "ExpressionClassifier",
    "Face",
    "FaceDetector",
    "FerEdgeError",
    "Frame",
    "Observation",
    "ObservedFace",
    "Rates",
    "RestShift",
    "Session",
    "Sink",
    "Source",
    "SourceInfo",
    "StateChange",
    "StreamInfo",
    "Track",
    "__version__",
    "analyse",
    "deliver",
    "events",
    "read_image",
    "watch",
]


# OpenCV reads this when it is loaded, and would else take 3 GB for a JPEG file of a few bytes that claims to be so large.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(1 << 26))

# A library stays silent until its user asks for its log.
logging.getLogger(__name__).addHandler(logging.NullHandler())

# ONNX Runtime reports to its maker from release 1.30 or so on, unless this stands there when it is loaded, here or in a child
# process. An empty value and 0 would let it, so whatever was there is replaced.
if "onnxruntime" in sys.modules and os.environ.get("ORT_DISABLE_TELEMETRY") != "1":
    logging.getLogger(__name__).warning(
        "onnxruntime was imported before fer_edge, so it may report to its maker: import fer_edge first, "
        "or set ORT_DISABLE_TELEMETRY=1 for the whole program"
    )
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def __getattr__(name: str) -> Any:
    """Load a public name from its module when it is first used, so that importing the package stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'fer_edge' has no attribute '{name}'")
    return getattr(importlib.import_module(f"fer_edge.{_HOMES[name]}"), name)


def __dir__() -> List[str]:
    """Return the public names."""
    return sorted(__all__)
