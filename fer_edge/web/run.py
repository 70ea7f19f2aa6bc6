"""What the server is told of a run, and how the API tells it on."""

from __future__ import annotations

import platform
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Tuple

from fer_edge.board.cores import usable_core_time
from fer_edge.service.health import CameraHealth, Health, silence
from fer_edge.sinks.lines import iso, number
from fer_edge.system.clock import Clock
from fer_edge.types import Rates
from fer_edge.version import __version__
from fer_edge.web.hub import Hub

MOST_VIEWERS = 20
"""Streams of pictures at a time, where nobody asks for another number."""


class MachineShare:
    """How much of the processor time that this process may use it used lately.

    Parameters
    ----------
    clock, used : callable, optional
        Seconds that passed, and seconds of processor time.
    """

    def __init__(self, clock: Clock = time.monotonic, used: Clock = time.process_time) -> None:
        self._clock, self._used = clock, used
        self._lock = threading.Lock()
        self._last = clock(), used()
        self._share: Optional[float] = None

    def __call__(self) -> Optional[float]:
        """Return the share of the last second or more, from 0 to 1; None before that."""
        with self._lock:
            now, used = self._clock(), self._used()
            passed = now - self._last[0]
            if passed >= 1.0:
                self._share = min(1.0, max(0.0, (used - self._last[1]) / passed / usable_core_time()))
                self._last = now, used
            return self._share


@dataclass(frozen=True)
class WebRun:
    """What can be asked about.

    Attributes
    ----------
    health : callable
        Says how the run is. It, `metrics` and `history` are called in threads of their own.
    metrics : callable, optional
        Gives the content type and the text of ``/metrics``.
    hub : Hub
        Has the results.
    temperature : callable
        Degrees Celsius of the board's hottest place; None where it does not say.
    pictures : bool
        Whether pictures are shown.
    viewers : int
        Streams of pictures at a time.
    names : sequence of str
        Under which the program may be asked, beside its addresses and the machine's own.
    history : callable, optional
        Gives rows of the history: camera (or None), from, to, ``states`` or ``minutes``, and how many at most. Raises
        UsageError for a camera that it does not know.
    share : callable
        The share of the machine that the program uses, from 0 to 1; None where it is not known yet.
    """

    health: Callable[[], Health]
    metrics: Optional[Callable[[], Tuple[str, bytes]]] = None
    hub: Hub = field(default_factory=Hub)
    temperature: Callable[[], Optional[float]] = lambda: None
    pictures: bool = True
    viewers: int = MOST_VIEWERS
    names: Sequence[str] = ()
    history: Optional[Callable[..., Sequence[Mapping[str, Any]]]] = None
    share: Callable[[], Optional[float]] = field(default_factory=MachineShare)

    def cameras(self) -> Dict[str, Any]:
        """Return how the run and its cameras are, as ``/api/cameras`` tells it."""
        health = self.health()
        temperature, share = self.temperature(), self.share()
        return {
            "version": __version__,
            "host": platform.node(),
            "pictures": self.pictures,
            "time": iso(datetime.now(timezone.utc)),
            "session": {
                "fps": _fps(health.rates),
                "share": None if share is None else number(share, 3),
                "temperature_c": None if temperature is None else number(temperature, 1),
                "health": {"status": health.status, "reasons": list(health.reasons)},
            },
            "cameras": [self._camera(name, camera) for name, camera in health.cameras.items()],
        }

    def _camera(self, name: str, camera: CameraHealth) -> Dict[str, Any]:
        state, trouble = camera_state(camera)
        newest = self.hub.newest(name)
        return {
            "name": name,
            "state": state,
            "trouble": trouble,
            "size": None if newest is None else list(newest.frame.image.shape[1::-1]),
            "fps": _fps(camera.rates),
            "persons": 0 if newest is None or state != "live" else len(newest.faces),
        }


def camera_state(camera: CameraHealth) -> Tuple[str, str]:
    """Return how a camera is - ``live``, ``waiting`` for its first image, ``lost`` or ``ended`` - and why it gives nothing."""
    if camera.ended:
        return "ended", camera.trouble
    if camera.age is None:
        return "waiting", camera.trouble
    trouble = camera.trouble or silence(camera)
    return ("lost" if trouble else "live"), trouble


def _fps(rates: Rates) -> Dict[str, Optional[float]]:
    capacities = dict(rates.capacities())
    return {
        "total": number(rates.total, 2),
        **{name: number(capacities.get(name, 0.0), 2) for name in ("classification", "detection")},
    }
