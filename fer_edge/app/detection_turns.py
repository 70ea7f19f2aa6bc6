"""In which frames of a camera faces are looked for, and who knows where they are in the others."""

from __future__ import annotations

import math
import threading
import time
from typing import Callable, Dict, Mapping, Optional, Sequence, Tuple

from fer_edge.app.turn_policy import Load, TurnPolicy
from fer_edge.errors import UsageError
from fer_edge.pipeline.session import Session
from fer_edge.settings import Settings
from fer_edge.settings.tracks import AUTO
from fer_edge.system.clock import Clock
from fer_edge.track.base import Tracker
from fer_edge.types import Face

LOOK_SECONDS = 5.0
"""How often the load is looked at: counts of frames over less say little of a camera of a few frames a second."""

DETECTION = "detection"
"""What the rate of the stage that detects is called."""


class DetectionTurns:
    """Tells the stage that detects in which frames to look, and where faces are in the others.

    Parameters
    ----------
    trackers : mapping of str to Tracker
        By camera, what follows its faces. A camera without one is looked at in each frame.
    fixed : int
        In every how many frames to look, from 1 to 3; 0 for what the load asks for.
    hot : callable
        Tells whether heat slows the board down.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        trackers: Optional[Mapping[str, Tracker]] = None,
        fixed: int = 1,
        hot: Callable[[], bool] = lambda: False,
        clock: Clock = time.monotonic,
    ) -> None:
        self.fixed = fixed
        self._trackers: Dict[str, Tracker] = dict(trackers or {})
        self._hot = hot
        self._clock = clock
        self._policy = TurnPolicy()
        self._looking = threading.Lock()
        self._session: Optional[Session] = None
        self._seen: Optional[Tuple[float, int, int]] = None

    def follow_load_of(self, session: Session) -> None:
        """Take the load from a session. With a file in it every frame is looked at: a file waits, and drops nothing."""
        if all(lane.live for lane in session.lanes):
            self._session = session

    def every(self, camera: str) -> int:
        """Return in every how many frames of a camera to look. Called for each frame."""
        if camera not in self._trackers:
            return 1
        if self.fixed:
            return self.fixed
        session, now = self._session, self._clock()
        if session is not None:
            with self._looking:
                if self._seen is None or now - self._seen[0] >= LOOK_SECONDS:
                    self._look(session, now)
        return self._policy.every

    def expected(self, camera: str, *moments: float) -> Sequence[Tuple[Face, ...]]:
        """Return where the faces of a camera are likely to be, as `fer_edge.track.Tracker.expected` does."""
        tracker = self._trackers.get(camera)
        return tracker.expected(*moments) if tracker is not None else ()

    def _look(self, session: Session, now: float) -> None:
        balance = session.balance()
        before, self._seen = self._seen, (now, balance.captured, balance.dropped)
        if before is None:
            return
        then, captured_before, dropped_before = before
        captured, dropped = balance.captured - captured_before, balance.dropped - dropped_before
        stages = session.rates().stages
        detection = stages[DETECTION]
        others = [rate.capacity for name, rate in stages.items() if name != DETECTION and rate.capacity > 0]
        self._policy.look(
            Load(
                arriving=captured / (now - then),
                dropped=dropped / captured if captured else 0.0,
                detection=detection.capacity,
                busy=min(1.0, detection.achieved / detection.capacity) if detection.capacity > 0 else 0.0,
                others=min(others, default=math.inf),
                hot=self._hot(),
            ),
            now,
        )


EVERY_FRAME = DetectionTurns()
"""Looks at each."""


def turns_of(
    settings: Settings,
    trackers: Mapping[str, Optional[Tracker]],
    hot: Callable[[], bool] = lambda: False,
    clock: Clock = time.monotonic,
) -> DetectionTurns:
    """Return the turns that settings ask for.

    Raises
    ------
    UsageError
        Frames are to be left out, and faces are not followed, or none is to be seen.
    """
    asked = settings.tracks.detect_every
    if settings.analysis.blur:
        if asked not in (AUTO, "1"):
            with settings.located("detect_every"):
                raise UsageError(
                    f"With --blur no face is to be seen, and in the frames that --detect-every {asked} leaves out one that "
                    "comes, or that a cut brings, would be.",
                    "Leave out --detect-every, or --blur.",
                )
        return DetectionTurns()
    if not settings.tracks.on and asked not in (AUTO, "1"):
        with settings.located("detect_every"):
            raise UsageError(
                f"With --tracks off nobody knows where faces are in the frames that --detect-every {asked} leaves out.",
                "Leave out --detect-every, or --tracks off.",
            )
    followed = {camera: tracker for camera, tracker in trackers.items() if tracker is not None}
    return DetectionTurns(followed, 0 if asked == AUTO else int(asked), hot, clock)
