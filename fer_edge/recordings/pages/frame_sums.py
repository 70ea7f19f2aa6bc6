"""Adds the frames of a recording up in steps that a screen can show, whatever its length."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, Iterable, Iterator, List, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.recordings.pages.reading import Batch, Summary
from fer_edge.recordings.recording import ASSUMED_FPS
from fer_edge.types import LABELS

MOST_STEPS = 360
"""Across a chart: two to three pixels each on a desktop, and the page of ten hours is no larger than that of ten minutes."""

WIDTHS = (0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 86400)
"""Seconds, or pictures where it is a whole number."""

_FRAMES_IN_STEP = 1.5
"""Mean frames in the narrowest step: with fewer, some would be empty beside full ones."""

_LONGEST_HOLD = 2.0
"""Seconds for which a frame is taken to last that has no next one so soon; more where all frames are further apart."""

_HOLD_OF_INTERVALS = 3.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FrameSteps:
    """Equal steps along a recording.

    Attributes
    ----------
    width : float
        Of each, in seconds, or pictures.
    count : int
        How many.
    length : float
        Of the recording; the last step may end behind it.
    pictures : bool
        Whether pictures are counted, and not seconds.
    longest : float
        For which a frame without a next one is taken to last.
    """

    width: float
    count: int
    length: float
    pictures: bool
    longest: float

    def edges(self) -> List[float]:
        """Return where each step begins, and where the last one ends."""
        return [min(number * self.width, self.length) for number in range(self.count + 1)]


@dataclass(frozen=True)
class FrameSums:
    """What was seen in each step.

    Attributes
    ----------
    measured : array of float
        Seconds of frames that were analysed.
    shown : array of float, steps x labels
        Person-seconds.
    valence, lowest, highest : array of float
        The mean, and the least and greatest of any face; NaN where nobody was in view.
    file : list of str
        The first picture of each step.
    valence_of : mapping of int to float
        The mean of each person, by the number.
    """

    measured: Floats
    shown: Floats
    valence: Floats
    lowest: Floats
    highest: Floats
    file: List[str]
    valence_of: Dict[int, float]

    @property
    def people(self) -> Floats:
        """How many people showed each label, on average: steps x labels; NaN where nothing was measured."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.measured[:, None] > 0, self.shown / self.measured[:, None], np.nan)


def steps_of(summary: Summary) -> FrameSteps:
    """Return the steps for a recording."""
    pictures = summary.pictures
    length = float(summary.frames or summary.analysed) if pictures else summary.duration or 0.0
    interval = 1.0 if pictures else length / max(1, summary.analysed)
    least = max(length / MOST_STEPS, interval if pictures else _FRAMES_IN_STEP * interval)
    # Rounding shall not make a step more of what divides evenly.
    width = next((width for width in WIDTHS if width >= least * (1 - 1e-9)), WIDTHS[-1] * math.ceil(least / WIDTHS[-1]))
    longest = 1.0 if pictures else max(_LONGEST_HOLD, _HOLD_OF_INTERVALS * interval)
    return FrameSteps(width, max(1, math.ceil(length / width - 1e-9)), length, pictures, longest)


def last_time(batches: Iterable[Batch], fps: Optional[float]) -> float:
    """Return when the last frame ends, in seconds, for a recording whose duration nobody knows."""
    last = frames = 0.0
    for batch in filter(len, batches):
        times = batch.time[np.isfinite(batch.time)]
        frames = max(frames, float(batch.frame.max()) + 1)
        last = max(last, float(times.max()) if len(times) else 0.0)
    return max(last + 1 / (fps or ASSUMED_FPS), frames / fps if fps and not last else 0.0)


def sums_of(batches: Iterable[Batch], steps: FrameSteps, fps: Optional[float]) -> FrameSums:
    """Add up all frames, of which each lasts until the next.

    Parameters
    ----------
    batches : iterable of Batch
        In the order of time; a frame may go on in the next batch.
    steps : FrameSteps
        As `steps_of` gives them.
    fps : float or None
        For frames without a time.
    """
    ledger = _Ledger(steps)
    for batch, end in _with_ends(_clocked(batches, steps, fps), steps):
        ledger.add(batch, end)
    return ledger.sums()


def _clocked(batches: Iterable[Batch], steps: FrameSteps, fps: Optional[float]) -> Iterator[Batch]:
    """Give batches in which each frame has a time on the axis."""
    for batch in filter(len, batches):
        by_index = batch.frame.astype(np.float64)
        guess = by_index if steps.pictures else by_index / (fps or ASSUMED_FPS)
        time = guess if steps.pictures else np.where(np.isfinite(batch.time), batch.time, guess)
        yield Batch(np.maximum(time, 0.0), batch.frame, batch.label, batch.track, batch.valence, batch.file)


def _with_ends(batches: Iterable[Batch], steps: FrameSteps) -> Iterator[Tuple[Batch, float]]:
    """Give rows of whole frames, and when the next frame begins."""
    kept: Optional[Batch] = None
    for batch in batches:
        rows = batch if kept is None else kept.then(batch)
        others = np.flatnonzero(rows.frame != rows.frame[-1])
        last = int(others[-1]) + 1 if len(others) else 0
        if last:
            yield rows.part(0, last), float(rows.time[last])
        kept = rows.part(last)
    if kept is not None:
        begin = float(kept.time[0])
        yield kept, begin + steps.longest if steps.length <= begin else min(steps.length, begin + steps.longest)


class _Ledger:
    def __init__(self, steps: FrameSteps) -> None:
        self._steps = steps
        count = steps.count
        self._measured = np.zeros(count)
        self._shown = np.zeros(count * len(LABELS))
        self._valence, self._weight = np.zeros(count), np.zeros(count)
        self._lowest, self._highest = np.full(count, np.inf), np.full(count, -np.inf)
        self._file = [""] * count
        self._people: Dict[int, List[float]] = {}

    def add(self, rows: Batch, end: float) -> None:
        """Add whole frames; `end` is when the next one begins."""
        begins = np.flatnonzero(np.diff(rows.frame, prepend=rows.frame[0] - 1))
        start = rows.time[begins]
        hold = np.clip(np.append(start[1:], end) - start, 0.0, self._steps.longest)
        frame, step, seconds = self._pieces(start, hold)
        self._measured += np.bincount(step, seconds, self._steps.count)
        for which, place in zip(begins.tolist(), self._at(start).tolist()):
            if rows.file[which] and not self._file[place]:
                self._file[place] = rows.file[which]
        # Each row has the pieces of its frame.
        of_row = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(rows))))
        pieces = np.bincount(frame, minlength=len(begins))
        first = np.cumsum(pieces) - pieces
        many = pieces[of_row]
        row = np.repeat(np.arange(len(rows)), many)
        piece = first[of_row][row] + np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many)
        self._add_faces(rows, row, step[piece], seconds[piece])

    def _add_faces(self, rows: Batch, row: NDArray[np.int64], step: NDArray[np.int64], seconds: Floats) -> None:
        label, valence, track = rows.label[row], rows.valence[row], rows.track[row]
        face = label >= 0
        place = step[face] * len(LABELS) + label[face]
        self._shown += np.bincount(place, seconds[face], len(self._shown))
        known = face & np.isfinite(valence) & (seconds > 0)
        weighted = valence[known] * seconds[known]
        self._valence += np.bincount(step[known], weighted, self._steps.count)
        self._weight += np.bincount(step[known], seconds[known], self._steps.count)
        np.minimum.at(self._lowest, step[known], valence[known])
        np.maximum.at(self._highest, step[known], valence[known])
        followed = track[known] >= 0
        numbers, which = np.unique(track[known][followed], return_inverse=True)
        sums = np.bincount(which, weighted[followed], len(numbers))
        weights = np.bincount(which, seconds[known][followed], len(numbers))
        for number, part, weight in zip(numbers.tolist(), sums.tolist(), weights.tolist()):
            kept = self._people.setdefault(number, [0.0, 0.0])
            kept[0] += part
            kept[1] += weight

    def _at(self, time: Floats) -> NDArray[np.int64]:
        # A frame at 0.3 s belongs behind the edge of 0.3 s, whatever the last bit of 3 x 0.1 is.
        return np.clip(np.floor(time / self._steps.width + 1e-6), 0, self._steps.count - 1).astype(np.int64)

    def _pieces(self, start: Floats, hold: Floats) -> Tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """Cut each frame's time at the edges of the steps."""
        width = self._steps.width
        first, last = self._at(start), self._at(start + hold)
        many = last - first + 1
        frame = np.repeat(np.arange(len(start)), many)
        step = first[frame] + np.arange(len(frame)) - np.repeat(np.cumsum(many) - many, many)
        inner, outer = step > first[frame], step < last[frame]
        begin = np.where(inner, step * width, start[frame])
        end = np.where(outer, (step + 1) * width, (start + hold)[frame])
        return frame, step, np.maximum(end - begin, 0.0)

    def sums(self) -> FrameSums:
        """Return what was added up."""
        seen = self._weight > 0
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(seen, self._valence / self._weight, np.nan)
        return FrameSums(
            measured=self._measured,
            shown=self._shown.reshape(-1, len(LABELS)),
            valence=mean,
            lowest=np.where(seen, self._lowest, np.nan),
            highest=np.where(seen, self._highest, np.nan),
            file=self._file,
            valence_of={number: part / weight for number, (part, weight) in self._people.items() if weight > 0},
        )
