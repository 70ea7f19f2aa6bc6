"""How far ``fer-edge analyse`` is: one line on a terminal, lines for a log, or JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
import time
from typing import Callable, Mapping, Optional, TextIO

from fer_edge.recordings.figures import AtWork, RunFigures
from fer_edge.recordings.run import Outcome
from fer_edge.report.wording import length
from fer_edge.system.clock import Clock
from fer_edge.system.masking import printable

AUTO, LINES, JSON, NONE = "auto", "lines", "json", "none"

LINE_SECONDS = 10.0
JSON_SECONDS = 1.0
_WIDEST = 120


class Shown:
    """Shows how far a run is, as often as its form wants it.

    Parameters
    ----------
    form : str
        `AUTO` (a line that replaces itself on a terminal, lines elsewhere), `LINES`, `JSON` (on the standard output) or `NONE`.
    error, output : text stream
        For people, and for programs.
    clock : callable
        Monotonic seconds.
    """

    def __init__(self, form: str, error: TextIO, output: TextIO, clock: Clock = time.monotonic) -> None:
        self._error, self._output, self._clock = error, output, clock
        terminal = form == AUTO and error.isatty()
        self.form = "terminal" if terminal else LINES if form == AUTO else form
        self._show: Mapping[str, Callable[[RunFigures], None]] = {
            "terminal": self._replace,
            LINES: self._lines,
            JSON: self._json,
        }
        self._pause = {"terminal": 0.0, LINES: LINE_SECONDS, JSON: JSON_SECONDS}.get(self.form, 0.0)
        self._due = clock() + (self._pause if self.form == LINES else 0.0)
        self._written = False

    def __call__(self, figures: RunFigures) -> None:
        """Take the figures of a run, and show them if it is time."""
        show = self._show.get(self.form)
        if show is not None and self._clock() >= self._due:
            self._due = self._clock() + self._pause
            show(figures)

    def end(self, outcome: Optional[Outcome] = None) -> None:
        """Show that the run is over; without an outcome, that it ended with an error."""
        if self.form == "terminal" and self._written:
            self._error.write("\r" + " " * _width() + "\r")
            self._error.flush()
        if self.form == JSON and outcome is not None:
            failures = [failure.row() for failure in outcome.failures]
            record = {
                "type": "end",
                "finished": outcome.finished,
                "skipped": outcome.skipped,
                "failed": outcome.failed,
                "interrupted": outcome.interrupted,
                "failures": failures,
                **{name: outcome.figures.record()[name] for name in ("frames", "elapsed_s", "fps", "times_real_time")},
            }
            self._write_json(record)

    def _replace(self, figures: RunFigures) -> None:
        self._written = True
        line = f"{overall(figures)}  {', '.join(map(in_short, figures.at_work))}"
        width = _width()
        self._error.write(f"\r{printable(line)[:width]:{width}}")
        self._error.flush()

    def _lines(self, figures: RunFigures) -> None:
        lines = [
            overall(figures),
            *(f"  worker {number}: {told(one)}" for number, one in enumerate(figures.at_work, 1)),
        ]
        self._error.write("".join(f"{line}\n" for line in lines))
        self._error.flush()

    def _json(self, figures: RunFigures) -> None:
        self._write_json({"type": "progress", **figures.record()})

    def _write_json(self, record: Mapping[str, object]) -> None:
        self._output.write(json.dumps(record, separators=(",", ":")) + "\n")
        self._output.flush()


def overall(figures: RunFigures) -> str:
    """Return how far a run is, in a line."""
    done = figures.finished + figures.skipped + figures.failed
    parts = [f"{done} of {figures.recordings} recordings", f"{100 * figures.share:.0f} %"]
    if figures.frames:
        parts += [f"{figures.fps:.0f} frames/s"]
        if figures.times_real_time > 0:
            parts += [f"{figures.times_real_time:.1f} x real time"]
    if figures.left_s is not None and figures.share < 1:
        parts.append(f"about {length(figures.left_s)} left")
    return ", ".join(parts)


def told(one: AtWork) -> str:
    """Return what a worker does, for people."""
    steps = {"survey": "looks at", "join": "writes the results of"}
    if one.step in steps:
        return f"{steps[one.step]} {printable(one.name)}"
    part = f", part {one.number} of {one.of}" if one.of > 1 else ""
    return f"{printable(one.name)}{part}: {one.frames} frames"


def in_short(one: AtWork) -> str:
    """Return what a worker does, in a few words."""
    part = f" {one.number}/{one.of}" if one.of > 1 else ""
    return f"{printable(one.name)}{part}"


def _width() -> int:
    """Return how much of a line does not make the terminal begin another."""
    return max(20, min(_WIDEST, shutil.get_terminal_size().columns - 1))


def standard_streams(form: str) -> Shown:
    """Return what shows a run on the standard streams of this process."""
    return Shown(form, sys.stderr, sys.stdout)
