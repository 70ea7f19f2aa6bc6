"""Rates, service times and percentiles, all on the monotonic clock."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from typing import Callable, Deque, Dict, Mapping, Sequence, Tuple

from fer_edge.distribution import Distribution, Histogram
from fer_edge.system.clock import Clock
from fer_edge.types import Rates, StageRate

WINDOW = 10.0
"""Seconds over which every live figure is taken."""


class RateMeter:
    """Events per second over a sliding window.

    N stamps span N-1 gaps, so the rate is (N-1) / (last - first). It is worked out when it is read, and falls once the next
    event is overdue, so that a source that stalled reads 0 and not its last value.
    """

    def __init__(self, clock: Clock = time.monotonic, window: float = WINDOW) -> None:
        self._clock = clock
        self._window = window
        self._stamps: Deque[float] = deque()

    def tick(self) -> None:
        """Count one event, now."""
        self._stamps.append(self._clock())
        self._expire()

    def rate(self) -> float:
        """Return the events per second; 0 while fewer than two are in the window."""
        self._expire()
        gaps = len(self._stamps) - 1
        if gaps < 1:
            return 0.0
        span = self._stamps[-1] - self._stamps[0]
        overdue = (self._clock() - self._stamps[-1]) - 2 * span / gaps
        span += max(0.0, overdue)
        return gaps / span if span > 0 else 0.0

    def _expire(self) -> None:
        oldest = self._clock() - self._window
        while self._stamps and self._stamps[0] < oldest:
            self._stamps.popleft()


class ServiceMeter:
    """The mean service time of a stage over a sliding window."""

    def __init__(self, clock: Clock = time.monotonic, window: float = WINDOW) -> None:
        self._clock = clock
        self._window = window
        self._samples: Deque[Tuple[float, float]] = deque()
        self._sum = 0.0
        self.count = 0
        self.histogram = Histogram()
        self.finished = RateMeter(clock, window)

    def record(self, seconds: float, idle: bool = False) -> None:
        """Count one frame that took `seconds` in the stage; one with nothing to do (`idle`) says nothing of its capacity."""
        now = self._clock()
        self.count += 1
        self.finished.tick()
        if not idle:
            self._samples.append((now, seconds))
            self._sum += seconds
            self.histogram.record(seconds)
        while self._samples and self._samples[0][0] < now - self._window:
            self._sum -= self._samples.popleft()[1]

    def mean(self) -> float:
        """Return the mean in seconds; 0 when nothing was measured."""
        return max(self._sum, 0.0) / len(self._samples) if self._samples else 0.0


class FlowMeter:
    """The FPS figures of a lane, or of a whole session. Any thread may record and read.

    Parameters
    ----------
    figures : mapping of str to str
        By stage name, what the rate of the stage is called.
    clock : callable, optional
        Monotonic seconds.
    workers : callable, optional
        Gives, by stage name, how many threads work on frames at once; without it, one in each.
    """

    def __init__(
        self,
        figures: Mapping[str, str],
        clock: Clock = time.monotonic,
        workers: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self._figures = figures
        self._workers = workers
        self._clock = clock
        self._lock = threading.Lock()
        self._stages: Dict[str, ServiceMeter] = {}
        self._emitted = RateMeter(clock)
        self._latency = Histogram()

    def record_stage(self, stage: str, seconds: float, idle: bool = False) -> None:
        """Count one frame that spent `seconds` in `stage`, which had nothing to do with it if it was `idle`."""
        with self._lock:
            if stage not in self._stages:
                self._stages[stage] = ServiceMeter(self._clock)
            self._stages[stage].record(seconds, idle)

    def counts(self) -> Dict[str, int]:
        """Give, by stage name, how many frames it finished since the beginning."""
        with self._lock:
            return {name: stage.count for name, stage in self._stages.items()}

    def record_emitted(self, latency: float) -> None:
        """Count one frame that went through the whole chain, `latency` seconds after it was captured."""
        with self._lock:
            self._emitted.tick()
            self._latency.record(latency)

    def service_times(self) -> Dict[str, Distribution]:
        """Return the service times by stage; frames that gave a stage nothing to do are left out."""
        with self._lock:
            return {name: stage.histogram.distribution() for name, stage in self._stages.items()}

    def latency(self) -> Distribution:
        """Return the times from capture to emission."""
        with self._lock:
            return self._latency.distribution()

    def rates(self) -> Rates:
        """Return all figures as of now."""
        with self._lock:
            means = {name: stage.mean() for name, stage in self._stages.items()}
            achieved = {name: stage.finished.rate() for name, stage in self._stages.items()}
            total = self._emitted.rate()
        workers = self._workers()
        stages = {
            figure: StageRate(workers.get(name, 1) * per_second(means.get(name, 0.0)), achieved.get(name, 0.0))
            for name, figure in self._figures.items()
        }
        return Rates(total, stages, per_second(sum(means.values())))


def per_second(seconds: float) -> float:
    """Turn a mean service time into a capacity: 1 / `seconds`, or 0 when nothing was measured."""
    return 1.0 / seconds if seconds > 0 else 0.0


def percentile(samples: Sequence[float], percent: float) -> float:
    """Return a percentile by nearest rank: the smallest sample that at least `percent` % of the samples do not exceed.

    Parameters
    ----------
    samples : sequence of float
        In any order; at least one.
    percent : float
        Above 0, at most 100.

    Returns
    -------
    float
        One of the samples; NaN where there are too few to say: none at all, or under 100 for a percentile of 99 or more.
    """
    if not 0 < percent <= 100:
        raise ValueError(f"a percentile lies above 0 and at most at 100, not at {percent}")
    if not samples or (percent >= 99 and len(samples) < 100):
        return math.nan
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]
