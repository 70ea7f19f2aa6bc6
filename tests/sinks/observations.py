"""Observations to write, made without a camera."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Optional

import numpy as np

from fer_edge.sinks.base import SinkT, StreamInfo
from fer_edge.types import LABELS, Box, Expression, Face, Frame, Image, Observation, ObservedFace, Track

START = datetime(2024, 2, 29, 23, 59, 59, 987654, tzinfo=timezone.utc)


def observation(
    index: int = 0, at: Optional[float] = None, image: Optional[Image] = None, faces: int = 1, label: str = "happy"
) -> Observation:
    """Make one with the given number of equal faces; `at` defaults to 30 pictures a second."""
    seconds = index / 30 if at is None else at
    if image is None:
        image = moving(index)
    probabilities = np.full(7, 0.05, np.float32)
    probabilities[LABELS.index(label)] = 0.7
    face = Face(Box(10.123, 20.0, 30.52, 40.0), 0.98765, {"left_eye": (30.04, 40.0), "right_eye": (15.0, 40.0)})
    seen = ObservedFace(face, Expression(probabilities, label, 0.7, False))
    frame = Frame(index, 1000.0 + seconds, START + timedelta(seconds=seconds), image)
    return Observation(frame, (seen,) * faces)


def tracked(
    index: int, label: str = "happy", camera: str = "front", media: bool = False, frames: int = 10
) -> Observation:
    """Make one with a face that is followed, of ten a second; it has shown the label for as many frames as say so."""
    plain = observation(index, index / 10, moving(index, 8, 8), 1, label)
    track = Track(1, index / 10, plain.faces[0].expression, (index % frames) / 10)
    frame = replace(plain.frame, source=camera, media_time=index / 10 if media else None)
    return replace(plain, frame=frame, faces=(replace(plain.faces[0], track=track),))


def opened(sink: SinkT, fps: float = 0.0, live: bool = True) -> SinkT:
    """Open a sink for what comes from a camera, or from a file that is not live."""
    sink.open(StreamInfo("front", 320, 240, fps, live))
    return sink


def moving(index: int, width: int = 320, height: int = 240) -> Image:
    """Draw a picture whose grey level tells its index."""
    return np.full((height, width, 3), 20 + index % 200, np.uint8)
