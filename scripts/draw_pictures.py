"""Draw the pictures of the documents: docs/overlay.jpg, one camera, and docs/grid.jpg, four cameras of which one is lost.

Usage: python scripts/draw_pictures.py [FOLDER]

All cameras are the demo. Its faces are found and read by the default networks and followed for two seconds, so that they
have the numbers and labels that a run would show; the rates are those that the cameras are said to have.
"""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from pathlib import Path

import cv2

import fer_edge
from fer_edge.app.tracking import build_tracker
from fer_edge.capture.settings import CaptureSettings
from fer_edge.capture.synthetic import DemoSource
from fer_edge.settings import Settings
from fer_edge.types import Frame, Observation, Rates, StageRate
from fer_edge.ui.grid import Grid, Numbered, proportions
from fer_edge.ui.layout import snug
from fer_edge.ui.overlay import Overlay
from fer_edge.ui.pane import Pane

FOLDER = Path(__file__).resolve().parents[1] / "docs"
LARGEST = (1024, 600)
MOMENT = datetime(2026, 1, 1, tzinfo=timezone.utc)
FPS, WATCHED = 10, 20
"""The demo is looked at so many times a second of its own, and so many frames before the one that is drawn."""

STAGES = {"detection": StageRate(600.0), "classification": StageRate(240.0)}


def camera(name: str, faces: int, size: tuple[int, int], index: int, fps: float, trouble: str = "") -> Pane:
    """Watch the demo until one of its frames, and return what the window knows then."""
    tracker = build_tracker(Settings())
    assert tracker is not None
    with DemoSource(faces, CaptureSettings(width=size[0], height=size[1], paced=False)) as source:
        for step in range(WATCHED):
            image = source.render(index + 30 // FPS * (step - WATCHED + 1))
            frame = Frame(step, step / FPS, MOMENT, image, name)
            seen = tracker.follow(Observation(frame, fer_edge.read_image(image)))
    return Pane(name, frame, seen, Rates(fps, STAGES), trouble)


def write(path: Path, image: object) -> None:
    """Write a picture as small as it can be looked at."""
    if not cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 84]):  # type: ignore[call-overload]
        raise SystemExit(f"cannot write {path}")


def main() -> int:
    """Write the pictures into the folder that is given, or into their own."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    alone = camera("front", 3, (640, 480), 70, 29.9)
    assert alone.frame is not None
    write(folder / "overlay.jpg", Overlay().draw(alone.frame.image, alone.faces, alone.rates))
    panes = [
        camera("front", 1, (640, 480), 160, 30.0),
        camera("hall", 3, (1280, 720), 210, 15.0),
        camera("door", 2, (640, 480), 130, 30.0),
        camera("garage", 1, (1280, 720), 150, 0.0, "the source is lost since 12 s: The camera /dev/video2 is gone."),
    ]
    cameras = [Numbered(place, pane) for place, pane in enumerate(panes)]
    write(folder / "grid.jpg", Grid(Overlay()).draw(cameras, snug(proportions(panes), LARGEST)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
