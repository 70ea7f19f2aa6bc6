"""Takes samples of the program under observation, until the time is over or the program is gone."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Callable, Dict, List

from fer_edge.errors import NotHealthy, UsageError
from fer_edge.soak.cameras import frames_analysed
from fer_edge.soak.program import Program
from fer_edge.soak.verdict import Sample

START_SECONDS = 3600.0
"""Longest wait for the first frame: building an engine takes minutes on a small board."""

SILENCE = 60.0
"""Seconds without an answer after which the program counts as lost. A machine that is busy with something else may cost one."""

PERIOD, MOST_SAMPLES = 0.5, 3600
"""Seconds between two samples, at the least, and how many there may be."""


class Watch:
    """What was seen of a program.

    Parameters
    ----------
    program : Program
        Running; the first frame may be still to come.
    seconds : float
        How long to watch, from the first frame on.
    clock : callable
        Monotonic seconds.

    Attributes
    ----------
    samples : list of Sample
        What it used, in the order of time.
    figures : dict of str to float
        Its last answer.
    misses : int
        How many times it did not answer.
    ended : bool
        It ended by itself.
    failure : str
        Why there are no more samples, for people; empty when the time was over.
    """

    def __init__(self, program: Program, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.samples: List[Sample] = []
        self.figures: Dict[str, float] = {}
        self.misses = 0
        self.ended = False
        self.failure = ""
        self._program = program
        self._seconds = seconds
        self._clock = clock

    def run(self, stop: threading.Event, progress: Callable[[str], None]) -> None:
        """Take samples until the time is over, `stop` is set or the program is lost.

        Raises
        ------
        NotHealthy
            The program was lost before there was a sample.
        UsageError
            `stop` was set before there was a sample.
        """
        self._wait_for_frames(stop)
        began = answered = self._clock()
        period = max(PERIOD, self._seconds / MOST_SAMPLES)
        while True:
            try:
                self._take_sample(began, progress)
                answered = self._clock()
            except NotHealthy:
                self.misses += 1
                self._look_for_failure(answered, began)
                if self.failure:
                    return
            left = began + self._seconds - self._clock()
            if left <= 0 and self.samples:
                return
            if stop.wait(min(period, left) if left > 0 else period):
                break
        if not self.samples:
            raise UsageError("The soak was stopped before the first sample.", "Nothing was measured.")

    def _take_sample(self, began: float, progress: Callable[[str], None]) -> None:
        now = self._clock() - began
        # Before the question, as the answer takes a thread and a descriptor for a moment.
        used = self._program.sample(now)
        figures = self._program.figures()
        sample = replace(used, frames=frames_analysed(figures))
        self.figures = figures
        self.samples.append(sample)
        progress(f"{now / 60:5.1f} of {self._seconds / 60:g} minutes, {sample.frames} frames, {sample.memory:.1f} MB")

    def _look_for_failure(self, answered: float, began: float) -> None:
        code, now = self._program.exit_code, self._clock()
        if code is not None:
            self.ended = True
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            self.failure = f"the program ended by itself after {(now - began) / 60:.1f} minutes ({how})"
        elif now - answered >= SILENCE:
            self.failure = f"the program did not answer for {SILENCE:g} s, after {(answered - began) / 60:.1f} minutes"
        if self.failure and not self.samples:
            raise NotHealthy(
                f"{self.failure[0].upper()}{self.failure[1:]}, before the first sample.", "Its log says why."
            )

    def _wait_for_frames(self, stop: threading.Event) -> None:
        deadline = self._clock() + START_SECONDS
        while self._clock() < deadline:
            code = self._program.exit_code
            if code is not None:
                raise NotHealthy(
                    f"The program ended with exit code {code} before its first frame.", "Its message says why."
                )
            if stop.wait(0.2):
                raise UsageError("The soak was stopped before the first frame.", "Nothing was measured.")
            try:
                if frames_analysed(self._program.figures()) > 0:
                    return
            except NotHealthy:
                continue
        raise NotHealthy(f"No frame was analysed within {START_SECONDS:g} s.", "Try it without soak, and see its log.")
