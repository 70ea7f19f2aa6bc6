"""What a run came to, and how the figures are put into words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

from fer_edge.types import FrameBalance, Rates

_MOST_NAMED = 20
"""Of the pictures that could not be read; there is a warning for each."""


@dataclass(frozen=True)
class Summary:
    """What a run came to.

    Attributes
    ----------
    seconds : float
        From the first frame; of pictures that stay in the window, until the last one was analysed.
    balance : FrameBalance
        Of all cameras.
    faces : int
        Seen in all frames together.
    rates : Rates
        The figures at the end.
    whereabouts : tuple of str
        Of what was written, a sentence each.
    cameras : mapping of str to FrameBalance
        By name, where there are several.
    troubles : tuple of str
        What was wrong at the end.
    failure : BaseException or None
        Of several cameras, what ended the first that ended by an error while the others went on; None where somebody asked the
        run to end.
    pictures : bool
        Whether there were only pictures, of which no rate makes sense.
    read : tuple of str
        What was seen in pictures, a line for each.
    unread : tuple of str
        Names of the picture files that could not be read, as they may be shown.
    """

    seconds: float
    balance: FrameBalance
    faces: int
    rates: Rates
    whereabouts: Tuple[str, ...] = ()
    cameras: Mapping[str, FrameBalance] = field(default_factory=dict)
    troubles: Tuple[str, ...] = ()
    failure: Optional[BaseException] = None
    pictures: bool = False
    read: Tuple[str, ...] = ()
    unread: Tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the figures, the counts and where the results are, for people."""
        counts = f"{_frames(self.balance)} analysed in {self.seconds:.1f} s, {_count(self.faces, 'face')}"
        if self.pictures:
            lines = [counts, *(self.read if not self.whereabouts else ())]
        else:
            lines = [f"{counts}, {self.balance.dropped} dropped", describe_rates(self.rates)]
        lines += [f"  {name}: {_frames(one)}, {one.dropped} dropped" for name, one in self.cameras.items()]
        return "\n".join([*lines, *self._unread_in_words(), *self.troubles, *self.whereabouts])

    def _unread_in_words(self) -> List[str]:
        if not self.unread:
            return []
        more = len(self.unread) - _MOST_NAMED
        named = ", ".join(self.unread[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        return [f"{len(self.unread)} of the pictures could not be read: {named}"]


def _frames(balance: FrameBalance) -> str:
    return _count(balance.emitted, "frame")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def describe_rates(rates: Rates) -> str:
    """Return the FPS figures in one line, with the capacities called so."""
    stages = (
        f"{name} {capacity:.1f} capacity ({rates.stages[name].achieved:.1f} achieved)"
        for name, capacity in rates.capacities()
    )
    return "   ".join([f"FPS total {rates.total:.1f}", *stages])


def fields_of(rates: Rates) -> Dict[str, Any]:
    """Return the FPS figures as fields of a line of the log."""
    return {
        "fps_total": round(rates.total, 2),
        **{f"fps_{name}": round(capacity, 2) for name, capacity in rates.capacities()},
    }


def counts_of(balance: FrameBalance) -> Dict[str, Any]:
    """Return counts of frames as fields of a line of the log."""
    return {"captured": balance.captured, "emitted": balance.emitted, "dropped": balance.dropped}
