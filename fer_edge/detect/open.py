"""Detectors by name."""

from __future__ import annotations

from typing import Callable, Dict

from fer_edge.detect.base import FaceDetector
from fer_edge.errors import UsageError


def open_detector(name: str = "blazeface", threads: int = 1, min_score: float = 0.5) -> FaceDetector:
    """Build a detector; its libraries are imported now and not before.

    Parameters
    ----------
    name : str
        One of `DETECTORS`.
    threads : int
        For one operation of the network. The mediapipe package chooses its own number.
    min_score : float
        From 0 to 1; faces under it are left out.

    Returns
    -------
    FaceDetector
        To be used and closed in one thread.

    Raises
    ------
    UsageError
        There is no detector of that name.
    MissingExtra, ModelNotFound, ModelCorrupt, ModelShapeError
        The detector cannot be built here.
    """
    if name not in _BUILDERS:
        raise UsageError(f"There is no detector named '{name}'.", f"Choose one of {', '.join(DETECTORS)}.")
    return _BUILDERS[name](threads, min_score)


def _blazeface_short(threads: int, min_score: float) -> FaceDetector:
    from fer_edge.detect.blazeface import BlazeFaceDetector

    return BlazeFaceDetector("short", threads, min_score)


def _blazeface_full(threads: int, min_score: float) -> FaceDetector:
    from fer_edge.detect.blazeface import BlazeFaceDetector

    return BlazeFaceDetector("full", threads, min_score)


def _yunet(threads: int, min_score: float) -> FaceDetector:
    from fer_edge.detect.yunet import YuNetDetector

    return YuNetDetector(threads=threads, min_score=min_score)


def _mediapipe_short(_threads: int, min_score: float) -> FaceDetector:
    from fer_edge.detect.mediapipe import MediaPipeDetector

    return MediaPipeDetector("short", min_score)


def _mediapipe_full(_threads: int, min_score: float) -> FaceDetector:
    from fer_edge.detect.mediapipe import MediaPipeDetector

    return MediaPipeDetector("full", min_score)


_BUILDERS: Dict[str, Callable[[int, float], FaceDetector]] = {
    "blazeface": _blazeface_short,
    "blazeface-full": _blazeface_full,
    "yunet": _yunet,
    "mediapipe": _mediapipe_short,
    "mediapipe-full": _mediapipe_full,
}

DETECTORS = tuple(_BUILDERS)
"""The names that `open_detector` takes, the default first."""
