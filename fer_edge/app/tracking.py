"""From settings to what follows the faces of a camera."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Optional

from fer_edge.errors import UsageError
from fer_edge.inference.model_files import find_model, sha256_of
from fer_edge.settings import Settings
from fer_edge.settings.tracks import AUTO, OFF
from fer_edge.track.base import Tracker
from fer_edge.track.cut import CutFinder
from fer_edge.track.learned_rest import LearnedRest
from fer_edge.track.reading import Reading
from fer_edge.track.rest import FixedRest, Rest
from fer_edge.track.rest_file import Network, read_rest
from fer_edge.track.tracker import FaceTracker


def build_tracker(settings: Settings, cuts: Optional[CutFinder] = None) -> Optional[Tracker]:
    """Return what follows the faces of one camera; None where nothing shall.

    Parameters
    ----------
    cuts : CutFinder, optional
        What finds the cuts where images are not kept.

    Raises
    ------
    RestUnusable
        The file of a resting face that the settings name is of another network, damaged, or cannot be read.
    UsageError
        It is named, and faces are not followed.
    ModelNotFound, ModelCorrupt
        There is no network whose answers the file could hold.
    """
    asked = settings.tracks
    with settings.located("rest"):
        make_rest = _maker_of_rests(settings)
    if not asked.on:
        return None
    # What a person looks like at rest holds for pictures, too; what is learned while somebody is watched says nothing of them.
    return FaceTracker(
        asked.memory, lambda: Reading(asked.half_life, make_rest()), pictures=bool(rest_file_of(settings)), cuts=cuts
    )


def network_of(settings: Settings) -> Network:
    """Return which network file the settings name. Raises ModelNotFound or ModelCorrupt where there is none."""
    path = find_model(settings.analysis.model)
    return Network(Path(path).stem, sha256_of(path))


def rest_file_of(settings: Settings) -> str:
    """Return the file of a resting face that the settings name; empty where they name none."""
    return "" if settings.tracks.rest in (OFF, AUTO) else settings.tracks.rest


def _maker_of_rests(settings: Settings) -> Callable[[], Optional[Rest]]:
    """Return what makes, for each face, what knows its rest."""
    file = rest_file_of(settings)
    if not file:
        return LearnedRest if settings.tracks.rest == AUTO else lambda: None
    if not settings.tracks.on:
        raise UsageError(
            "A resting face is named, and faces are not followed, so nothing would be judged against it.",
            "Leave out --rest, or --tracks off.",
        )
    face = read_rest(file, network_of(settings))
    return lambda: FixedRest(face)
