"""What became of the frames, as a value; `fer_edge.types` has it with the other values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FrameBalance:
    """Counts of frames; ``captured == emitted + dropped + in_flight`` at any moment."""

    captured: int
    emitted: int
    dropped: int
    in_flight: int
