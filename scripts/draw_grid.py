"""Draw docs/grid.jpg: the window with four cameras, all of them the demo, of which one is lost.

Usage: python scripts/draw_grid.py [PICTURE]

The faces are found and read by the default networks; the rates are those that the cameras are said to have.
"""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from pathlib import Path

import cv2

import fer_edge
from fer_edge.capture.settings import CaptureSettings
from fer_edge.capture.synthetic import DemoSource
from fer_edge.types import Frame, Observation, Rates
from fer_edge.ui.grid import Grid, Numbered, proportions
from fer_edge.ui.layout import snug
from fer_edge.ui.overlay import Overlay
from fer_edge.ui.pane import Pane

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "grid.jpg"
LARGEST = (1024, 600)
MOMENT = datetime(2026, 1, 1, tzinfo=timezone.utc)


def camera(name: str, faces: int, size: tuple[int, int], index: int, fps: float, trouble: str = "") -> Pane:
    with DemoSource(faces, CaptureSettings(width=size[0], height=size[1], paced=False)) as source:
        image = source.render(index)
    frame = Frame(index, 0.0, MOMENT, image, name)
    return Pane(name, frame, Observation(frame, fer_edge.read_image(image)), Rates(fps), trouble)


def main() -> int:
    """Write the picture to the place that is given, or to its own."""
    panes = [
        camera("front", 1, (640, 480), 40, 30.0),
        camera("hall", 3, (1280, 720), 90, 15.0),
        camera("door", 2, (640, 480), 10, 30.0),
        camera("garage", 1, (1280, 720), 150, 0.0, "the source is lost since 12 s: The camera /dev/video2 is gone."),
    ]
    cameras = [Numbered(place, pane) for place, pane in enumerate(panes)]
    image = Grid(Overlay()).draw(cameras, snug(proportions(panes), LARGEST))
    path = sys.argv[1] if len(sys.argv) > 1 else str(PICTURE)
    return 0 if image is not None and cv2.imwrite(path, image, [cv2.IMWRITE_JPEG_QUALITY, 84]) else 1


if __name__ == "__main__":
    sys.exit(main())
