"""Records one person's face at rest, for ``fer-edge rest``."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Dict, Optional

from fer_edge.app.parts import PROGRAM, Parts
from fer_edge.app.session import build_session
from fer_edge.errors import RestNotSeen, UsageError
from fer_edge.pipeline.mailbox import Closed
from fer_edge.settings import Settings
from fer_edge.system.progress import Progress
from fer_edge.track.base import moment_of
from fer_edge.track.rest import MARGIN, RestingFace, is_readable, log_odds_of
from fer_edge.track.rest_samples import LONGEST_GAP, RestSamples, expression_in, lasting
from fer_edge.types import Observation

SPACING = 0.1
"""Seconds of a sample: even of one second there are ten, of which the median is taken."""

LEAST_SHARE = 0.5
"""Of the time in which exactly one face that can be read must be in view."""

MOST_SHARE_OF_OTHERS = 0.2
"""Of the time in which more than one face may be: somebody who walks past, or a face that the detector saw in a curtain."""

LARGEST_SPREAD = MARGIN / 2
"""Log-odds by which a face at rest varies at most, half of the time: with more, half of a slight smile's rise is chance."""

ALONE, NOBODY, SEVERAL, UNREADABLE = "alone", "nobody", "several", "unreadable"

_WAIT = 0.2


@dataclass(frozen=True)
class Recording:
    """A resting face as it was recorded.

    Attributes
    ----------
    face : RestingFace
        What was seen.
    expression : str
        What it clearly showed instead of rest; empty where it showed nothing.
    restless : bool
        Whether it varied more than a face at rest does.
    """

    face: RestingFace
    expression: str
    restless: bool


class RestRecorder:
    """Takes observations of one camera, and makes a resting face of them.

    Parameters
    ----------
    seconds : float
        How long is to be recorded, from the first frame on. Pictures, which take no time, are all taken.

    Attributes
    ----------
    left : float
        Seconds that are left.
    state : str
        What the last frame showed: ``alone``, ``nobody``, ``several`` or ``unreadable``.
    """

    def __init__(self, seconds: float) -> None:
        self.left = seconds
        self.state = NOBODY
        self._seconds = seconds
        self._times: Dict[str, float] = dict.fromkeys((ALONE, NOBODY, SEVERAL, UNREADABLE), 0.0)
        self._samples = RestSamples(2 * seconds + LONGEST_GAP, SPACING)
        self._pictures = 0
        self._first: Optional[float] = None
        self._before: Optional[float] = None

    def take(self, observation: Observation) -> bool:
        """Take one observation, and return whether that is enough."""
        if observation.frame.problem:
            return False
        at = moment_of(observation.frame)
        if at is None:
            lasted = SPACING
            self._pictures += 1
        else:
            self._first = at if self._first is None else self._first
            # The first frame stands for something, too: a video may have no other.
            lasted = SPACING if self._before is None else lasting(at, self._before)
            self._before = at
            self.left = self._seconds - (at - self._first)
        self.state = _state_of(observation)
        self._times[self.state] += lasted
        if self.state == ALONE:
            (seen,) = observation.faces
            self._samples.add(log_odds_of(seen.expression.probabilities), lasted)
        return self.left <= 0

    def recording(self) -> Recording:
        """Return what was recorded.

        Raises
        ------
        RestNotSeen
            For too much of the time nobody was in view, more than one face was, or the face could not be read.
        """
        whole = sum(self._times.values()) or 1.0
        shares = {state: spent / whole for state, spent in self._times.items()}
        if shares[SEVERAL] > MOST_SHARE_OF_OTHERS:
            raise RestNotSeen(
                f"More than one face was in view for {shares[SEVERAL]:.0%} of the time.",
                "Only the person whose resting face it is may be; --roi uses a part of the image.",
            )
        if shares[ALONE] < LEAST_SHARE:
            raise _unseen(shares)
        face = self._samples.centre()
        if self._pictures:
            face = RestingFace(face.log_odds, face.spread, 0.0, face.frames)
        return Recording(face, expression_in(face.log_odds), bool(face.spread.max() > LARGEST_SPREAD))


def record_rest(
    settings: Settings,
    seconds: float,
    stop: threading.Event,
    progress: Progress = lambda line: None,
    parts: Parts = PROGRAM,
) -> Recording:
    """Watch one person for some seconds.

    Parameters
    ----------
    settings : Settings
        Name the camera, the detector and the network.
    seconds : float
        How long, from the first frame on.
    stop : Event
        Set to end early, with nothing recorded.
    progress : callable
        Gets a line to show now and then.

    Raises
    ------
    UsageError
        There is more than one camera.
    RestNotSeen
        As `RestRecorder.recording`; or it was ended early.
    FerEdgeError
        What goes wrong with the camera or the network.
    """
    if len(settings.cameras) > 1:
        raise UsageError(
            f"A resting face is recorded with one camera, and there are {len(settings.cameras)}.", "Give one --camera."
        )
    # What is not there is an error here, and not waited for; what settings say of the run to come is not for this one.
    session = build_session(settings.changed(tracks=False, rest="off", detect_every="1", reconnect="never"), parts)
    recorder = RestRecorder(seconds)
    with session:
        while not stop.is_set():
            try:
                observation = session.take(_WAIT)
            except Closed:
                return recorder.recording()
            if observation is None:
                continue
            enough = recorder.take(observation)
            progress("" if enough else f"{_TOLD[recorder.state]}: {max(recorder.left, 0.0):.1f} s left")
            if enough:
                return recorder.recording()
    raise RestNotSeen("The recording was ended early, so nothing was saved.", "Let it run to its end.")


_TOLD = {
    ALONE: "look into the camera, with a face at rest",
    NOBODY: "no face is found",
    SEVERAL: "more than one face is in view",
    UNREADABLE: "the face cannot be read: too far away, blurred, cut off, turned away, or covered",
}


def _state_of(observation: Observation) -> str:
    faces = observation.faces
    if len(faces) != 1:
        return SEVERAL if faces else NOBODY
    return ALONE if is_readable(faces[0].expression) else UNREADABLE


def _unseen(shares: Dict[str, float]) -> RestNotSeen:
    if shares[UNREADABLE] > shares[NOBODY]:
        return RestNotSeen(
            f"The face could not be read for {shares[UNREADABLE]:.0%} of the time: "
            "it was too far away, blurred, cut off, turned away, covered or upside down.",
            "Look into the camera, with nothing before the mouth.",
        )
    return RestNotSeen(
        f"No face was in view for {shares[NOBODY]:.0%} of the time.",
        "Sit in front of the camera, near enough and in good light; `fer-edge --camera ...` shows what it sees.",
    )
