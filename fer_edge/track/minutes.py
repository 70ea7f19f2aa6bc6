"""What each camera showed in each minute: how many people, how long each expression, how pleasant the faces looked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Dict, List, Mapping, Optional

from fer_edge.track.base import moment_of
from fer_edge.types import LABELS, Observation

LONGEST_GAP = 5.0
"""Seconds between two images for which the second one speaks; of a longer gap nothing is known, as the camera was away."""

LATE = timedelta(minutes=1)
"""How long after its end a minute of a camera is taken as complete that gives nothing, while others do."""


@dataclass(frozen=True)
class MinuteFigures:
    """What a camera showed in one minute of UTC, or in a part of it.

    Attributes
    ----------
    camera : str
        Its name.
    start : datetime
        UTC, of the minute.
    frames : int
        Analysed in it.
    seconds : float
        Of it for which images came; in the time of a video where there is one.
    persons : float
        How many faces were seen, on average over these seconds.
    persons_most : int
        At most in one image.
    expressions : mapping of str to float
        By label: person-seconds of each steady label, also of those that were uncertain.
    valence : float or None
        Mean over all person-seconds; None where nobody was seen.
    """

    camera: str
    start: datetime
    frames: int
    seconds: float
    persons: float
    persons_most: int
    expressions: Mapping[str, float]
    valence: Optional[float]

    @property
    def fps(self) -> float:
        """Frames per second that were analysed while images came."""
        return self.frames / self.seconds if self.seconds > 0 else 0.0


class MinuteLog:
    """Makes figures of minutes from observations; a pure fold that looks at no clock.

    An image speaks for the time since the one before of its camera. A minute is complete with the first image of another
    one of its camera, or when other cameras are `LATE` beyond it. One minute may come in several parts: after a clock was
    set back, or where a camera came back late.
    """

    def __init__(self) -> None:
        self._open: Dict[str, _Minute] = {}
        self._last: Dict[str, float] = {}

    def update(self, observation: Observation) -> List[MinuteFigures]:
        """Take the next observation of a camera, and return what is complete with it; pictures count for nothing."""
        frame = observation.frame
        at = moment_of(frame)
        if at is None or frame.problem:
            return []
        start = frame.timestamp.astimezone(timezone.utc).replace(second=0, microsecond=0)
        gap = at - self._last.get(frame.source, at)
        self._last[frame.source] = at
        done = [
            camera
            for camera, minute in self._open.items()
            if (camera == frame.source and minute.start != start) or start - minute.start > LATE
        ]
        complete = [self._open.pop(camera).figures(camera) for camera in done]
        minute = self._open.setdefault(frame.source, _Minute(start))
        minute.take(observation, gap if 0 < gap <= LONGEST_GAP else 0.0)
        return complete

    def close(self) -> List[MinuteFigures]:
        """Return what is open as it is, and forget it."""
        complete = [minute.figures(camera) for camera, minute in self._open.items()]
        self._open.clear()
        self._last.clear()
        return complete


class _Minute:
    def __init__(self, start: datetime) -> None:
        self.start = start
        self._frames = self._most = 0
        self._seconds = self._valence = 0.0
        self._shown = dict.fromkeys(LABELS, 0.0)

    def take(self, observation: Observation, seconds: float) -> None:
        self._frames += 1
        self._seconds += seconds
        self._most = max(self._most, len(observation.faces))
        for face in observation.faces:
            steady = face.steady
            self._shown[steady.label] += seconds
            self._valence += seconds * steady.valence

    def figures(self, camera: str) -> MinuteFigures:
        shown = sum(self._shown.values())
        return MinuteFigures(
            camera=camera,
            start=self.start,
            frames=self._frames,
            seconds=self._seconds,
            persons=shown / self._seconds if self._seconds > 0 else 0.0,
            persons_most=self._most,
            expressions=dict(self._shown),
            valence=self._valence / shown if shown > 0 else None,
        )
