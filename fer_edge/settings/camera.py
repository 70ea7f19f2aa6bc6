"""What is asked of one camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from fer_edge.capture.registry import FORMS
from fer_edge.detect.registry import DETECTORS
from fer_edge.settings.field import setting
from fer_edge.settings.values import CAMERA_NAME, FOURCC, POSITIVE, SIZE, TEXT, choice


@dataclass(frozen=True)
class CameraSettings:
    """What is asked of one camera.

    Attributes
    ----------
    name : str
        What its results, its picture and its figures are called after; no two of a run are alike, whatever their case.
    source : str
        Where its frames come from, as `fer_edge.capture.open` takes it, or ``auto``.
    size : tuple of int, optional
        Width and height that it is asked for, in pixels.
    fps : float, optional
        Frames per second that it is asked for.
    format : str
        Pixel format that a USB camera is asked for.
    detector : str
        Finds its faces; empty for that of all cameras.
    """

    name: str = setting(
        "",
        "camera",
        CAMERA_NAME,
        "NAME",
        "source",
        "what its results, its picture and its figures are called after (default: made from the source)",
    )
    source: str = setting(
        "camera",
        "auto",
        TEXT,
        "SRC",
        "source",
        f"where frames come from: auto (camera 0 if there is one, else the demo), {FORMS}: a built-in portrait with so many "
        "faces; NAME=SRC gives the camera a name, and several --camera watch several; "
        "an address with a password is better given as FER_EDGE_CAMERA (of several: FER_EDGE_CAMERA__NAME__SOURCE) or in the "
        "settings file, as everybody can read a command line",
    )
    size: Optional[Tuple[int, int]] = setting(
        "size", None, SIZE, "WxH", "source", "ask the source for this size, e.g. 640x480 (default: what it gives)"
    )
    fps: Optional[float] = setting("camera_fps", None, POSITIVE, "FPS", "source", "ask the camera for this frame rate")
    format: str = setting("pixel_format", "MJPG", FOURCC, "FOURCC", "source", "pixel format to ask a USB camera for")
    detector: str = setting(
        "",
        "",
        choice(*DETECTORS),
        "NAME",
        "source",
        "face detector for this camera (default: that of all cameras)",
    )
