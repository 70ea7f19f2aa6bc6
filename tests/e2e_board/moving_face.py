"""Writes a second of a moving face as raw video: ``python moving_face.py FILE``. 640 by 480 pixels, BGR, 15 frames."""

from __future__ import annotations

import sys
from pathlib import Path

from fer_edge.capture.settings import CaptureSettings
from fer_edge.capture.synthetic import DemoSource

if __name__ == "__main__":
    with DemoSource(1, CaptureSettings(width=640, height=480, paced=False)) as source, Path(sys.argv[1]).open(
        "wb"
    ) as file:
        for _ in range(15):
            source.grab()
            file.write(source.retrieve().tobytes())
