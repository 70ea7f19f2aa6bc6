"""What is asked of one camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from fer_edge.capture.registry import FORMS
from fer_edge.settings.field import setting
from fer_edge.settings.values import FOURCC, POSITIVE, SIZE, TEXT


@dataclass(frozen=True)
class CameraSettings:
    """What is asked of one camera."""

    name: str = ""
    source: str = setting(
        "camera",
        "auto",
        TEXT,
        "SRC",
        "source",
        f"where frames come from: auto (camera 0 if there is one, else the demo), {FORMS}: "
        "a built-in portrait with so many faces; an address with a password is better given as FER_EDGE_CAMERA or in the "
        "settings file, as everybody can read a command line",
    )
    size: Optional[Tuple[int, int]] = setting(
        "size", None, SIZE, "WxH", "source", "ask the source for this size, e.g. 640x480 (default: what it gives)"
    )
    fps: Optional[float] = setting("camera_fps", None, POSITIVE, "FPS", "source", "ask the camera for this frame rate")
    format: str = setting("pixel_format", "MJPG", FOURCC, "FOURCC", "source", "pixel format to ask a USB camera for")
    detector: str = ""
