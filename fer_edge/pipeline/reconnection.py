"""Decides what becomes of one camera's source that failed, ended or stalled."""

from __future__ import annotations

import logging
import threading
import time
from typing import Callable, Dict, Optional, Set, Tuple

from fer_edge.capture.base import Source
from fer_edge.errors import FerEdgeError
from fer_edge.pipeline.retry import Backoff
from fer_edge.system.clock import Clock

logger = logging.getLogger("fer_edge")

STEADY_AFTER = 30.0
"""Seconds for which a source must have worked, so that its next failure begins a new series; longer than a frozen image is
watched, so that a source which comes and goes is not opened twice a second, with two lines in the log each time."""


class Reconnection:
    """Keeps the source of one lane: it is opened anew, for ever, with growing delays. A line in the log per change.

    Parameters
    ----------
    reopen : callable, optional
        Makes a new source. What it raises counts as a failed opening. Without it, the first error ends the lane.
    from_the_start : callable
        Tells whether a source that could not be opened even the first time is tried again; else its error ends the lane.
    backoff : Backoff, optional
        Delays between attempts.
    clock : callable, optional
        Monotonic seconds.
    camera : str
        The lane's name, for the log where there are several; empty where there is one.
    """

    def __init__(
        self,
        reopen: Optional[Callable[[], Source]],
        from_the_start: Callable[[], bool] = lambda: False,
        backoff: Optional[Backoff] = None,
        clock: Clock = time.monotonic,
        camera: str = "",
    ) -> None:
        self._reopen = reopen
        self._from_the_start = from_the_start
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._camera = camera
        self._lock = threading.Lock()
        self._seen = False
        self._lost: Optional[Tuple[float, str]] = None
        self._error: Optional[BaseException] = None
        self._found_at: Optional[float] = None
        self._told = False
        self._kinds: Set[type] = set()
        self._attempts = 0
        self._undecodable = 0
        self._reconnects = 0

    @property
    def seen(self) -> bool:
        """Whether a frame came, ever."""
        return self._seen

    @property
    def reconnects(self) -> int:
        """How often a lost source came back."""
        return self._reconnects

    @property
    def undecodable(self) -> int:
        """Images that were left out because they could not be decoded."""
        return self._undecodable

    @property
    def last_error(self) -> Optional[BaseException]:
        """Why the source was last lost; None where it never was, or came to its end."""
        return self._error

    def lost(self, error: Optional[BaseException]) -> Optional[float]:
        """Return after how many seconds the source shall be opened anew; None when this ends the lane.

        Parameters
        ----------
        error : BaseException or None
            What went wrong; None when the source came to its end.
        """
        if self._reopen is None:
            return None
        # A fault of the program would come again.
        waits = error is None or isinstance(error, FerEdgeError)
        if not self._seen and not (waits and self._from_the_start()):
            return None
        self._error = error
        with self._lock:
            now = self._clock()
            if self._found_at is not None and now - self._found_at >= STEADY_AFTER:
                self._attempts = 0
                self._kinds.clear()
                self._backoff.reset()
            self._found_at = None
            delay = self._backoff.next()
            reason = "it ended" if error is None else str(getattr(error, "message", error))
            # Since the first failure, but why the latest: a camera that was unplugged may be in use by another program now.
            self._lost = (now if self._lost is None else self._lost[0], reason)
            self._attempts += 1
            attempts = self._attempts
        # The first failures tell what is wrong, and each new kind of failure; a line for each of thousands would only fill the
        # journal.
        tell = attempts <= 3 or attempts & (attempts - 1) == 0 or type(error) not in self._kinds
        self._kinds.add(type(error))
        # Whoever was told of the loss is told of its end, too.
        self._told = self._told or tell
        remedy = str(getattr(error, "remedy", ""))
        fields = {"event": "source_lost", "reason": reason, "attempt": attempts, "retry_in_s": round(delay, 1)}
        logger.log(
            logging.WARNING if tell else logging.DEBUG,
            "%s is lost: %s Trying again in %.1f s (attempt %d).%s",
            self._name(),
            reason,
            delay,
            attempts,
            f" {remedy}" if attempts == 1 and remedy else "",
            extra={**fields, **self._label(), **({"remedy": remedy} if remedy else {})},
        )
        return delay

    def reopen(self) -> Source:
        """Return a new source, after `lost` has said that there shall be one."""
        if self._reopen is None:
            raise ValueError("this source is not opened anew")
        return self._reopen()

    def found(self) -> None:
        """Note that a frame came: the source works."""
        if self._seen and self._lost is None:
            return
        with self._lock:
            self._seen = True
            self._found_at = self._clock()
            lost, self._lost = self._lost, None
            if lost is None:
                return
            self._reconnects += 1
        away = self._clock() - lost[0]
        level, self._told = logging.WARNING if self._told else logging.DEBUG, False
        fields = {"event": "source_back", "away_s": round(away, 1)}
        logger.log(level, "%s is back after %.1f s", self._name(), away, extra={**fields, **self._label()})

    def leave_out(self, error: FerEdgeError) -> None:
        """Note that an image was left out because it could not be decoded."""
        with self._lock:
            self._undecodable += 1
            count = self._undecodable
        level = logging.WARNING if count & (count - 1) == 0 else logging.DEBUG
        fields = {"event": "image_undecodable", "reason": error.message, "count": count}
        what = f"an image of {self._camera}" if self._camera else "an image"
        logger.log(
            level, "%s is left out, number %d so far: %s", what, count, error.message, extra={**fields, **self._label()}
        )

    def trouble(self) -> str:
        """Return since when and why the source is lost, for people; empty while it works."""
        lost = self._lost
        return "" if lost is None else f"the source is lost since {self._clock() - lost[0]:.0f} s: {lost[1]}"

    def _name(self) -> str:
        return f"camera {self._camera}" if self._camera else "the source"

    def _label(self) -> Dict[str, str]:
        return {"camera": self._camera} if self._camera else {}
