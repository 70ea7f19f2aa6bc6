"""From settings to what follows the faces of a camera."""

from __future__ import annotations

from typing import Optional

from fer_edge.settings import Settings
from fer_edge.track.base import Tracker
from fer_edge.track.reading import Reading
from fer_edge.track.tracker import FaceTracker


def build_tracker(settings: Settings) -> Optional[Tracker]:
    """Return what follows the faces of one camera; None where nothing shall."""
    asked = settings.tracks
    return FaceTracker(asked.memory, lambda: Reading(asked.half_life)) if asked.on else None
