"""The figures of a minute with what became of its frames: the same for every output that keeps or sends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional

from fer_edge.sinks.lines import iso, number
from fer_edge.sinks.run_view import RunView
from fer_edge.track.minutes import MinuteFigures
from fer_edge.types import LABELS, FrameBalance


@dataclass(frozen=True)
class CountedMinute:
    """One minute of one camera.

    Attributes
    ----------
    figures : MinuteFigures
        What the camera showed.
    captured, dropped : int
        Frames that its source gave, and of those the ones that were left out.
    temperature : float or None
        Of the board's hottest zone, in degrees Celsius; None where no sensor told.
    """

    figures: MinuteFigures
    captured: int
    dropped: int
    temperature: Optional[float] = None


class MinuteCounts:
    """Counts the frames of each camera from one of its minutes to the next."""

    def __init__(self) -> None:
        self._before: Dict[str, FrameBalance] = {}

    def add(self, figures: MinuteFigures, run: RunView) -> CountedMinute:
        """Return a minute that is over with what was captured and dropped since the one before of its camera."""
        now, before = run.balance(figures.camera), self._before.get(figures.camera, FrameBalance(0, 0, 0, 0))
        self._before[figures.camera] = now
        return CountedMinute(figures, now.captured - before.captured, now.dropped - before.dropped, run.temperature())


def minute_record(minute: CountedMinute) -> Dict[str, Any]:
    """Return a minute as what JSON can hold: a moment in ISO 8601, seconds with three decimals, other figures with four."""
    figures = minute.figures
    return {
        "camera": figures.camera,
        "start": iso(figures.start),
        "seconds": number(figures.seconds, 3),
        "frames": figures.frames,
        "fps": number(figures.fps, 2),
        "captured": minute.captured,
        "dropped": minute.dropped,
        "temperature_c": None if minute.temperature is None else number(minute.temperature, 1),
        "persons": number(figures.persons, 4),
        "persons_most": figures.persons_most,
        "valence": None if figures.valence is None else number(figures.valence, 4),
        **{f"{label}_s": number(figures.expressions.get(label, 0.0), 3) for label in LABELS},
    }
