"""What each face has shown over the last seconds: the history behind the traces that the key ``t`` shows."""

from __future__ import annotations

import math
from collections import deque
from typing import Deque, Dict, Mapping, Optional, Tuple

from fer_edge.track.base import moment_of
from fer_edge.types import Observation

SECONDS = 10.0
"""How far back a trace reaches."""

STEP = 0.05
"""Of three points of a trace the first and the last are so many seconds apart, at least: a trace then costs the same at any
frame rate, and is still about as fine as the pixels of its width."""

_MOST_POINTS = 2 * round(SECONDS / STEP) + 2

MOST_TRACES = 64
"""Faces of one camera whose traces are kept; more are not drawn on one image in a way that anybody can read."""

Trace = Tuple[Tuple[float, float], ...]
"""Points (seconds, valence), the oldest first. Seconds are from -`SECONDS` to 0, which is the last result's moment; valence is
from -1 to 1, and nan where the face was hidden or its valence is not a number: the line is broken there."""

_Points = Deque[Tuple[float, float]]


class TraceHistory:
    """Keeps the valence of each camera's faces by the ids of their tracks, and forgets tracks that are gone.

    Times are those of the frames: real seconds, or seconds of the video, and never counts of frames.

    Examples
    --------
    >>> import numpy as np
    >>> from datetime import datetime, timezone
    >>> from fer_edge.types import Box, Expression, Face, Frame, ObservedFace, Track
    >>> happy = Expression(np.array([0, 0, 0, 1, 0, 0, 0], np.float32), "happy", 1.0, False)
    >>> face = ObservedFace(Face(Box(0, 0, 9, 9), 1.0, {}), happy, Track(1, 0.0, happy, 0.0))
    >>> frame = Frame(0, 5.0, datetime.now(timezone.utc), np.zeros((9, 9, 3), np.uint8))
    >>> history = TraceHistory()
    >>> history.add("front", Observation(frame, (face,)))
    >>> history.of("front")
    {1: ((0.0, 1.0),)}
    """

    def __init__(self) -> None:
        self._points: Dict[str, Dict[int, _Points]] = {}
        self._last: Dict[str, Tuple[int, float]] = {}
        self._given: Dict[str, Mapping[int, Trace]] = {}

    def add(self, camera: str, observation: Optional[Observation]) -> None:
        """Take a result; one that was taken before, none at all, and that of a picture, which has no time, change nothing."""
        if observation is None:
            return
        frame = observation.frame
        at = moment_of(frame)
        before, last = self._last.get(camera, (-1, -math.inf))
        if at is None or frame.problem or before == frame.index:
            return
        self._given.pop(camera, None)
        known = self._points.setdefault(camera, {})
        if at < last:  # a video that begins anew
            known.clear()
        self._last[camera] = frame.index, at
        seen = {face.track.id: face.steady.valence for face in observation.faces if face.track is not None}
        hidden = {face.track.id: math.nan for face in observation.hidden if face.track is not None}
        for track in [track for track in known if track not in seen and track not in hidden]:
            del known[track]
        for track, valence in (*seen.items(), *hidden.items()):
            if track in known or len(known) < MOST_TRACES:
                _extend(known.setdefault(track, deque(maxlen=_MOST_POINTS)), at, valence)

    def of(self, camera: str) -> Mapping[int, Trace]:
        """Return the traces of a camera's faces, by the ids of their tracks, up to the last result that was taken."""
        if camera not in self._given:
            _, now = self._last.get(camera, (-1, 0.0))
            self._given[camera] = {
                track: tuple((at - now, valence) for at, valence in points)
                for track, points in self._points.get(camera, {}).items()
            }
        return self._given[camera]


def _extend(points: _Points, at: float, valence: float) -> None:
    """Add a point, in place of the last one where that has not yet stood for `STEP` seconds."""
    while points and at - points[0][0] > SECONDS:
        points.popleft()
    breaks = points and math.isfinite(points[-1][1]) != math.isfinite(valence)
    if len(points) > 1 and not breaks and at - points[-2][0] < STEP:
        points.pop()
    points.append((at, valence))
