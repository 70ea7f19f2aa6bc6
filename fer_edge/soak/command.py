"""``fer-edge soak``: hours of work in a few lines."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping, Optional

from fer_edge.arguments import given_settings, limit
from fer_edge.benchmark.environment import describe_environment, describe_heat
from fer_edge.benchmark.output import ReportFile
from fer_edge.errors import GateMissed, NotHealthy, UsageError
from fer_edge.settings import Settings, load_settings, settings_file
from fer_edge.soak.program import Program
from fer_edge.soak.verdict import FRAMES, MOST_GROWTH, Sample, Verdict, judge

START_SECONDS = 3600.0
"""Longest wait for the first frame: building an engine takes minutes on a small board."""

DEMO_FPS = "1000"
"""More than any machine analyses, so that an hour's worth of frames passes in minutes."""

WARM_UP_SHARE, LONGEST_WARM_UP = 0.25, 300.0
"""What does not count, as a share of the whole time and in seconds: caches fill, the allocator finds its size."""

MOST_SAMPLES = 3600


def add_soak_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what only this verb takes."""
    parser.add_argument(
        "--minutes", type=limit, default=10.0, metavar="N", help="how long, from the first frame on (default: 10)"
    )
    parser.add_argument("--report", default="", metavar="FILE", help="write samples and verdict as JSON there")


def run_soak(
    options: argparse.Namespace, stop: threading.Event, progress: Callable[[str], None] = lambda line: None
) -> int:
    """Run the program, watch it, and print what came out; gives the exit code 0.

    Raises
    ------
    GateMissed
        Something grew, was restarted or did not end in order; the table was printed.
    NotHealthy
        The program ended by itself, or does not answer.
    UsageError
        An option contradicts the purpose, or the time is too short to tell.
    """
    given, _ = given_settings(options)
    settings = load_settings(given, file=settings_file(options.config))
    _refuse_contradictions(settings)
    if settings.camera == "auto":
        settings = replace(settings, camera="demo")
        given = {"camera_fps": DEMO_FPS, **given, "camera": "demo"}
    seconds = 60.0 * options.minutes
    if seconds <= 0:
        raise UsageError("A soak of 0 minutes tells nothing.", "Give --minutes 10 or more; hours are better.")
    with ReportFile(options.report) as report:
        program = Program(_arguments(given, options.config), settings.token)
        samples: List[Sample] = []
        try:
            figures = _watch(program, seconds, samples, stop, progress)
        finally:
            progress("")
            code = program.stop()
        outcome = Outcome(samples, figures, code, settings.camera)
        report.write(json.dumps(outcome.to_json(), indent=2) + "\n")
    sys.stdout.write(f"{outcome}\n")
    if outcome.complaints:
        raise GateMissed(f"The soak found: {'; '.join(outcome.complaints)}.", "The report (--report) has every sample.")
    return 0


class Outcome:
    """What a soak came to.

    Parameters
    ----------
    samples : sequence of Sample
        What was measured.
    figures : mapping of str to float
        The last answer of ``/metrics``.
    code : int
        The exit code after SIGTERM.
    source : str
        What was watched.
    """

    def __init__(self, samples: List[Sample], figures: Mapping[str, float], code: int, source: str) -> None:
        self._samples = samples
        self._figures = figures
        self._code = code
        self._source = source
        self._seconds = samples[-1].seconds
        self._warm_up = min(LONGEST_WARM_UP, WARM_UP_SHARE * self._seconds)
        self._too_short = ""
        self._verdict: Optional[Verdict] = None
        try:
            self._verdict = judge(samples, self._warm_up)
        except ValueError as error:
            self._too_short = str(error)

    @property
    def complaints(self) -> List[str]:
        """What was not as it should be."""
        found = list(self._verdict.complaints) if self._verdict else [f"{self._too_short}; give more --minutes"]
        restarts = sum(
            count for name, count in self._figures.items() if name.startswith("fer_edge_stage_restarts_total")
        )
        if restarts:
            found.append(f"stages were built anew {restarts:.0f} times")
        captured, emitted, dropped, in_flight = self._balance()
        if captured != emitted + dropped + in_flight:
            found.append(f"frames were lost: {captured} captured, {emitted} emitted, {dropped} dropped")
        if self._code:
            found.append(f"the program did not end in order (exit code {self._code})")
        return found

    def __str__(self) -> str:
        """Give the table for people."""
        captured, emitted, dropped, _ = self._balance()
        rate = self._samples[-1].frames / self._seconds if self._seconds else 0.0
        lines = [
            f"{self._seconds / 60:.1f} minutes of {self._source}: {emitted} frames analysed ({rate:.1f} per second), "
            f"{dropped} of {captured} dropped",
        ]
        verdict = self._verdict
        if verdict is not None:
            first, last = verdict.first, verdict.last
            lines += [
                f"{'':12}  {'first':>9}  {'last':>9}   medians of the first and last fifth after {self._warm_up:.0f} s",
                f"{'memory':12}  {first.memory:6.1f} MB  {last.memory:6.1f} MB   "
                f"{verdict.growth:+.2f} MB per {FRAMES:,} frames (limit {MOST_GROWTH:g})",
            ]
            for what in ("descriptors", "threads", "children"):
                before, after = getattr(first, what), getattr(last, what)
                lines.append(f"{what:12}  {before:9}  {after:9}   {after - before:+d}")
        return "\n".join(lines)

    def to_json(self) -> Dict[str, Any]:
        """Give everything for the report."""
        captured, emitted, dropped, in_flight = self._balance()
        return {
            "environment": {**describe_environment(), **describe_heat()},
            "source": self._source,
            "seconds": round(self._seconds, 1),
            "warm_up_s": round(self._warm_up, 1),
            "frames": {"captured": captured, "emitted": emitted, "dropped": dropped, "in_flight": in_flight},
            "reconnects": int(self._figures.get("fer_edge_source_reconnects_total", 0)),
            "verdict": self._verdict.to_json() if self._verdict else None,
            "complaints": self.complaints,
            "exit_code": self._code,
            "samples": [vars(sample) for sample in self._samples],
        }

    def _balance(self) -> List[int]:
        names = ("captured_total", "total emitted", "total dropped", "in_flight")
        return [int(self._figures.get(f"fer_edge_frames_{name}", 0)) for name in names]


def _refuse_contradictions(settings: Settings) -> None:
    for name, value in (("duration", settings.duration), ("frames", settings.frames)):
        if value is not None:
            raise UsageError(
                f"A soak has its own end, and {name} is set.", f"Leave out --{name}; --minutes says how long."
            )
    if settings.display == "window":
        raise UsageError("A soak runs without a window.", "Leave out --display.")
    if settings.reconnect == "never":
        raise UsageError("A soak is about going on for long, and reconnect is never.", "Leave out --reconnect.")


def _arguments(given: Mapping[str, str], config: Optional[str]) -> List[str]:
    """Give the command line of the program."""
    arguments = {"log_level": "warning", **given, "display": "none"}
    arguments.pop("listen", None)
    return [
        *([f"--config={config}"] if config else []),
        *(f"--{name.replace('_', '-')}={value}" for name, value in arguments.items()),
    ]


def _watch(
    program: Program,
    seconds: float,
    samples: List[Sample],
    stop: threading.Event,
    progress: Callable[[str], None],
) -> Dict[str, float]:
    """Take samples until the time is over or `stop` is set; gives the last figures."""
    _wait_for_frames(program, stop)
    began = time.monotonic()
    period = max(0.5, seconds / MOST_SAMPLES)
    while True:
        figures = program.figures()
        now = time.monotonic() - began
        sample = program.sample(now, figures)
        samples.append(sample)
        progress(f"{now / 60:5.1f} of {seconds / 60:g} minutes, {sample.frames} frames, {sample.memory:.1f} MB")
        if now >= seconds or stop.wait(min(period, seconds - now)):
            return figures


def _wait_for_frames(program: Program, stop: threading.Event) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if program.exit_code is not None:
            raise NotHealthy(
                f"The program ended with exit code {program.exit_code} before its first frame.", "Its message says why."
            )
        if stop.wait(0.2):
            raise UsageError("The soak was stopped before the first frame.", "Nothing was measured.")
        try:
            if program.figures().get("fer_edge_frames_total emitted", 0) > 0:
                return
        except NotHealthy:
            continue
    raise NotHealthy(f"No frame was analysed within {START_SECONDS:g} s.", "Try it without soak, and see its log.")
