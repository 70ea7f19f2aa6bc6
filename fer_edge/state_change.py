"""What people call an event, as a value; `fer_edge.types` has it with the other values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Optional


@dataclass(frozen=True)
class StateChange:
    """A face begins to show an expression steadily, or has ended to: what people call an event.

    Attributes
    ----------
    camera : str
        Its name.
    track : int
        The id of the face there.
    label : str
        Of `fer_edge.types.LABELS`.
    start : datetime
        UTC.
    end : datetime or None
        UTC; None where it has only begun. A face that went away ends when it was last found.
    duration : float
        Seconds from start to end, in the time of a video where there is one; of one that has begun, 0.
    confidence, valence, intensity : float
        Means over its frames so far.
    uncertain : bool
        Whether most of its frames so far were uncertain.
    frames : int
        In which the face was found so far.
    media_start, media_end : float or None
        Seconds from the start of the video; None for what is live.
    """

    camera: str
    track: int
    label: str
    start: datetime
    end: Optional[datetime]
    duration: float
    confidence: float
    valence: float
    intensity: float
    uncertain: bool
    frames: int
    media_start: Optional[float] = None
    media_end: Optional[float] = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.end is not None
