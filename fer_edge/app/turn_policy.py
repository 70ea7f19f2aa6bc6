"""Decides in every how many frames a board that is hot or too slow looks for faces."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace

logger = logging.getLogger("fer_edge")

MOST = 3
"""Beyond every third frame boxes lag behind heads that turn."""

SPACING = 5.0
"""Least seconds between two changes: half of the window over which rates are taken, so that a change shows in them."""

GAIN = 0.25
"""Looking less often must bring so much more frames, as a share of what the detector reaches: a predicted box is worse than one
that was found."""

ROOM = 1.1
"""By so much the detector must be faster than needed before it gets more to do. Between this and `GAIN` lies what keeps a board
that is just fast enough from going to and fro."""

CALM = 30.0
"""Seconds for which it must have had that room."""

COOL = 300.0
"""Seconds that heat counts after it was last seen; the board's own warnings wait as long."""

BUSY = 0.8
"""Share of the time in which the detector works, from which on it is what frames wait for, and nothing behind it."""

DROPPED = 0.05
"""Share of the captured frames that are dropped from which on a board counts as too slow; single ones are dropped on any."""


@dataclass(frozen=True)
class Load:
    """What a board has to do and can do, over the last seconds.

    Attributes
    ----------
    arriving : float
        Frames per second that the cameras gave together.
    dropped : float
        Share of them that was dropped, from 0 to 1.
    detection : float
        Frames per second that the detector can look at; 0 where nothing was measured.
    busy : float
        Share of the time in which the detector worked, from 0 to 1.
    others : float
        The least frames per second that another stage can take; infinite where nothing was measured.
    hot : bool
        Whether heat slows the board down.
    """

    arriving: float
    dropped: float
    detection: float
    busy: float
    others: float = math.inf
    hot: bool = False

    @property
    def ratio(self) -> float:
        """How many times as many frames as the detector can look at there are to be analysed; 0 where nobody knows."""
        return min(self.arriving, self.others) / self.detection if self.detection > 0 else 0.0


def needed(load: Load) -> int:
    """Return in every how many frames to look so that the detector holds nothing up, from 1 to `MOST`.

    Examples
    --------
    >>> needed(Load(arriving=30, dropped=0.5, detection=15, busy=1.0))
    2
    >>> needed(Load(arriving=30, dropped=0.0, detection=60, busy=0.5))
    1
    >>> needed(Load(arriving=30, dropped=0.0, detection=60, busy=0.5, hot=True))
    2
    """
    slow = load.dropped >= DROPPED and load.busy >= BUSY
    return max(2 if load.hot else 1, _within(load.ratio - GAIN) if slow else 1)


def spared(load: Load) -> int:
    """Return in every how many frames looking would keep pace with room to spare, from 1 to `MOST`."""
    return max(2 if load.hot else 1, _within(load.ratio * ROOM))


class TurnPolicy:
    """Follows the load: up as soon as it pays, down only after the board had room to spare for a while.

    Examples
    --------
    >>> policy = TurnPolicy()
    >>> policy.look(Load(arriving=30, dropped=0.4, detection=18, busy=1.0), now=0.0)
    2
    >>> policy.look(Load(arriving=30, dropped=0.0, detection=40, busy=0.4), now=10.0)
    2
    >>> policy.look(Load(arriving=30, dropped=0.0, detection=40, busy=0.4), now=40.0)
    1
    """

    def __init__(self) -> None:
        self.every = 1
        self._changed_at = -math.inf
        self._hot_at = -math.inf
        self._calm_since = -math.inf
        self._least = 1
        """The least that had room to spare at every moment since `_calm_since`."""

    def look(self, load: Load, now: float) -> int:
        """Take the load at a moment of the monotonic clock, and return in every how many frames to look from now on."""
        if load.hot:
            self._hot_at = now
        enough = max(spared(load), 2 if now - self._hot_at < COOL else 1)
        if enough < self.every:
            self._least = max(self._least, enough)
        else:
            self._calm_since, self._least = now, 1
        if now - self._changed_at >= SPACING:
            if needed(load) > self.every:
                self._change(needed(load), load, now)
            elif enough < self.every and now - self._calm_since >= CALM:
                self._change(self._least, load, now)
        return self.every

    def _change(self, every: int, load: Load, now: float) -> None:
        if every < self.every:
            reason, why = "pace", f"it can look at {load.detection:.1f} frames a second, and {load.arriving:.1f} come"
        elif needed(replace(load, hot=False)) < every:
            reason, why = "heat", "heat slows the board down"
        else:
            reason, why = "slow", f"it can look at {load.detection:.1f} of {load.arriving:.1f} frames a second"
        self.every, self._changed_at = every, now
        self._calm_since, self._least = now, 1
        logger.info(
            "faces are looked for in %s: %s",
            in_words(every),
            why,
            extra={
                "event": "detection_turns",
                "every": every,
                "reason": reason,
                "arriving": round(load.arriving, 1),
                "detection": round(load.detection, 1),
            },
        )


def in_words(every: int) -> str:
    """Return in which frames faces are looked for, for people: "every frame", "every 2nd frame"."""
    return {1: "every frame", 2: "every 2nd frame", 3: "every 3rd frame"}[every]


def _within(wanted: float) -> int:
    return math.ceil(min(float(MOST), max(1.0, wanted)))
