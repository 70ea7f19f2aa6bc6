"""Detectors by name. One more is a module beside this one, and an entry in `DETECTORS`.

Reading this module imports no library, so that settings, help and doctor can take the names from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Mapping, Tuple

from fer_edge.errors import UsageError

if TYPE_CHECKING:
    from fer_edge.detect.base import FaceDetector

DEFAULT_DETECTOR = "auto"


@dataclass(frozen=True)
class DetectorEntry:
    """What there is to know of a detector before it is built.

    Attributes
    ----------
    about : str
        What it is, in a few words for people.
    build : callable
        Gets the threads of one operation of the network, and the least score from 0 to 1, and returns the detector. It imports
        what the detector needs.
    models : tuple of str
        Its files, as `fer_edge.inference.model_files.find_model` takes them; empty where a package brings the network.
    extra : str
        The flavour of installation that brings its package; empty where every flavour does.
    """

    about: str
    build: Callable[[int, float], FaceDetector]
    models: Tuple[str, ...] = ()
    extra: str = ""


def open_detector(name: str = DEFAULT_DETECTOR, threads: int = 1, min_score: float = 0.5) -> FaceDetector:
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
    if name not in DETECTORS:
        raise UsageError(f"There is no detector named '{name}'.", f"Choose one of {', '.join(DETECTORS)}.")
    return DETECTORS[name].build(threads, min_score)


def _blazeface_short(threads: int, min_score: float) -> FaceDetector:
    from fer_edge.detect.blazeface import BlazeFaceDetector

    return BlazeFaceDetector("short", threads, min_score)


def _blazeface_full(threads: int, min_score: float) -> FaceDetector:
    from fer_edge.detect.blazeface import BlazeFaceDetector

    return BlazeFaceDetector("full", threads, min_score)


def _auto(threads: int, min_score: float) -> FaceDetector:
    from fer_edge.detect.auto import AutoDetector

    return AutoDetector(threads, min_score)


def _yunet(threads: int, min_score: float) -> FaceDetector:
    from fer_edge.detect.yunet import YuNetDetector

    return YuNetDetector(threads=threads, min_score=min_score)


def _mediapipe_short(_threads: int, min_score: float) -> FaceDetector:
    from fer_edge.detect.mediapipe import MediaPipeDetector

    return MediaPipeDetector("short", min_score)


def _mediapipe_full(_threads: int, min_score: float) -> FaceDetector:
    from fer_edge.detect.mediapipe import MediaPipeDetector

    return MediaPipeDetector("full", min_score)


DETECTORS: Mapping[str, DetectorEntry] = {
    "auto": DetectorEntry(
        "both BlazeFace networks, for faces near and far", _auto, models=("blazeface_short", "blazeface_full")
    ),
    "blazeface": DetectorEntry("BlazeFace for faces that are near", _blazeface_short, models=("blazeface_short",)),
    "blazeface-full": DetectorEntry("BlazeFace for faces further away", _blazeface_full, models=("blazeface_full",)),
    "yunet": DetectorEntry("YuNet, which sees the smallest faces", _yunet, models=("yunet",)),
    "mediapipe": DetectorEntry("the mediapipe package's BlazeFace", _mediapipe_short, extra="mediapipe"),
    "mediapipe-full": DetectorEntry("the same for faces further away", _mediapipe_full, extra="mediapipe"),
}
"""Every detector by the name that ``--detector`` takes, the default first."""
