"""``fer-edge soak``: hours of work in a few lines."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import asdict
from typing import Any, Dict, List, Mapping, Optional

from fer_edge.app.file_roles import files_read, files_written, refuse_shared_files
from fer_edge.benchmark.environment import describe_environment, describe_heat
from fer_edge.benchmark.output import ReportFile
from fer_edge.errors import GateMissed, UsageError
from fer_edge.settings import Settings, load_settings, settings_file
from fer_edge.soak.cameras import all_together, counts_by_camera
from fer_edge.soak.program import Program
from fer_edge.soak.verdict import FRAMES, MOST_GROWTH, Verdict, judge
from fer_edge.soak.watch import Watch
from fer_edge.system.masking import mask
from fer_edge.system.progress import Progress

DEMO_FPS = "1000"
"""More than any machine analyses, so that an hour's worth of frames passes in minutes."""

WARM_UP_SHARE, LONGEST_WARM_UP = 0.25, 300.0
"""What does not count, as a share of the whole time and in seconds: caches fill, the allocator finds its size."""

SHORTEST = 0.2
"""Minutes. Of a sample every half second a quarter is warm-up, and `FEWEST_SAMPLES` must be left on a slow machine."""


def run_soak(
    given: Mapping[str, Any],
    config: Optional[str],
    minutes: float,
    report: str,
    stop: threading.Event,
    progress: Progress = lambda line: None,
) -> int:
    """Run the program, watch it, and print what came out; return the exit code 0.

    Parameters
    ----------
    given : mapping
        What the command line sets, by the name of the setting.
    config : str, optional
        The settings file that the command line names.
    minutes : float
        How long, from the first frame on.
    report : str
        Where samples and verdict go as JSON; empty for nowhere.
    stop : threading.Event
        Set to end early.
    progress : callable
        Gets a line to show now and then.

    Raises
    ------
    GateMissed
        Something grew, was restarted or did not end in order, or the program ended by itself or fell silent; the table was
        printed.
    NotHealthy
        The program ended by itself, or did not answer, before there was anything to report.
    UsageError
        An option contradicts the purpose, or the time is too short to tell.
    """
    if minutes < SHORTEST:
        raise UsageError(
            f"A soak of {minutes:g} minutes tells nothing.",
            f"Give --minutes {SHORTEST:g} at the least; hours are better.",
        )
    settings = load_settings(given, file=settings_file(config))
    _refuse_contradictions(settings)
    if [camera.source for camera in settings.cameras] == ["auto"]:
        settings = settings.changed(camera="demo")
        given = {"camera_fps": DEMO_FPS, **given, "camera": ["demo"]}
    refuse_shared_files([*files_written(settings), ("--report", report)], files_read(settings))
    with ReportFile(report) as file:
        program = Program(program_arguments(given, config), settings.web.token)
        watch = Watch(program, 60.0 * minutes)
        try:
            watch.run(stop, progress)
        finally:
            progress("")
            code = program.stop()
        outcome = Outcome(watch, code, ", ".join(mask(camera.source) for camera in settings.cameras))
        file.write(json.dumps(outcome.to_json(), indent=2) + "\n")
    sys.stdout.write(f"{outcome}\n")
    if outcome.complaints:
        raise GateMissed(f"The soak found: {'; '.join(outcome.complaints)}.", "The report (--report) has every sample.")
    return 0


class Outcome:
    """What a soak came to.

    Parameters
    ----------
    watch : Watch
        What was measured.
    code : int
        The exit code after SIGTERM.
    source : str
        What was watched.
    """

    def __init__(self, watch: Watch, code: int, source: str) -> None:
        self._watch = watch
        self._samples = watch.samples
        self._figures = watch.figures
        self._cameras = counts_by_camera(watch.figures)
        self._code = code
        self._source = source
        self._seconds = watch.samples[-1].seconds
        self._warm_up = min(LONGEST_WARM_UP, WARM_UP_SHARE * self._seconds)
        self._too_short = ""
        self._verdict: Optional[Verdict] = None
        try:
            self._verdict = judge(watch.samples, self._warm_up)
        except ValueError as error:
            self._too_short = str(error)

    @property
    def complaints(self) -> List[str]:
        """What was not as it should be."""
        found = [self._watch.failure] if self._watch.failure else []
        if self._verdict:
            found += self._verdict.complaints
        elif not self._watch.failure:
            found.append(f"{self._too_short}; give more --minutes")
        restarts = sum(
            count for name, count in self._figures.items() if name.startswith("fer_edge_stage_restarts_total")
        )
        if restarts:
            found.append(f"stages were built anew {restarts:.0f} times")
        for name, counts in self._cameras.items():
            of_which = f" of the camera {name}" if len(self._cameras) > 1 else ""
            if not counts.balanced:
                found.append(
                    f"frames{of_which} were lost: {counts.captured} captured, {counts.emitted} emitted, "
                    f"{counts.dropped} dropped"
                )
            if not counts.emitted:
                found.append(f"no frame{of_which} was analysed")
        if self._code and not self._watch.ended:
            found.append(f"the program did not end in order (exit code {self._code})")
        return found

    def __str__(self) -> str:
        """Return the table for people."""
        counts = all_together(self._cameras)
        rate = self._samples[-1].frames / self._seconds if self._seconds else 0.0
        lines = [
            f"{self._seconds / 60:.1f} minutes of {self._source}: {counts.emitted} frames analysed ({rate:.1f} per second), "
            f"{counts.dropped} of {counts.captured} dropped",
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
        if self._watch.misses:
            lines.append(
                f"{'no answer':12}  {self._watch.misses:9}  of {len(self._samples) + self._watch.misses} times"
            )
        return "\n".join(lines)

    def to_json(self) -> Dict[str, Any]:
        """Return everything for the report."""
        counts = asdict(all_together(self._cameras))
        reconnects = counts.pop("reconnects")
        return {
            "environment": {**describe_environment(), **describe_heat()},
            "source": self._source,
            "seconds": round(self._seconds, 1),
            "warm_up_s": round(self._warm_up, 1),
            "frames": counts,
            "cameras": {name: asdict(one) for name, one in self._cameras.items()},
            "missed_answers": self._watch.misses,
            "reconnects": reconnects,
            "verdict": self._verdict.to_json() if self._verdict else None,
            "complaints": self.complaints,
            "exit_code": self._code,
            "samples": [vars(sample) for sample in self._samples],
        }


def _refuse_contradictions(settings: Settings) -> None:
    for name, value in (("duration", settings.run.duration), ("frames", settings.run.frames)):
        if value is not None:
            _refuse(settings, name, f"A soak has its own end, and {name} is set.", "; --minutes says how long")
    if settings.outputs.display == "window":
        _refuse(settings, "display", "A soak runs without a window, and display is window.")
    if settings.run.reconnect == "never":
        _refuse(settings, "reconnect", "A soak is about going on for long, and reconnect is never.")


def _refuse(settings: Settings, name: str, message: str, more: str = "") -> None:
    remedy = "Take the setting out there" if name in settings.origins else f"Leave out --{name}"
    with settings.located(name):
        raise UsageError(message, f"{remedy}{more}.")


def program_arguments(given: Mapping[str, Any], config: Optional[str]) -> List[str]:
    """Return the command line of the program that is watched: what the soak was given, without a window."""
    arguments = {"log_level": "warning", **given, "display": "none"}
    arguments.pop("listen", None)
    pairs = [
        (name, text)
        for name, value in arguments.items()
        for text in ([value] if isinstance(value, str) else value)  # of cameras there may be several
    ]
    return [
        *([f"--config={config}"] if config else []),
        *(f"--{name.replace('_', '-')}={text}" for name, text in pairs),
    ]
