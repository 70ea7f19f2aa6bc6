"""Writes what each face showed from when to when, a line for each state that is over: for people, spreadsheets and programs."""

from __future__ import annotations

import logging
from collections import deque
from typing import Deque, Optional, Tuple

import numpy as np

from fer_edge.errors import ResultUnwritable, UsageError
from fer_edge.sinks.base import Sink, StreamInfo
from fer_edge.sinks.event_lines import Form, form_for
from fer_edge.sinks.lines import LineFile, LineSink, one_or_pieces
from fer_edge.sinks.request import SinkRequest
from fer_edge.track.states import StateLog
from fer_edge.types import Observation, Rates, StateChange

logger = logging.getLogger("fer_edge")

_WHAT = "events file"


class EventSink(Sink):
    """Writes states that are over to what a request names: JSON Lines, or rows where the name ends in ``.csv``.

    A state is written whole and at once, with the observation that ended it, and what is still open when the sink is closed
    as what it was until then: so a kill loses the states that are open, and nothing else. Where one cannot be written, it and
    the open states pass on to the next sink of the same place.

    Parameters
    ----------
    request : SinkRequest
        Names the place, and how to write there.

    Raises
    ------
    OutputError
        As `LineFile` raises it; also from `write` and `close`.
    ResultUnwritable
        From `write`: a state cannot be told, or nobody reads the pipe and the run is to end.
    """

    def __init__(self, request: SinkRequest) -> None:
        form = form_for(request.place)
        self._ledger: Ledger = request.memory.setdefault(_WHAT, Ledger())

        def file(path: str, go_on: bool) -> _EventFile:
            lines = LineFile(path, _WHAT, form.recognise, request.stop, go_on, request.before_opening, form.head)
            return _EventFile(lines, form, self._ledger)

        self._place = request.place
        self._files = one_or_pieces(request, file, form.recognise)
        self._opened = self._wrote = False

    def open(self, info: StreamInfo) -> None:
        """Open the file; what is there stays until the first line."""
        self._files.open(info)
        self._opened = True

    def write(self, observation: Observation, rates: Rates) -> None:
        """Write what ended with this observation. Raises UsageError before `open`."""
        if not self._opened:
            raise UsageError(f"Results were given to '{self._place}' before it was opened.", "Call open(info) first.")
        self._ledger.take(observation)
        self._write(observation, rates)

    def close(self) -> None:
        """Write what is open as ended, and close the file."""
        try:
            if self._opened and self._ledger.last is not None:
                self._ledger.finish()
                # Also where nobody was seen: the file of an earlier run shall not pass for that of this one.
                self._write(self._ledger.last, Rates(), begin=not self._wrote)
        except ResultUnwritable as error:
            left = len(self._ledger.waiting)
            logger.warning(
                "%d events of the end were left out: %s",
                left,
                error.message,
                extra={"event": "results_left_out", "sink": _WHAT, "lost": left},
            )
        finally:
            self._opened = False
            self._files.close()

    def _write(self, observation: Observation, rates: Rates, begin: bool = False) -> None:
        if not self._ledger.waiting and not begin:
            return
        self._wrote = True
        try:
            self._files.write(observation, rates)
        except ResultUnwritable:
            raise
        except BaseException:
            self._opened = False  # closing it now is not the end of what people show
            raise


class Ledger:
    """States of one place: those that are open, and those that are over and not written yet.

    Attributes
    ----------
    waiting : deque of StateChange
        Over, and to be written, in this order.
    last : Observation or None
        The one taken last, without its pixels.
    """

    def __init__(self) -> None:
        self.waiting: Deque[StateChange] = deque()
        self.last: Optional[Observation] = None
        self._log = StateLog()

    def take(self, observation: Observation) -> None:
        """Take an observation; one that is given again, as its states could not be written, changes nothing."""
        if self.last is None or _key(self.last) != _key(observation):
            self.waiting.extend(change for change in self._log.update(observation) if change.is_over)
            self.last = _without_pixels(observation)

    def finish(self) -> None:
        """End what is open."""
        self.waiting.extend(self._log.close())


class _EventFile(LineSink):
    """One file of them, which may be a piece of all."""

    def __init__(self, lines: LineFile, form: Form, ledger: Ledger) -> None:
        super().__init__(lines)
        self._form = form
        self._ledger = ledger

    def write(self, observation: Observation, rates: Rates) -> None:  # noqa: ARG002  (it is known what ended with it)
        waiting = self._ledger.waiting
        if not waiting:
            self._lines.append(b"")
        while waiting:
            try:
                line = self._form.line(waiting[0])
            except (TypeError, ValueError, OverflowError) as error:
                change = waiting.popleft()
                raise ResultUnwritable(
                    f"What track {change.track} of the camera '{change.camera}' showed cannot be told: {error}.",
                    "Look at what made it: a detector, a classifier or a source of your own.",
                ) from error
            self._lines.append(line)
            waiting.popleft()


def make_sink(request: SinkRequest) -> Sink:
    """Make the sink that ``--events`` asks for."""
    return EventSink(request)


def _key(observation: Observation) -> Tuple[str, int]:
    return observation.frame.source, observation.frame.index


def _without_pixels(observation: Observation) -> Observation:
    frame = observation.frame
    bare = object.__new__(type(frame))
    bare.__dict__.update(frame.__dict__, image=np.zeros((0, 0, 3), np.uint8))
    return Observation(bare)
