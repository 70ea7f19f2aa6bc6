"""What each face showed from when to when: frames are for machines, states for people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from fer_edge.track.base import moment_of
from fer_edge.types import Expression, Frame, Observation, StateChange, Track

SILENT = 60.0
"""Seconds without an image after which what a camera's faces showed is over, while other cameras give images: one that has
ended, or is lost for hours, shall not keep it back. No face is waited for so long, unless somebody asks for that."""

_Figures = Tuple[float, float, float]
"""Confidence, valence and intensity, added up."""


class StateLog:
    """Makes state changes of observations; a pure fold that looks at no clock.

    A state begins where the steady label did, as the track tells (`Track.since`), which may be before the frame that first
    shows it; the state before ends at that very moment. It also ends when the face's id is neither among the faces nor among
    the hidden any more: then at the moment when the face was last found. So each state that began ends once, and those of one
    track neither overlap nor leave a gap. Observations may be missing in between: what they alone showed is not known, and a
    camera that gives none for long is judged by the next, or after `SILENT` seconds by its silence.

    Moments for people come from `Frame.timestamp`: when a video's frame was analysed. Durations come from `moment_of`, so a
    wall clock that jumps changes none. Means give each frame in which the face was found the same weight.

    Only the states that are open are kept.

    Examples
    --------
    >>> from datetime import timezone
    >>> import numpy as np
    >>> from fer_edge.types import Box, Face, ObservedFace
    >>> happy = Expression(np.float32([0, 0, 0, 0.9, 0.1, 0, 0]), "happy", 0.9, False)
    >>> face = ObservedFace(Face(Box(0, 0, 9, 9), 1.0, {}), happy, Track(1, 2.0, happy, since=0.5))
    >>> frame = Frame(0, 100.0, datetime(2026, 11, 26, 10, 0, 1, tzinfo=timezone.utc), np.zeros((9, 9, 3), np.uint8), "door")
    >>> log = StateLog()
    >>> (begun,) = log.update(Observation(frame, (face,)))
    >>> begun.label, begun.start.isoformat(), begun.is_over
    ('happy', '2026-11-26T10:00:00.500000+00:00', False)
    >>> (over,) = log.close()
    >>> over.duration, over.frames
    (0.5, 1)
    """

    def __init__(self) -> None:
        self._open: Dict[str, Dict[int, _State]] = {}
        self._heard: Dict[str, float] = {}
        self._silent: Set[str] = set()

    def update(self, observation: Observation) -> Sequence[StateChange]:
        """Take the next observation of a camera, and return what ended and what began with it, in this order.

        Observations without tracks, and pictures, have no states.
        """
        frame = observation.frame
        at = moment_of(frame)
        if at is None or frame.problem:
            return ()
        now = _Moment(at, frame.timestamp)
        silent = self._close_the_silent(frame)
        # A face that is followed on is told anew, and not from before its end on.
        again = frame.source in self._silent
        self._silent.discard(frame.source)
        states = self._open.setdefault(frame.source, {})
        # Who was found counts, should an id stand in both.
        here: Dict[int, Track] = {}
        for face in (*observation.hidden, *observation.faces):
            if face.track is not None:
                here[face.track.id] = face.track
        ended = [states.pop(gone).over() for gone in [known for known in states if known not in here]]
        begun: List[StateChange] = []
        for track in here.values():
            state = states.get(track.id)
            label = track.expression.label
            if state is None or state.label != label:
                began = now if again else now.before(track.since, frame)
                if state is not None:
                    began = began if began.at > state.began.at else state.began
                    ended.append(state.over(began))
                state = states[track.id] = _State(frame, track, began)
                state.take(track, now, observation)
                begun.append(state.change())
            else:
                state.take(track, now, observation)
        if not states:
            del self._open[frame.source]
        return (*silent, *ended, *begun)

    def _close_the_silent(self, frame: Frame) -> List[StateChange]:
        """End what the cameras show from which nothing has come for long."""
        self._heard[frame.source] = frame.captured_at
        silent = [camera for camera, at in self._heard.items() if frame.captured_at - at > SILENT]
        for camera in silent:
            del self._heard[camera]
            self._silent.add(camera)
        return [state.over() for camera in silent for state in self._open.pop(camera, {}).values()]

    def close(self) -> Sequence[StateChange]:
        """End what is open, each state when its face was last found, and return that."""
        states = [state for of_camera in self._open.values() for state in of_camera.values()]
        self._open.clear()
        return tuple(state.over() for state in states)


class _Moment(NamedTuple):
    at: float
    time: datetime

    def before(self, seconds: float, frame: Frame) -> _Moment:
        """Return the moment so many seconds earlier."""
        if frame.media_time is None:
            return _Moment(self.at - seconds, _earlier(self.time, seconds))
        # A video may be analysed at any pace; a rounding error shall not bring its first moment before its start.
        return _Moment(max(0.0, self.at - seconds), self.time)


def _earlier(time: datetime, seconds: float) -> datetime:
    try:
        return time - timedelta(seconds=seconds)
    except OverflowError:  # a source of somebody else that counts no seconds
        return time


class _State:
    """One that is open."""

    def __init__(self, frame: Frame, track: Track, began: _Moment) -> None:
        self.label = track.expression.label
        self.began = began
        self._camera, self._track, self._in_video = frame.source, track.id, frame.media_time is not None
        self._last = began
        self._frames = self._uncertain = 0
        self._sums = (0.0, 0.0, 0.0)
        self._first = track.expression

    def take(self, track: Track, now: _Moment, observation: Observation) -> None:
        """Count what a frame shows of it."""
        if track.hidden > 0:
            last = now.before(track.hidden, observation.frame)
            if last.at > self._last.at:  # in a frame that is missing here
                self._last = last
        elif not observation.predicted:
            self._last = now
            self._frames += 1
            self._uncertain += bool(track.expression.uncertain)
            self._sums = _added(self._sums, track.expression)

    def over(self, end: Optional[_Moment] = None) -> StateChange:
        """Return its end: at a moment, or else when the face was last found."""
        end = end or self._last
        return self.change(end if end.at > self.began.at else self.began)

    def change(self, end: Optional[_Moment] = None) -> StateChange:
        # A face that was never found in it has at least what it was taken for.
        sums, frames = (self._sums, self._frames) if self._frames else (_added((0.0, 0.0, 0.0), self._first), 1)
        confidence, valence, intensity = (total / frames for total in sums)
        return StateChange(
            camera=self._camera,
            track=self._track,
            label=self.label,
            start=self.began.time,
            end=None if end is None else end.time,
            duration=0.0 if end is None else end.at - self.began.at,
            confidence=confidence,
            valence=valence,
            intensity=intensity,
            uncertain=2 * self._uncertain > self._frames if self._frames else bool(self._first.uncertain),
            frames=self._frames,
            media_start=self.began.at if self._in_video else None,
            media_end=end.at if end is not None and self._in_video else None,
        )


def _added(sums: _Figures, expression: Expression) -> _Figures:
    confidence, valence, intensity = sums
    return (
        confidence + float(expression.confidence),
        valence + expression.valence,
        intensity + expression.intensity,
    )
