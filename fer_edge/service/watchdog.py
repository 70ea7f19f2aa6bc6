"""What is done for a run several times a second: look after its threads, and tell the service manager how it is."""

from __future__ import annotations

import time
from typing import Callable

from fer_edge.service.health import DOWN, Health
from fer_edge.service.sd_notify import Notifier
from fer_edge.system.clock import Clock
from fer_edge.types import FrameBalance

TICK = 0.25
"""Seconds between two looks."""

STATUS_SECONDS = 5.0
"""Seconds between two lines of status, which ``systemctl status`` shows."""

EXTENSION = 60.0
"""Seconds by which the start may last longer, said anew at every line of status until the first frame was analysed."""

PATIENCE = 30.0
"""Seconds within which a frame that came in must make one go out."""

PREPARING_PATIENCE = 90.0
"""The same while a stage is being built anew or called for the first time since: engines and GPU libraries are loaded."""

FIRST_PATIENCE = 150.0
"""The same before the first frame came out; longer than a first call may take, after which the supervisor steps in."""

LONGEST_TICK = 1.0
"""Seconds that one look counts at most, so that a stop of the whole process is not held against a stage."""


class FlowCheck:
    """Judges whether every stage makes progress: frames that come in also go out.

    A source without frames holds nobody up: it is opened again and again, which is progress.

    Parameters
    ----------
    clock : callable, optional
        Monotonic seconds.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._looked_at = clock()
        self._emitted = 0
        self._stuck = 0.0

    def look(self, balance: FrameBalance, preparing: bool = False) -> bool:
        """Take the counts of now, and whether a stage is being prepared, and tell."""
        now = self._clock()
        passed, self._looked_at = min(now - self._looked_at, LONGEST_TICK), now
        self._stuck = self._stuck + passed if balance.in_flight > 0 and balance.emitted == self._emitted else 0.0
        self._emitted = balance.emitted
        if not balance.emitted:
            return self._stuck < FIRST_PATIENCE
        return self._stuck < (PREPARING_PATIENCE if preparing else PATIENCE)


class Watchdog:
    """Looks after one run, from its own loop, so that a loop that hangs gives no sign of life.

    Parameters
    ----------
    notifier : Notifier
        The way to the service manager.
    look_after : callable
        Replaces threads that hang.
    balance, health, preparing : callable
        Give the counts of frames, how the run is, and whether a stage is being prepared.
    clock : callable, optional
        Monotonic seconds.
    """

    def __init__(
        self,
        notifier: Notifier,
        look_after: Callable[[], None],
        balance: Callable[[], FrameBalance],
        health: Callable[[], Health],
        preparing: Callable[[], bool] = lambda: False,
        clock: Clock = time.monotonic,
    ) -> None:
        self._notifier = notifier
        self._look_after = look_after
        self._balance = balance
        self._health = health
        self._preparing = preparing
        self._clock = clock
        self._progress = FlowCheck(clock)
        self._tick_at = self._status_at = self._sign_at = clock()
        self._ready = False

    def tick(self) -> None:
        """Do what is due; to be called at least ten times a second."""
        now = self._clock()
        if now < self._tick_at:
            return
        self._tick_at = now + TICK
        self._look_after()
        balance = self._balance()
        progress = self._progress.look(balance, self._preparing())
        if not self._ready and balance.emitted > 0:
            self._ready = self._notifier.send(READY=1, STATUS=describe(self._health()))
            self._status_at = now + STATUS_SECONDS
        elif now >= self._status_at:
            self._status_at = now + STATUS_SECONDS
            self._notifier.send(STATUS=describe(self._health()))
            if not self._ready and progress:
                self._notifier.send(EXTEND_TIMEOUT_USEC=round(EXTENSION * 1e6))
        watchdog = self._notifier.watchdog
        if watchdog is not None and progress and now >= self._sign_at and self._notifier.send(WATCHDOG=1):
            self._sign_at = now + watchdog / 2

    def stopping(self) -> None:
        """Tell the service manager that the run comes to its end."""
        self._notifier.send(STOPPING=1, STATUS="stopping")


def describe(health: Health) -> str:
    """Return a line for ``systemctl status``: the three FPS figures, or what is wrong."""
    rates = health.rates
    figures = (
        ", ".join(
            [f"FPS total {rates.total:.1f}", *(f"{name} {capacity:.1f}" for name, capacity in rates.capacities())]
        )
        + f"; {health.frames} frames"
    )
    reasons = "; ".join(health.reasons)
    if health.status == DOWN:
        return f"down: {reasons}"
    return f"{figures} ({reasons})" if reasons else figures
