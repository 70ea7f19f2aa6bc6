"""What stands between the pipeline and those who look: the newest result of each camera, its last hour, and the events."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Deque, Dict, List, NamedTuple, Optional, Tuple

from fer_edge.sinks.event_lines import as_record
from fer_edge.sinks.lines import iso, number
from fer_edge.track.states import StateLog
from fer_edge.types import LABELS, Observation, ObservedFace, Rates
from fer_edge.web.pictures import Pictures
from fer_edge.web.timeline import Timeline

MOST_EVENTS = 1000
"""That are kept for readers who were away."""


class Event(NamedTuple):
    """Something that happened.

    Attributes
    ----------
    number : int
        From 1 on.
    camera, name : str
        Where, and what: ``change`` or ``camera``.
    record : mapping
        What is told of it, as JSON can hold it.
    """

    number: int
    camera: str
    name: str
    record: Dict[str, Any]


@dataclass
class _Camera:
    newest: Optional[Observation] = None
    timeline: Timeline = field(default_factory=Timeline)


class Hub:
    """Takes results from the thread of its sink, and is asked by the server's.

    Parameters
    ----------
    bars : bool
        Draw the probabilities beside a face.

    Attributes
    ----------
    pictures : Pictures
        Those of all cameras.
    """

    def __init__(self, bars: bool = True) -> None:
        self.pictures = Pictures(bars)
        self._lock = threading.Lock()
        self._log = StateLog()
        self._cameras: Dict[str, _Camera] = {}
        self._events: Deque[Event] = deque(maxlen=MOST_EVENTS)
        self._last = 0

    def take(self, observation: Observation, rates: Rates) -> None:
        """Take the next result of a camera."""
        if observation.frame.problem:
            return
        with self._lock:
            camera = self._camera(observation.frame.source)
            camera.newest = observation
            camera.timeline.take(observation)
            for change in self._log.update(observation):
                self._camera(change.camera).timeline.change(change)
                self._add(change.camera, "change", as_record(change))
        self.pictures.take(observation, rates)

    def note(self, camera: str, name: str, record: Dict[str, Any]) -> None:
        """Add an event that is none of a face."""
        with self._lock:
            self._add(camera, name, record)

    def newest(self, camera: str) -> Optional[Observation]:
        """Return the last result of a camera; None before the first."""
        with self._lock:
            known = self._cameras.get(camera)
            return None if known is None else known.newest

    def timeline(self, camera: str, now: datetime, minutes: float) -> Dict[str, Any]:
        """Return what a camera's faces showed in the last minutes."""
        with self._lock:
            return self._camera(camera).timeline.told(now, minutes)

    @property
    def last(self) -> int:
        """The number of the last event; 0 before the first."""
        with self._lock:
            return self._last

    def events_after(self, after: int, camera: Optional[str] = None) -> Tuple[List[Event], int, int]:
        """Return the events after a number, of one camera or all; how many were forgotten in between; the last number."""
        with self._lock:
            oldest = self._events[0].number if self._events else self._last + 1
            new = [event for event in self._events if event.number > after and camera in (None, event.camera)]
            return new, max(0, oldest - after - 1), self._last

    def _camera(self, name: str) -> _Camera:
        return self._cameras.setdefault(name, _Camera())

    def _add(self, camera: str, name: str, record: Dict[str, Any]) -> None:
        self._last += 1
        self._events.append(Event(self._last, camera, name, record))


def persons_of(observation: Optional[Observation]) -> List[Dict[str, Any]]:
    """Return who is in view, as the API tells it; boxes in pixels of the image."""
    if observation is None:
        return []
    return [_person(face, observation.frame.timestamp) for face in observation.faces]


def _person(face: ObservedFace, at: datetime) -> Dict[str, Any]:
    steady, track = face.steady, face.track
    return {
        "id": None if track is None else track.id,
        "label": steady.label,
        "confidence": number(steady.confidence, 4),
        "uncertain": bool(steady.uncertain),
        "doubt": ", ".join(steady.doubt),
        "valence": number(steady.valence, 4),
        "since": None if track is None else iso(at - timedelta(seconds=track.since)),
        "probabilities": {label: number(value, 4) for label, value in zip(LABELS, steady.probabilities)},
        "box": [number(value, 1) for value in face.face.box],
    }
