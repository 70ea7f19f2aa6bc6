"""How a run is: healthy, degraded or down, and why."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Protocol, Sequence, Tuple

from fer_edge.system.clock import Clock
from fer_edge.system.one_line import one_line
from fer_edge.types import Rates

HEALTHY, DEGRADED, DOWN = "healthy", "degraded", "down"

STALLED_AFTER = 10.0
"""Seconds without an analysed frame after which a run counts as down."""


class Watched(Protocol):
    """A camera of a session, as `fer_edge.pipeline.lane.Lane` is one."""

    name: str
    ended: bool

    def rates(self) -> Rates:
        """Return the FPS figures of this camera."""

    def trouble(self) -> str:
        """Return what is wrong with its source; empty while it works."""


@dataclass(frozen=True)
class CameraHealth:
    """How one camera is at one moment.

    Attributes
    ----------
    frames : int
        Analysed so far.
    age : float or None
        Seconds since the last analysed frame; None before the first.
    rates : Rates
        The FPS figures of this camera.
    trouble : str
        What is wrong with it, for people; empty where nothing is.
    ended : bool
        Whether nothing more will come of it: a file was read to its end, or an error was final.
    """

    frames: int
    age: Optional[float]
    rates: Rates
    trouble: str = ""
    ended: bool = False

    def to_json(self) -> Dict[str, Any]:
        """Return what ``/healthz`` answers of it."""
        return {
            "frames": self.frames,
            "last_frame_age_s": None if self.age is None else round(self.age, 3),
            "fps": _fps(self.rates),
            "trouble": self.trouble,
            "ended": self.ended,
        }


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
        The FPS figures of all cameras together.
    cameras : mapping of str to CameraHealth
        By name.
    """

    status: str
    reasons: Tuple[str, ...]
    uptime: float
    frames: int
    age: Optional[float]
    rates: Rates
    cameras: Mapping[str, CameraHealth] = field(default_factory=dict)

    def to_json(self) -> Dict[str, Any]:
        """Return what ``/healthz`` answers."""
        return {
            "status": self.status,
            "reasons": list(self.reasons),
            "uptime_s": round(self.uptime, 1),
            "frames": self.frames,
            "last_frame_age_s": None if self.age is None else round(self.age, 3),
            "fps": _fps(self.rates),
            "cameras": {name: camera.to_json() for name, camera in self.cameras.items()},
        }


def _fps(rates: Rates) -> Dict[str, float]:
    return {
        "total": round(rates.total, 2),
        **{name: round(capacity, 2) for name, capacity in rates.capacities()},
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
    cameras : sequence of Watched
        Each is told of by itself; of several, one that gives nothing makes the run degraded.
    """

    def __init__(
        self,
        rates: Callable[[], Rates],
        troubles: Callable[[], Iterable[str]] = tuple,
        clock: Clock = time.monotonic,
        cameras: Sequence[Watched] = (),
    ) -> None:
        self._cameras = cameras
        self._rates = rates
        self._troubles = troubles
        self._clock = clock
        self._lock = threading.Lock()
        self._begun = clock()
        self._frames = 0
        self._last: Optional[float] = None
        self._of_cameras: Dict[str, Tuple[int, float]] = {}

    def frame_analysed(self, camera: str = "") -> None:
        """Note that a result came from a camera."""
        with self._lock:
            self._frames += 1
            self._last = self._clock()
            self._of_cameras[camera] = self._of_cameras.get(camera, (0, 0.0))[0] + 1, self._last

    def health(self) -> Health:
        """Return how the run is."""
        with self._lock:
            now, frames, last = self._clock(), self._frames, self._last
            of_cameras = dict(self._of_cameras)
        age = None if last is None else now - last
        # A camera's own words may be among them.
        troubles = tuple(map(one_line, self._troubles()))
        cameras = {one.name: self._camera(one, of_cameras.get(one.name), now) for one in self._cameras}
        if len(cameras) > 1 and frames:
            silent = {name: silence(one) for name, one in cameras.items() if not one.trouble and not one.ended}
            troubles += tuple(f"camera {name}: {why}" for name, why in silent.items() if why)
        status = DEGRADED if troubles else HEALTHY
        if age is None:
            status, troubles = DOWN, ("no frame was analysed yet", *troubles)
        elif age > STALLED_AFTER:
            status, troubles = DOWN, (f"no frame was analysed for {age:.0f} s", *troubles)
        return Health(status, troubles, now - self._begun, frames, age, self._rates(), cameras)

    @staticmethod
    def _camera(camera: Watched, seen: Optional[Tuple[int, float]], now: float) -> CameraHealth:
        frames, age = (0, None) if seen is None else (seen[0], now - seen[1])
        return CameraHealth(frames, age, camera.rates(), one_line(camera.trouble()), camera.ended)


def silence(camera: CameraHealth) -> str:
    """Return since when nothing came from a camera, for people; empty while frames come."""
    if camera.age is None:
        return "no frame was analysed yet"
    return f"no frame was analysed for {camera.age:.0f} s" if camera.age > STALLED_AFTER else ""
