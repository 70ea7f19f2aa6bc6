"""Starts the program with faults inside, which files in a folder switch on and off.

What cannot be had from outside is given to the program among its parts: a camera whose driver misbehaves
(the `CameraSource` is the real one), a classifier that raises, hangs or gives NaN, and a sink that sends over TCP. Everything
else, from the command line to the exit code, is the program itself.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Optional, Sequence, Tuple

import numpy as np
from nan_network import nan_network
from numpy.typing import NDArray

from fer_edge import __main__
from fer_edge.app.parts import Parts, asked_of, build_source, classifier_factory
from fer_edge.capture.base import Source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.capture.synthetic import DemoSource
from fer_edge.capture.v4l2.camera import CameraSource
from fer_edge.capture.v4l2.devices import list_devices
from fer_edge.capture.v4l2.kernel import QUERYCAP, REQBUFS
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.onnx import OnnxClassifier
from fer_edge.errors import OutputNotWritable
from fer_edge.pipeline import stage
from fer_edge.pipeline.sink_runner import SinkRunner
from fer_edge.settings import CameraSettings, Settings
from fer_edge.sinks import files
from fer_edge.sinks.base import Sink, StreamInfo
from fer_edge.sinks.jsonl import as_record
from fer_edge.types import Expression, Observation, Rates

SWITCHES = Path(os.environ["FAULT_SWITCHES"])


def on(name: str) -> bool:
    return (SWITCHES / name).exists()


def hang_while(name: str) -> None:
    while on(name):
        time.sleep(0.05)


class FaultyClassifier(ExpressionClassifier):
    """The real one, until a switch is on. ``once`` is switched off by the first call that it spoils."""

    def __init__(self, real: ExpressionClassifier) -> None:
        self._real = real
        path = SWITCHES / "nan.onnx"
        if not path.exists():
            path.write_bytes(nan_network())
        self._mad = OnnxClassifier(path)
        self.spec, self.provider, self.precision = real.spec, real.provider, real.precision

    def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
        if self._due("raise"):
            raise RuntimeError("CUDA error 719: unspecified launch failure")
        hang_while("classify-hang")
        # NaN is what the network's own arithmetic gives, so that all that looks at its answer is the real thing.
        return (self._mad if self._due("nan") else self._real).classify(crops)

    def close(self) -> None:
        self._real.close()
        self._mad.close()

    @staticmethod
    def _due(fault: str) -> bool:
        if on(f"classify-{fault}-once"):
            (SWITCHES / f"classify-{fault}-once").unlink()
            return True
        return on(f"classify-{fault}")


def faulty_classifier(settings: Settings) -> Callable[[], ExpressionClassifier]:
    real = classifier_factory(settings)

    def make() -> ExpressionClassifier:
        hang_while("build-hang")
        return FaultyClassifier(real())

    return make


class FakeCapture:
    """What cv2.VideoCapture does with a camera: the node is a file, which is gone when the camera is unplugged."""

    def __init__(self, node: str) -> None:
        self._node = node
        hang_while("open-hang")
        self._demo = DemoSource(1, CaptureSettings(width=320, height=240, fps=15))
        self._demo.open()

    def isOpened(self) -> bool:
        return os.path.exists(self._node) and not on("open-refused")

    def set(self, what: int, value: float) -> bool:
        return True

    def get(self, what: int) -> float:
        return 0.0

    def grab(self) -> bool:
        hang_while("grab-hang")
        if on("grab-nothing"):
            time.sleep(1.0)  # OpenCV's own wait for a picture
        return os.path.exists(self._node) and not on("grab-nothing") and bool(self._demo.grab())

    def retrieve(self) -> Any:
        return (False, None) if on("retrieve-nothing") else (True, self._demo.retrieve())

    def release(self) -> None:
        hang_while("release-hang")
        self._demo.close()


def answer_as_driver(descriptor: int, request: int, buffer: bytearray) -> int:
    if request == QUERYCAP:
        struct.pack_into("<16s32s32sIII", buffer, 0, b"uvcvideo", b"Webcam", b"usb", 6, 0x84A00001, 1)
    elif request != REQBUFS:
        raise OSError(errno.EINVAL, "no more modes")
    return 0


def open_file(path: str) -> int:
    if on("open-busy"):
        raise OSError(errno.EBUSY, "busy")
    return os.open(path, os.O_RDWR)


def faulty_source(settings: Settings, camera: CameraSettings, paced: bool, names: Sequence[str]) -> Source:
    """Make the real source; that of a camera on the made-up driver, in a folder in place of /dev."""
    text = next((name for name in names if os.path.exists(name)), names[0]) if names else camera.source
    if not text.isdecimal() and not text.startswith("/dev/"):
        return build_source(settings, camera, paced, names)
    return CameraSource(
        text,
        asked_of(camera, paced),
        open_capture=FakeCapture,
        opener=open_file,
        ioctl=answer_as_driver,
        list_cameras=lambda: list_devices(f"/dev/..{SWITCHES.parent}/dev", open_file, answer_as_driver),
    )


def hanging(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    """Let a call into a file system hang, as one of the network does whose server is gone."""

    def call(*arguments: Any) -> Any:
        hang_while(name)
        return real(*arguments)

    return call


class TcpSink(Sink):
    """Sends each observation as a line of JSON, as the sinks for a network do."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: Optional[socket.socket] = None

    def open(self, info: StreamInfo) -> None:
        try:
            self._connection = socket.create_connection(("127.0.0.1", self._port), timeout=2.0)
        except OSError as error:
            raise OutputNotWritable(f"The collector on port {self._port} does not answer: {error}.") from error

    def write(self, observation: Observation, rates: Rates) -> None:
        assert self._connection is not None
        try:
            self._connection.sendall(json.dumps(as_record(observation, rates)).encode() + b"\n")
        except OSError as error:
            raise OutputNotWritable(f"The collector went away: {error}.") from error

    def close(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()


def main() -> int:
    # Two minutes for a call that loads a GPU's libraries are too long for a test, and so is one for a camera that is opened.
    stage.FIRST_LIMIT = float(os.environ.get("FAULT_FIRST_LIMIT", stage.FIRST_LIMIT))
    Source.opening_limit = float(os.environ.get("FAULT_OPEN_LIMIT", Source.opening_limit))
    if "FAULT_AT_ONCE" in os.environ:
        (SWITCHES / os.environ["FAULT_AT_ONCE"]).touch()
    disks: Any = files
    disks.open_for_writing = hanging("disk-open-hang", disks.open_for_writing)
    disks.OutputFile.append = hanging("disk-hang", disks.OutputFile.append)
    port = os.environ.get("FAULT_COLLECTOR")
    parts = Parts(source=faulty_source, classifier=faulty_classifier)
    if port:
        runner = SinkRunner("the collector", lambda opened: TcpSink(int(port)))
        parts = replace(parts, runners=lambda: [runner])
    return __main__.main(parts)


if __name__ == "__main__":
    sys.exit(main())
