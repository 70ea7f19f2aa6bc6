"""How a run is: healthy, degraded or down, and why."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterable, Optional, Tuple

from fer_edge.system.clock import Clock
from fer_edge.system.one_line import one_line
from fer_edge.types import Rates

HEALTHY, DEGRADED, DOWN = "healthy", "degraded", "down"

STALLED_AFTER = 10.0
"""Seconds without an analysed frame after which a run counts as down."""


@dataclass(frozen=True)
class Health:
    """How a run is at one moment.

    Attributes
    ----------
    status : str
        ``healthy``, ``degraded`` (it works, but not as it should) or ``down`` (no results come).
    reasons : tuple of str
        Why it is not healthy, for people.
    uptime : float
        Seconds since the run began.
    frames : int
        Analysed so far.
    age : float or None
        Seconds since the last analysed frame; None before the first.
    rates : Rates
        The FPS figures.
    """

    status: str
    reasons: Tuple[str, ...]
    uptime: float
    frames: int
    age: Optional[float]
    rates: Rates

    def to_json(self) -> Dict[str, Any]:
        """Return what ``/healthz`` answers."""
        return {
            "status": self.status,
            "reasons": list(self.reasons),
            "uptime_s": round(self.uptime, 1),
            "frames": self.frames,
            "last_frame_age_s": None if self.age is None else round(self.age, 3),
            "fps": {
                "total": round(self.rates.total, 2),
                **{name: round(capacity, 2) for name, capacity in self.rates.capacities()},
            },
        }


class HealthMonitor:
    """Is told of each analysed frame, and says from any thread how the run is.

    Parameters
    ----------
    rates : callable
        Gives the FPS figures of now, from any thread.
    troubles : callable, optional
        Gives what does not work as it should, from any thread.
    clock : callable, optional
        Monotonic seconds.
    """

    def __init__(
        self,
        rates: Callable[[], Rates],
        troubles: Callable[[], Iterable[str]] = tuple,
        clock: Clock = time.monotonic,
    ) -> None:
        self._rates = rates
        self._troubles = troubles
        self._clock = clock
        self._lock = threading.Lock()
        self._begun = clock()
        self._frames = 0
        self._last: Optional[float] = None

    def frame_analysed(self) -> None:
        """Note that a result came."""
        with self._lock:
            self._frames += 1
            self._last = self._clock()

    def health(self) -> Health:
        """Return how the run is."""
        with self._lock:
            now, frames, last = self._clock(), self._frames, self._last
        age = None if last is None else now - last
        # A camera's own words may be among them.
        troubles = tuple(map(one_line, self._troubles()))
        status = DEGRADED if troubles else HEALTHY
        if age is None:
            status, troubles = DOWN, ("no frame was analysed yet", *troubles)
        elif age > STALLED_AFTER:
            status, troubles = DOWN, (f"no frame was analysed for {age:.0f} s", *troubles)
        return Health(status, troubles, now - self._begun, frames, age, self._rates())
